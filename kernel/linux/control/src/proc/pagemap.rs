//! `/proc/PID/pagemap`: eight bytes for each page of a process's memory.

use alloc::sync::Weak;

use kernel_abi::Errno;

use super::target::Target;
use kernel_core::capability::Capability;
use kernel_core::memory::region::HIGHEST;
use kernel_files::Output;
use kernel_files::file::{Blocking, File, Offset};
use kernel_machine::mm::{AddressSpace, PAGE_SIZE};
use kernel_process::authority;

/// The bits of an entry (Linux: `Documentation/admin-guide/mm/pagemap.rst`).
const PRESENT: u64 = 1 << 63;
/// Not the process's own.
const OF_OBJECT: u64 = 1 << 61;
/// In nobody else's tables.
const EXCLUSIVE: u64 = 1 << 56;

const ENTRY: usize = size_of::<u64>();
/// Bytes that are made at once.
const PIECE: usize = 64 * ENTRY;

/// The file, open.
pub(super) struct Pages {
    pub(super) process: u32,
    pub(super) thread: Option<u32>,
    /// The memory that the process had when it was opened.
    pub(super) memory: Option<Weak<AddressSpace>>,
}

impl File for Pages {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        let count = output.remaining();
        let is_whole = |number: usize| number.is_multiple_of(ENTRY);
        let start = usize::try_from(position).map_err(|_| Errno::EINVAL)?;
        if !is_whole(start) || !is_whole(count) {
            return Err(Errno::EINVAL);
        }
        let now = Target::find(self.process, self.thread)?.memory()?;
        let then = self.memory.as_ref().map(Weak::as_ptr);
        let Some(space) =
            now.filter(|it| then == Some(alloc::sync::Arc::as_ptr(it)))
        else {
            return Ok(0);
        };
        // Which frame it is, takes a capability.
        let shows_frames = authority::has(Capability::SYS_ADMIN);
        let mut piece = [0; PIECE];
        let mut at = start;
        let end = HIGHEST / PAGE_SIZE * ENTRY;
        while output.remaining() > 0 && at < end {
            let length = output.remaining().min(PIECE).min(end - at);
            for entry in piece[..length].chunks_exact_mut(ENTRY) {
                let address = at / ENTRY * PAGE_SIZE;
                let value = describe(&space, address, shows_frames);
                entry.copy_from_slice(&value.to_le_bytes());
                at += ENTRY;
            }
            if let Err(error) = output.put(&piece[..length]) {
                return output.short(error);
            }
        }
        Ok(output.done())
    }

    fn offset(&self) -> Offset {
        Offset::InTurn
    }
}

fn describe(space: &AddressSpace, address: usize, shows_frames: bool) -> u64 {
    let Some((frame, is_own, is_sole)) = space.frame_at(address) else {
        return 0;
    };
    let mut value = PRESENT;
    if shows_frames {
        value |= frame;
    }
    if !is_own {
        value |= OF_OBJECT;
    }
    if is_own && is_sole {
        value |= EXCLUSIVE;
    }
    value
}
