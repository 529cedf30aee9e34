//! `/proc`: processes, and what the kernel tells about itself.
//!
//! What is known of processes is asked of a [`ProcessSource`], which the
//! process layer registers; it answers from snapshots and takes no lock that
//! a frozen task can hold, so `ps` always works. Everything else is a tree of
//! attributes, to which any layer can add ([`register`]).
//!
//! Read next: `root.rs` (the top directory), `process.rs` (`/proc/PID`),
//! `system.rs` (memory, mounts, version).

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::stat::{PROC_MAGIC, Statfs};
use kernel_core::path::NAME_MAX;

use super::attribute::{Attribute, Tree};
use super::inode::{FileSystem, Inode};
use super::location::Location;
use super::mount;
use super::{FileTable, FsContext};

pub mod load;
mod process;
mod root;
mod system;

pub use system::set_command_line;

/// A text about a thread, by the name of its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text {
    /// `stat`
    Stat,
    /// `statm`
    Statm,
    /// `status`
    Status,
    /// `cmdline`: arguments, each with a NUL.
    CommandLine,
    /// `comm`: the name, with a newline.
    Name,
    /// `environ`
    Environment,
    /// `wchan`: where it sleeps, or `0`.
    WaitChannel,
    /// `maps`
    Maps,
    /// `limits`
    Limits,
    /// `cgroup`
    Groups,
}

/// What the process layer knows.
///
/// # Errors
/// All methods that can fail do so with `ESRCH` if there is no such thread
/// any more.
pub trait ProcessSource: Sync {
    /// Numbers of all processes, kernel threads included, ascending.
    fn processes(&self) -> Vec<u32>;

    /// Numbers of a process' threads, ascending.
    fn threads(&self, process: u32) -> Result<Vec<u32>, Errno>;

    /// The running process and thread; `None` in a kernel thread.
    fn current(&self) -> Option<(u32, u32)>;

    /// A text about a thread. For a process as a whole, `thread` is `None`.
    fn text(
        &self,
        process: u32,
        thread: Option<u32>,
        what: Text,
    ) -> Result<Vec<u8>, Errno>;

    /// User and group to whom its files belong.
    fn owner(&self, process: u32) -> (u32, u32);

    /// Its descriptors.
    fn files(&self, process: u32) -> Result<Arc<FileTable>, Errno>;

    /// Its root and working directory.
    fn context(&self, process: u32) -> Result<Arc<FsContext>, Errno>;

    /// The program it runs; `ENOENT` for a kernel thread.
    fn program(&self, process: u32) -> Result<Location, Errno>;
}

static SOURCE: spin::Once<&'static dyn ProcessSource> = spin::Once::new();

/// Connects the process layer, once.
pub fn set_source(source: &'static dyn ProcessSource) {
    SOURCE.call_once(|| source);
}

fn source() -> Result<&'static dyn ProcessSource, Errno> {
    SOURCE.get().copied().ok_or(Errno::ESRCH)
}

struct ProcFs {
    device: u64,
    tree: Tree,
}

fn procfs() -> &'static Arc<ProcFs> {
    static PROCFS: spin::Once<Arc<ProcFs>> = spin::Once::new();
    PROCFS.call_once(|| {
        let device = mount::allocate_device();
        Arc::new(ProcFs { device, tree: Tree::new(device) })
    })
}

/// The file system, of which there is one.
pub fn filesystem() -> Arc<dyn FileSystem> {
    procfs().clone()
}

/// Adds the file `path`, an absolute name that begins with `/proc`.
///
/// # Errors
/// `EEXIST` if the name is taken, `ENOTDIR` if part of the way is a file.
pub fn register(path: &str, attribute: Attribute) -> Result<(), Errno> {
    let path = path.strip_prefix("/proc/").ok_or(Errno::EINVAL)?;
    procfs().tree.add(path, attribute)
}

/// Adds the files of this module.
///
/// # Errors
/// As [`register`].
pub fn init() -> Result<(), Errno> {
    load::init(&procfs().tree)?;
    system::init(&procfs().tree)
}

impl FileSystem for ProcFs {
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(root::Root)
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
