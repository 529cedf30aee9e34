//! `/proc`: processes, and what the kernel tells about itself.
//!
//! What is told of processes is made from snapshots; no lock is taken that a
//! task holds while it sleeps or is frozen, so `ps` always works. Everything
//! else is a tree of attributes, to which any layer above can add
//! ([`register`]).
//!
//! ```text
//!  tree.rs     the attributes
//!  inode.rs    what an inode says: which process, thread, file
//!  root.rs     the top directory
//!  process.rs  `/proc/PID`
//!  target.rs   the task that a number means
//!  text.rs     the texts about it
//!  memory.rs   those about its memory: `maps`, `smaps`
//!  pagemap.rs  `pagemap`
//!  system.rs   memory, mounts, groups
//!  load.rs     time and processors
//! ```

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::stat::{PROC_MAGIC, Statfs};
use kernel_core::path::NAME_MAX;

use kernel_files::inode::{FileSystem, Inode};
use kernel_files::mount;

mod inode;
pub mod load;
mod memory;
mod pagemap;
mod process;
mod root;
mod system;
mod target;
mod text;
mod tree;

pub use process::process_of;
pub use tree::register;

/// Makes the files, of which `cmdline` shows `command_line`, and lets them be
/// mounted.
///
/// # Errors
/// `EEXIST` if called twice.
pub fn init(command_line: &'static str) -> Result<(), Errno> {
    load::init()?;
    system::init(command_line)?;
    // Each mount is a file system of its own, since Linux 5.8: so it can be
    // mounted where it is mounted already.
    mount::register_type("proc", |_, _| Ok(Arc::new(ProcFs)));
    Ok(())
}

/// The file system.
struct ProcFs;

impl FileSystem for ProcFs {
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(inode::Root)
    }

    fn kind(&self) -> &'static str {
        "proc"
    }

    fn statfs(&self) -> Statfs {
        Statfs {
            kind: PROC_MAGIC,
            bsize: 4096,
            frsize: 4096,
            namelen: NAME_MAX as u64,
            ..Statfs::default()
        }
    }
}
