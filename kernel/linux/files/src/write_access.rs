//! The right to write a plain file, or to keep others from writing it.
//!
//! An open for writing, or a cut, gets write access; a program in memory
//! denies it (Linux `get_write_access`, `deny_write_access`). What they count
//! is in `write_count.rs`.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::inode::Inode;

/// Write access to a file, got or denied; ends when it is dropped.
pub struct WriteAccess {
    inode: Arc<dyn Inode>,
    step: i32,
}

impl WriteAccess {
    /// Gets write access; `None` for a file that cannot be run anyway.
    ///
    /// # Errors
    /// `ETXTBSY` while it runs.
    pub fn get(inode: &Arc<dyn Inode>) -> Result<Option<Self>, Errno> {
        Self::new(inode, 1)
    }

    /// Denies it to everybody, to run the file.
    ///
    /// # Errors
    /// `ETXTBSY` while somebody may write it.
    pub fn deny(inode: &Arc<dyn Inode>) -> Result<Option<Self>, Errno> {
        Self::new(inode, -1)
    }

    fn new(inode: &Arc<dyn Inode>, step: i32) -> Result<Option<Self>, Errno> {
        let Some(count) = inode.write_count() else { return Ok(None) };
        count.add(step)?;
        Ok(Some(Self { inode: inode.clone(), step }))
    }
}

impl Drop for WriteAccess {
    fn drop(&mut self) {
        if let Some(count) = self.inode.write_count() {
            count.remove(self.step);
        }
    }
}
