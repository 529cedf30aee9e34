//! Whose rights a program has, and what it is told of them.

use kernel_core::capability::Exec;
use kernel_core::executable::stack::{
    AT_EGID, AT_EUID, AT_GID, AT_SECURE, AT_UID,
};

use crate::Process;
use crate::credentials::Credentials;
use kernel_files::Location;
use kernel_files::mount::MountFlags;
use kernel_files::permission;

/// Owner and group whose rights a program's file gives it (set-id bits).
#[derive(Clone, Copy, Default)]
pub(super) struct Given {
    user: Option<u32>,
    group: Option<u32>,
    /// Nobody may look at the process: it may not read its program.
    is_hidden: bool,
}

impl Given {
    /// Those of the file at `place`, for a process that may read it or not.
    pub(super) fn by(place: &Location, is_hidden: bool) -> Self {
        const SET_USER: u32 = 0o4000;
        /// Without the group's execute bit it means something else.
        const SET_GROUP: u32 = 0o2010;
        let metadata = place.inode.metadata();
        let bits = metadata.permissions;
        let flags = place.mount.flags();
        if flags.contains(MountFlags::NO_SUID) {
            return Self { is_hidden, ..Self::default() };
        }
        Self {
            user: (bits & SET_USER != 0).then_some(metadata.uid),
            group: (bits & SET_GROUP == SET_GROUP).then_some(metadata.gid),
            is_hidden,
        }
    }

    /// The rights of `process`, which has `old`, when it runs the program. One
    /// that wants no new rights (`PR_SET_NO_NEW_PRIVS`) gets none that it has
    /// not.
    pub(super) fn to(self, process: &Process, old: Credentials) -> Credentials {
        let keeps_rights = process.attributes.keeps_rights();
        let given = match keeps_rights {
            true => Self { is_hidden: self.is_hidden, ..Self::default() },
            false => self,
        };
        let sets = old.capabilities;
        let real = [old.user.real, old.group.real];
        let mut new = old;
        new.user.effective = given.user.unwrap_or(new.user.effective);
        new.group.effective = given.group.unwrap_or(new.group.effective);
        new.become_used();
        new.capabilities = sets.exec(Exec {
            users: [new.user.real, new.user.effective],
            is_set_id: new.used() != real,
        });
        if keeps_rights {
            new.capabilities.restrict(sets.permitted);
        }
        new.is_dumpable = !self.is_hidden;
        if !new.has(permission::CAPABILITIES) {
            permission::enforce();
        }
        new
    }
}

/// Writes what a program is told of its rights into `pairs`.
pub(super) fn tell(pairs: &mut [(u64, u64)], credentials: &Credentials) {
    let (user, group) = (credentials.user, credentials.group);
    let is_secure =
        user.real != user.effective || group.real != group.effective;
    for (key, value) in pairs {
        match *key {
            AT_UID => *value = user.real.into(),
            AT_EUID => *value = user.effective.into(),
            AT_GID => *value = group.real.into(),
            AT_EGID => *value = group.effective.into(),
            AT_SECURE => *value = is_secure.into(),
            _ => {}
        }
    }
}
