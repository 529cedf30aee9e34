//! Whose an object of System V IPC is, and who may do what with it
//! (sysvipc(7), "Resource access permissions").

use kernel_abi::Errno;
use kernel_abi::ipc::IpcPerm;

use crate::capability::Capability;

/// The right to read.
pub const READ: u32 = 4;
/// The right to change.
pub const WRITE: u32 = 2;
/// The right to execute.
pub const EXECUTE: u32 = 1;

/// The bits of a mode that give rights.
pub const RIGHTS: u32 = 0o777;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The user.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Further groups.
    pub groups: &'a [u32],
    /// What it may beside that.
    pub capabilities: Capability,
}

impl Asker<'_> {
    fn is_in(&self, group: u32) -> bool {
        self.group == group || self.groups.contains(&group)
    }

    fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(capability)
    }
}

/// Whose an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permission {
    /// Its key.
    pub key: i32,
    /// Owner.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Who made it.
    pub creator: u32,
    /// That one's group.
    pub creator_group: u32,
    /// What the owner, the group and others may do, and marks.
    pub mode: u32,
}

impl Permission {
    /// That of what `asker` makes, with the rights in `flags`.
    pub fn new(key: i32, flags: u32, asker: &Asker<'_>) -> Self {
        let (user, group) = (asker.user, asker.group);
        Self {
            key,
            user,
            group,
            creator: user,
            creator_group: group,
            mode: flags & RIGHTS,
        }
    }

    fn is_owned_by(&self, asker: &Asker<'_>) -> bool {
        [self.user, self.creator].contains(&asker.user)
    }

    /// Fails unless `asker` may do all of `wanted`: bits of [`READ`] and so
    /// on, or a mode as the calls that find an object take it.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, asker: &Asker<'_>, wanted: u32) -> Result<(), Errno> {
        let wanted = wanted >> 6 | wanted >> 3 | wanted;
        let granted = if self.is_owned_by(asker) {
            self.mode >> 6
        } else if asker.is_in(self.group) || asker.is_in(self.creator_group) {
            self.mode >> 3
        } else {
            self.mode
        };
        match wanted & !granted & (READ | WRITE | EXECUTE) {
            0 => Ok(()),
            _ if asker.has(Capability::IPC_OWNER) => Ok(()),
            _ => Err(Errno::EACCES),
        }
    }

    /// Fails unless the object is `asker`'s, or `asker` has the capability
    /// `other` to do as if it were: `SYS_ADMIN` to remove it, and to say whose
    /// it is.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check_owner(
        &self,
        asker: &Asker<'_>,
        other: Capability,
    ) -> Result<(), Errno> {
        match self.is_owned_by(asker) || asker.has(other) {
            true => Ok(()),
            false => Err(Errno::EPERM),
        }
    }

    /// Takes owner, group and rights of `new`.
    ///
    /// # Errors
    /// `EINVAL` for no user or group.
    pub fn set(&mut self, new: &IpcPerm) -> Result<(), Errno> {
        if [new.uid, new.gid].contains(&u32::MAX) {
            return Err(Errno::EINVAL);
        }
        (self.user, self.group) = (new.uid, new.gid);
        self.mode = self.mode & !RIGHTS | new.mode & RIGHTS;
        Ok(())
    }

    /// As a program sees it, of the object `id`.
    pub fn show(&self, id: u32) -> IpcPerm {
        IpcPerm {
            key: self.key,
            uid: self.user,
            gid: self.group,
            cuid: self.creator,
            cgid: self.creator_group,
            mode: self.mode,
            seq: super::identifier::sequence_of(id) as u16,
            ..IpcPerm::default()
        }
    }
}
