//! Who may do what with a file: the mode bits, for all but the user who may
//! do everything.
//!
//! Whose rights count is known to the process layer, which is asked
//! ([`SOURCE`]), once for each name that is walked. As long as every
//! process is privileged nobody is asked ([`enforce`]).

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;

use super::inode::{Change, FileType, Inode, Metadata};
use kernel_machine::sync::Hook;

/// The right to read, or to list a directory.
pub const READ: u32 = 4;
/// The right to write, or to change what is in a directory.
pub const WRITE: u32 = 2;
/// The right to execute, or to go through a directory.
pub const EXECUTE: u32 = 1;

/// Names in such a directory belong to the owners of what they name.
const STICKY: u32 = 0o1000;

/// Whose rights count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority {
    /// The user.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Further groups.
    pub groups: Arc<[u32]>,
}

/// The rights of the running process; `None` if it may do everything.
pub type Source = fn() -> Option<Authority>;

/// Tells the rights of the running process, which the process layer knows.
pub static SOURCE: Hook<Source> = Hook::new();
/// Some process is, or was, not privileged.
static IS_ENFORCED: AtomicBool = AtomicBool::new(false);

/// From now on there are processes that may not do everything.
pub fn enforce() {
    IS_ENFORCED.store(true, Relaxed);
}

/// The rights of the running process; `None` if it may do everything.
#[inline]
pub fn current() -> Option<Authority> {
    if !IS_ENFORCED.load(Relaxed) {
        return None;
    }
    SOURCE.get()?()
}

/// Fails unless the running process may do `wanted` with `inode`.
///
/// # Errors
/// `EACCES`.
#[inline]
pub fn check(inode: &dyn Inode, wanted: u32) -> Result<(), Errno> {
    match current() {
        None => Ok(()),
        Some(who) => who.check(inode, wanted),
    }
}

/// Fails unless the running process may give or take the name of `victim`
/// in `directory`.
///
/// # Errors
/// `EACCES`; `EPERM` for what is somebody else's in a sticky directory.
pub fn check_name(
    directory: &dyn Inode,
    victim: Option<&dyn Inode>,
) -> Result<(), Errno> {
    let Some(who) = current() else { return Ok(()) };
    who.check(directory, WRITE | EXECUTE)?;
    let Some(victim) = victim else { return Ok(()) };
    let place = directory.metadata();
    let owners = [place.uid, victim.metadata().uid];
    match place.permissions & STICKY != 0 && !owners.contains(&who.user) {
        true => Err(Errno::EPERM),
        false => Ok(()),
    }
}

/// Gives what the running process has just made to its user.
///
/// # Errors
/// Those of [`Inode::change`].
pub fn own(inode: &dyn Inode) -> Result<(), Errno> {
    let Some(who) = current() else { return Ok(()) };
    inode.change(&Change {
        uid: Some(who.user),
        gid: Some(who.group),
        ..Change::default()
    })
}

impl Authority {
    /// Fails unless the bits give `wanted`.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, inode: &dyn Inode, wanted: u32) -> Result<(), Errno> {
        match wanted & !self.granted(&inode.metadata()) {
            0 => Ok(()),
            _ => Err(Errno::EACCES),
        }
    }

    /// What the bits give to this user: those of the owner, of the group, or
    /// of the others. User 0 may all but execute what nobody may.
    pub fn granted(&self, metadata: &Metadata) -> u32 {
        let bits = metadata.permissions;
        let is_in_group = || {
            self.group == metadata.gid || self.groups.contains(&metadata.gid)
        };
        let granted = if self.user == 0 {
            let is_directory = metadata.kind == FileType::Directory;
            let executes = is_directory || bits & 0o111 != 0;
            READ | WRITE | u32::from(executes)
        } else if self.user == metadata.uid {
            bits >> 6
        } else if is_in_group() {
            bits >> 3
        } else {
            bits
        };
        granted & (READ | WRITE | EXECUTE)
    }
}
