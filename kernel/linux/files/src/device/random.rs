//! Random numbers: `/dev/random`, `/dev/urandom`, `getrandom`.
//!
//! One generator (`kernel_core::random`), seeded with what the boot loader
//! gave and the time. It is ready from the start and never waits.

use kernel_abi::Errno;
use kernel_core::random::Random as Generator;

use crate::buffer::{Input, Output};
use crate::file::{Blocking, File, Offset};
use kernel_machine::arch;
use kernel_machine::mm::user;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::sleep::give_way;

/// After so many bytes others have their turn, and signals theirs.
const BURST: usize = 1 << 13;

fn generator() -> &'static SpinLock<Generator> {
    static GENERATOR: spin::Once<SpinLock<Generator>> = spin::Once::new();
    GENERATOR.call_once(|| {
        let time = arch::timer::now_ns().to_le_bytes();
        SpinLock::with_rank(Rank::Object, Generator::new(&time))
    })
}

/// Mixes `seed` and the time into the generator.
pub fn add_entropy(seed: &[u8]) {
    let time = arch::timer::now_ns().to_le_bytes();
    let mut generator = generator().lock();
    generator.mix(&time);
    generator.mix(seed);
}

/// Fills `bytes` with random ones.
pub fn fill(bytes: &mut [u8]) {
    generator().lock().fill(bytes);
}

/// Fills `output` with random bytes.
///
/// # Errors
/// `EFAULT`.
pub fn read(output: &mut Output<'_>) -> Result<usize, Errno> {
    let mut chunk = [0; 256];
    while output.remaining() > 0 {
        let size = output.remaining().min(chunk.len());
        fill(&mut chunk[..size]);
        if let Err(error) = output.put(&chunk[..size]) {
            return output.short(error);
        }
        if output.done().is_multiple_of(BURST)
            && let Err(error) = give_way()
        {
            return output.short(error);
        }
    }
    Ok(output.done())
}

/// Bits of the generator's key, which nobody can guess.
pub const ENTROPY_BITS: u32 = 256;

/// The device.
pub(super) struct Random;

impl File for Random {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        read(output)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        let mut chunk = [0; 256];
        while input.remaining() > 0 {
            let size = input.remaining().min(chunk.len());
            if let Err(error) = input.take(&mut chunk[..size]) {
                return input.short(error);
            }
            add_entropy(&chunk[..size]);
            if input.done().is_multiple_of(BURST)
                && let Err(error) = give_way()
            {
                return input.short(error);
            }
        }
        Ok(input.done())
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        /// `RNDGETENTCNT`
        const COUNT: u32 = 0x8004_5200;
        match request {
            COUNT => user::write_value(argument, &ENTROPY_BITS).map(|()| 0),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}
