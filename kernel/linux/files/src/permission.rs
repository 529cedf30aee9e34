//! Who may do what with a file: the mode bits say that, and capabilities, each
//! of its own question (capabilities(7)).
//!
//! Whose rights count is known to the process layer, which is asked
//! ([`SOURCE`]), once for each name that is walked. As long as every
//! process has all [`CAPABILITIES`] nobody is asked ([`enforce`]).

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::capability::Capability;

use super::inode::{Change, FileType, Inode, Metadata, NewInode, Owners};
use kernel_machine::sync::Hook;

/// The right to read, or to list a directory.
pub const READ: u32 = 4;
/// The right to write, or to change what is in a directory.
pub const WRITE: u32 = 2;
/// The right to execute, or to go through a directory.
pub const EXECUTE: u32 = 1;

/// Names in such a directory belong to the owners of what they name.
const STICKY: u32 = 0o1000;
/// A program's file gives its owner's rights.
const SET_USER: u32 = 0o4000;
/// A program's file gives its group's rights, if the group may execute it;
/// what is made in such a directory is of its group.
const SET_GROUP: u32 = 0o2000;
/// The group may execute it.
const GROUP_EXECUTE: u32 = 0o010;

/// Whose rights count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority {
    /// The user.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Further groups.
    pub groups: Arc<[u32]>,
    /// What it may whatever the bits say.
    pub capabilities: Capability,
}

/// Those that are asked for here: who has all of them may do everything with
/// files.
pub const CAPABILITIES: Capability = Capability::CHOWN
    .union(Capability::DAC_OVERRIDE)
    .union(Capability::DAC_READ_SEARCH)
    .union(Capability::FOWNER)
    .union(Capability::FSETID)
    .union(Capability::MKNOD)
    .union(Capability::SYS_ADMIN)
    .union(Capability::SYS_RESOURCE);

/// The rights of the running process; `None` if it may do everything.
pub type Source = fn() -> Option<Authority>;

/// Tells the rights of the running process, which the process layer knows.
pub static SOURCE: Hook<Source> = Hook::new();
/// Tells who the running process is, also if it may do everything; `None` for
/// a kernel thread.
pub static MAKER: Hook<Source> = Hook::new();
/// Some process has, or had, not all capabilities.
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

/// Fails unless the file is the running process's own.
///
/// # Errors
/// `EPERM`.
pub fn check_owner(inode: &dyn Inode) -> Result<(), Errno> {
    match current() {
        Some(who) if !who.owns(&inode.metadata()) => Err(Errno::EPERM),
        _ => Ok(()),
    }
}

/// Whether the running process has one of `capabilities`, which are among
/// [`CAPABILITIES`].
pub fn has_any(capabilities: Capability) -> bool {
    current().is_none_or(|who| who.capabilities.intersects(capabilities))
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
    let is_others = !owners.contains(&who.user) && !who.has(Capability::FOWNER);
    match place.permissions & STICKY != 0 && is_others {
        true => Err(Errno::EPERM),
        false => Ok(()),
    }
}

/// Who makes what the running process makes.
pub fn maker() -> Authority {
    let source = MAKER.get().filter(|_| IS_ENFORCED.load(Relaxed));
    let root = || Authority {
        user: 0,
        group: 0,
        groups: Arc::default(),
        capabilities: CAPABILITIES,
    };
    source.and_then(|source| source()).unwrap_or_else(root)
}

/// The bits of a file whose contents or owner another process may have
/// chosen: without those that give rights.
pub fn without_rights(bits: u32) -> u32 {
    const GIVES_GROUP: u32 = SET_GROUP | GROUP_EXECUTE;
    match bits & GIVES_GROUP {
        GIVES_GROUP => bits & !SET_USER & !SET_GROUP,
        _ => bits & !SET_USER,
    }
}

