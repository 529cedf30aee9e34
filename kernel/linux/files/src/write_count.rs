//! Who may write a plain file, and who runs it: never both.
//!
//! A program's pages come from its file when they are first touched. Whoever
//! cut or changed the file of a running program would change the program
//! while it runs, even the first process. So each file counts those who may
//! write it and the programs that run from it, which exclude each other with
//! `ETXTBSY` (Linux `i_writecount`). Libraries do not count, as there. Next:
//! `write_access.rs`, which counts.

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use kernel_abi::Errno;

/// Uses of one file: writers count up from 0, programs down.
#[derive(Default)]
pub struct WriteCount(AtomicI32);

impl WriteCount {
    /// Counts one more of the side that `step` belongs to, 1 or -1.
    pub(super) fn add(&self, step: i32) -> Result<(), Errno> {
        let count = |now: i32| (now * step >= 0).then(|| now + step);
        let added = self.0.fetch_update(Relaxed, Relaxed, count);
        added.map(drop).map_err(|_| Errno::ETXTBSY)
    }

    /// Takes back what [`WriteCount::add`] counted.
    pub(super) fn remove(&self, step: i32) {
        self.0.fetch_sub(step, Relaxed);
    }
}
