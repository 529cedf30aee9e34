//! Who may write a plain file, and who runs it: never both.
//!
//! A program's pages come from its file when they are first touched. Whoever
//! cut or changed the file of a running program would change the program
//! under its feet, even the first process. So an open for writing, or a cut,
//! and a program in memory claim the file, and exclude each other with
//! `ETXTBSY` (Linux `i_writecount`). Libraries are not claimed, as there.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use kernel_abi::Errno;

use super::inode::Inode;

/// Claims to one file: writers count up from 0, programs down.
#[derive(Default)]
pub struct Claims(AtomicI32);

impl Claims {
    /// Counts one more of the side that `step` belongs to, 1 or -1.
    fn add(&self, step: i32) -> Result<(), Errno> {
        let count = |now: i32| (now * step >= 0).then(|| now + step);
        let added = self.0.fetch_update(Relaxed, Relaxed, count);
        added.map(drop).map_err(|_| Errno::ETXTBSY)
    }
}

/// A claim to a file; ends when it is dropped.
pub struct Claim {
    inode: Arc<dyn Inode>,
    step: i32,
}

impl Claim {
    /// To write the file; `None` for one that cannot be run anyway.
    ///
    /// # Errors
    /// `ETXTBSY` while it runs.
    pub fn to_write(inode: &Arc<dyn Inode>) -> Result<Option<Self>, Errno> {
        Self::new(inode, 1)
    }

    /// To run the file.
    ///
    /// # Errors
    /// `ETXTBSY` while somebody may write it.
    pub fn to_run(inode: &Arc<dyn Inode>) -> Result<Option<Self>, Errno> {
        Self::new(inode, -1)
    }

    fn new(inode: &Arc<dyn Inode>, step: i32) -> Result<Option<Self>, Errno> {
        let Some(claims) = inode.claims() else { return Ok(None) };
        claims.add(step)?;
        Ok(Some(Self { inode: inode.clone(), step }))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(claims) = self.inode.claims() {
            claims.0.fetch_sub(self.step, Relaxed);
        }
    }
}
