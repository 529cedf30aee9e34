//! `capget(2)`, `capset(2)`: a process has all capabilities, or none.
//!
//! Which of the two is its user's business alone. So capabilities cannot be
//! taken or given up one by one; a `capset` that would change something fails
//! with `EPERM`.

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::user;
use kernel_process::{current, group};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::CAPGET, Handler::Plain(capget)),
    (number::CAPSET, Handler::Plain(capset)),
];

/// The versions of the structures, and how many sets of 32 bits each has.
const VERSIONS: [(u32, usize); 3] =
    [(0x2008_0522, 2), (0x2007_1026, 2), (0x1998_0330, 1)];

/// Effective, permitted and inheritable bits, 32 of each.
type Set = [u32; 3];

/// Reads the header: the process that is meant, and the number of sets;
/// `None` after an unknown version was answered with the known one.
fn read_header(
    address: usize,
) -> core::result::Result<Option<(i32, usize)>, Errno> {
    let [version, id]: [u32; 2] = user::read_value(address)?;
    match VERSIONS.iter().find(|known| known.0 == version) {
        Some((_, sets)) => Ok(Some((id as i32, *sets))),
        None => {
            user::write_value(address, &VERSIONS[0].0)?;
            Ok(None)
        }
    }
}

fn sets_of(capabilities: u64, inheritable: u64) -> [Set; 2] {
    let low = capabilities as u32;
    let high = (capabilities >> 32) as u32;
    let (kept, kept_high) = (inheritable as u32, (inheritable >> 32) as u32);
    [[low, low, kept], [high, high, kept_high]]
}

fn capget(args: &Args) -> Result {
    let Some((id, count)) = read_header(args.x[0])? else {
        // Asking for the version alone is no error.
        return if args.x[1] == 0 { Ok(0) } else { Err(Errno::EINVAL) };
    };
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let process = group::named(id)?;
    let capabilities = process.credentials.lock().capabilities();
    let sets = sets_of(capabilities, 0);
    for (at, set) in sets[..count].iter().enumerate() {
        let place = args.x[1].wrapping_add(at * size_of::<Set>());
        user::write_value(place, set)?;
    }
    Ok(0)
}

fn capset(args: &Args) -> Result {
    let (id, count) = read_header(args.x[0])?.ok_or(Errno::EINVAL)?;
    let process = &current().process;
    if id != 0 && id != process.id as i32 {
        return Err(Errno::EPERM);
    }
    let capabilities = process.credentials.lock().capabilities();
    let known = sets_of(capabilities, 0);
    for (at, known) in known[..count].iter().enumerate() {
        let place = args.x[1].wrapping_add(at * size_of::<Set>());
        let [effective, permitted, _]: Set = user::read_value(place)?;
        // Bits beyond the last capability mean nothing.
        let meant = if at == 0 { u32::MAX } else { 0xff };
        if [effective & meant, permitted & meant] != known[..2] {
            return Err(Errno::EPERM);
        }
    }
    Ok(0)
}