/// What becomes of the change `wanted` if `who` asks for it, of something
/// that has the attributes `now`; `None` may do everything.
///
/// # Errors
/// `EPERM` for what is somebody else's, and for an owner or a group that `who`
/// is not; `EACCES` to touch what `who` may not write.
pub fn decide(
    who: Option<&Authority>,
    now: &Metadata,
    wanted: &Change,
) -> Result<Change, Errno> {
    let mut change = *wanted;
    if wanted.is_chown && now.kind != FileType::Directory {
        let bits = change.permissions.unwrap_or(now.permissions);
        let kept = without_rights(bits);
        change.permissions = (kept != bits).then_some(kept);
    }
    let Some(who) = who else { return Ok(change) };
    let is_owner = who.user == now.uid;
    let owns = who.owns(now);
    let group = wanted.gid.unwrap_or(now.gid);
    let keeps_user = wanted.uid.is_none_or(|it| is_owner && it == now.uid);
    let keeps_group = wanted
        .gid
        .is_none_or(|_| is_owner && (group == now.gid || who.is_in(group)));
    let may_give = keeps_user && keeps_group || who.has(Capability::CHOWN);
    if !may_give || change.permissions.is_some() && !owns {
        return Err(Errno::EPERM);
    }
    if wanted.accessed.or(wanted.modified).is_some() && !owns {
        match wanted.is_touch {
            true if who.grants(now, WRITE) => {}
            true => return Err(Errno::EACCES),
            false => return Err(Errno::EPERM),
        }
    }
    if !who.is_in(group) && !who.has(Capability::FSETID) {
        change.permissions = change.permissions.map(|it| it & !SET_GROUP);
    }
    Ok(change)
}

impl Authority {
    fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// Whether it may do what the owner of a file may.
    fn owns(&self, metadata: &Metadata) -> bool {
        self.user == metadata.uid || self.has(Capability::FOWNER)
    }

    /// True for a member of the group.
    fn is_in(&self, group: u32) -> bool {
        self.group == group || self.groups.contains(&group)
    }

    /// To whom belongs what it makes where no directory says otherwise.
    pub fn owners(&self) -> Owners {
        Owners { uid: self.user, gid: self.group }
    }

    /// `new` as this one makes it in `directory`: with its owner, and the
    /// group that the directory says, which a directory says on.
    pub fn born<'a>(
        &self,
        directory: &dyn Inode,
        new: &NewInode<'a>,
    ) -> NewInode<'a> {
        const GIVES_GROUP: u32 = SET_GROUP | GROUP_EXECUTE;
        let mut born = NewInode { owners: self.owners(), ..*new };
        let place = directory.metadata();
        if place.permissions & SET_GROUP == 0 {
            return born;
        }
        born.owners.gid = place.gid;
        if new.kind == FileType::Directory {
            born.permissions |= SET_GROUP;
        } else if new.permissions & GIVES_GROUP == GIVES_GROUP
            && !self.has(Capability::FSETID)
            && !self.is_in(place.gid)
        {
            born.permissions &= !SET_GROUP;
        }
        born
    }

    /// Fails unless the bits give `wanted`.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, inode: &dyn Inode, wanted: u32) -> Result<(), Errno> {
        match self.grants(&inode.metadata(), wanted) || inode.is_own() {
            true => Ok(()),
            false => Err(Errno::EACCES),
        }
    }

    /// Whether it may do `wanted`: because the bits of the owner, of the group,
    /// or of the others give that, or by a capability.
    pub fn grants(&self, metadata: &Metadata, wanted: u32) -> bool {
        let bits = metadata.permissions;
        let granted = if self.user == metadata.uid {
            bits >> 6
        } else if self.is_in(metadata.gid) {
            bits >> 3
        } else {
            bits
        };
        let wanted = wanted & (READ | WRITE | EXECUTE);
        wanted & !granted == 0 || self.overrides(metadata, wanted)
    }

    /// Whether it may do `wanted` whatever the bits say; nobody executes what
    /// nobody may (capabilities(7)).
    fn overrides(&self, metadata: &Metadata, wanted: u32) -> bool {
        let is_directory = metadata.kind == FileType::Directory;
        let executes = wanted & EXECUTE != 0 && !is_directory;
        let searches = match is_directory {
            true => wanted & WRITE == 0,
            false => wanted == READ,
        };
        self.has(Capability::DAC_OVERRIDE)
            && (!executes || metadata.permissions & 0o111 != 0)
            || self.has(Capability::DAC_READ_SEARCH) && searches
    }
}
