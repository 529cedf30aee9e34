//! Users and groups of a process, and whether others may look at it.
//!
//! They are the process's: where Linux lets threads differ, and C libraries make
//! them equal again (nptl(7)), a change is for all threads at once.
//!
//! All of it stands under one lock, [`Process::credentials`](crate::Process):
//! who holds that while it takes the process's memory has the memory that
//! these credentials belong to (`access.rs`).

use alloc::sync::Arc;

use kernel_abi::Errno;

use kernel_core::capability::{Capabilities, Capability, SecureBits};

use kernel_files::permission::{self, Authority};

/// The three ids of one kind that a process has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ids {
    /// Whose the process is.
    pub real: u32,
    /// Whose rights it uses.
    pub effective: u32,
    /// Whose rights it may take again.
    pub saved: u32,
}

impl Ids {
    /// True if `id` is one of the three.
    pub fn contains(&self, id: u32) -> bool {
        id == self.real || id == self.effective || id == self.saved
    }

    /// Real, effective and saved.
    pub fn all(&self) -> [u32; 3] {
        [self.real, self.effective, self.saved]
    }

    /// True if all three are `id`.
    fn are_all(&self, id: u32) -> bool {
        [self.real, self.effective, self.saved] == [id; 3]
    }

    /// `setuid`, `setgid`: who may be anybody changes all three.
    ///
    /// # Errors
    /// `EINVAL` for -1; `EPERM` for an id that a process which may not be
    /// anybody neither is nor has saved.
    pub fn set(&mut self, id: u32, may_all: bool) -> Result<(), Errno> {
        if id == u32::MAX {
            return Err(Errno::EINVAL);
        }
        permission::enforce();
        if may_all {
            *self = Ids { real: id, effective: id, saved: id };
        } else if id == self.real || id == self.saved {
            self.effective = id;
        } else {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    /// `setreuid`, `setregid`: `u32::MAX` leaves an id as it is. The saved id
    /// becomes the effective one if the real one is set, or the effective one
    /// to something else than the real one was.
    ///
    /// # Errors
    /// `EPERM` for an id that a process which may not be anybody does not have;
    /// such a one does not take the saved id as its real one either.
    pub fn set_two(
        &mut self,
        [real, effective]: [u32; 2],
        may_all: bool,
    ) -> Result<(), Errno> {
        let takes_saved = real != self.real && real != self.effective;
        if real != u32::MAX && takes_saved && !may_all {
            return Err(Errno::EPERM);
        }
        let old = self.real;
        self.set_all([real, effective, u32::MAX], may_all)?;
        if real != u32::MAX || effective != u32::MAX && effective != old {
            self.saved = self.effective;
        }
        Ok(())
    }

    /// `setresuid`, `setresgid`: `u32::MAX` leaves an id as it is.
    ///
    /// # Errors
    /// `EPERM` for an id that a process which may not be anybody does not have.
    pub fn set_all(
        &mut self,
        ids: [u32; 3],
        may_all: bool,
    ) -> Result<(), Errno> {
        let is_allowed =
            |id: &u32| *id == u32::MAX || may_all || self.contains(*id);
        if !ids.iter().all(is_allowed) {
            return Err(Errno::EPERM);
        }
        permission::enforce();
        let pick = |id, old| if id == u32::MAX { old } else { id };
        self.real = pick(ids[0], self.real);
        self.effective = pick(ids[1], self.effective);
        self.saved = pick(ids[2], self.saved);
        Ok(())
    }
}

/// What a process wants of another one (ptrace(2), "Ptrace access mode
/// checking"), and which of its ids count then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It looks, by `/proc`: with its effective ids.
    Look,
    /// It looks or changes, by a call: with its real ids.
    Attach,
}

/// Whose a process is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// User ids.
    pub user: Ids,
    /// Group ids.
    pub group: Ids,
    /// The user by whose rights files are used; the effective one, unless
    /// `setfsuid` says otherwise.
    pub file_user: u32,
    /// As well the group.
    pub file_group: u32,
    /// What it may beside that.
    pub capabilities: Capabilities,
    /// Further groups; shared, so that a copy under a lock allocates nothing.
    pub groups: Arc<[u32]>,
    /// Processes of the same user may look at it (prctl(2),
    /// `PR_SET_DUMPABLE`).
    pub is_dumpable: bool,
}

impl Default for Credentials {
    fn default() -> Self {
        let (user, group) = (Ids::default(), Ids::default());
        Self {
            user,
            group,
            file_user: 0,
            file_group: 0,
            capabilities: Capabilities::default(),
            groups: Arc::default(),
            is_dumpable: true,
        }
    }
}

impl Credentials {
    /// Whether it has `capability` now.
    #[inline]
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.has(capability)
    }

    /// What they allow with files; `None` for everything.
    pub fn authority(&self) -> Option<Authority> {
        (!self.has(permission::CAPABILITIES)).then(|| self.maker())
    }

    /// Who uses and makes files, also if it may do everything.
    pub fn maker(&self) -> Authority {
        Authority {
            user: self.file_user,
            group: self.file_group,
            groups: self.groups.clone(),
            capabilities: self.capabilities.effective,
        }
    }

    /// Who would use files if the real ids were those that count (access(2)).
    pub fn real_authority(&self) -> Authority {
        let sets = &self.capabilities;
        let capabilities = match self.user.real {
            _ if sets.secure.contains(SecureBits::NO_SETUID_FIXUP) => {
                sets.effective
            }
            0 => sets.permitted,
            _ => Capability::empty(),
        };
        let (user, group) = (self.user.real, self.group.real);
        Authority { user, group, groups: self.groups.clone(), capabilities }
    }

    /// Changes the user ids by `change`, which is told whether any may be
    /// taken; files and capabilities follow (capabilities(7)).
    ///
    /// # Errors
    /// Those of `change`.
    pub fn change_user(
        &mut self,
        change: impl FnOnce(&mut Ids, bool) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let may_all = self.has(Capability::SETUID);
        let old = self.user;
        change(&mut self.user, may_all)?;
        self.file_user = self.user.effective;
        self.capabilities.change_user(old.all(), self.user.all());
        Ok(())
    }

    /// As well the group ids.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn change_group(
        &mut self,
        change: impl FnOnce(&mut Ids, bool) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let may_all = self.has(Capability::SETGID);
        change(&mut self.group, may_all)?;
        self.file_group = self.group.effective;
        Ok(())
    }

    /// `setfsuid`; nothing, if it may not be that user.
    pub fn set_file_user(&mut self, user: u32) {
        let old = self.file_user;
        let is_its = self.user.contains(user) || user == old;
        if user != u32::MAX && (is_its || self.has(Capability::SETUID)) {
            permission::enforce();
            self.file_user = user;
            self.capabilities.change_file_user(old, user);
        }
    }

    /// `setfsgid`; nothing, if it may not be of that group.
    pub fn set_file_group(&mut self, group: u32) {
        let is_its = self.group.contains(group) || group == self.file_group;
        if group != u32::MAX && (is_its || self.has(Capability::SETGID)) {
            permission::enforce();
            self.file_group = group;
        }
    }

    /// The effective ids become those by which files are used, and those that
    /// can be taken again: a program begins with them.
    pub(crate) fn become_used(&mut self) {
        [self.file_user, self.file_group] = self.used();
        self.user.saved = self.user.effective;
        self.group.saved = self.group.effective;
    }

    /// The user and group that these use, whose rights are compared to see
    /// whether a process got others.
    pub fn used(&self) -> [u32; 2] {
        [self.user.effective, self.group.effective]
    }

    /// All ids by which rights are used.
    pub fn all_used(&self) -> [u32; 4] {
        let [user, group] = self.used();
        [user, group, self.file_user, self.file_group]
    }

    /// True if a process with these may read and change one with `target`
    /// (ptrace(2)).
    pub fn may_access(&self, target: &Credentials, access: Access) -> bool {
        let (user, group, own) = match access {
            Access::Look => {
                let own = self.capabilities.effective;
                (self.file_user, self.file_group, own)
            }
            Access::Attach => {
                let own = self.capabilities.permitted;
                (self.user.real, self.group.real, own)
            }
        };
        self.has(Capability::SYS_PTRACE)
            || target.is_dumpable
                && target.user.are_all(user)
                && target.group.are_all(group)
                && own.contains(target.capabilities.permitted)
    }

    /// True if a process with these may change limits of one with `target`
    /// (prlimit(2)).
    pub fn may_limit(&self, target: &Credentials) -> bool {
        self.has(Capability::SYS_RESOURCE)
            || target.user.are_all(self.user.real)
                && target.group.are_all(self.group.real)
    }

    /// True if a process with these may say when and where one with `target`
    /// runs (setpriority(2), sched_setaffinity(2)). One with more rights, as a
    /// set-user-id program that it started, is nobody's (Linux `cap_safe_nice`).
    pub fn may_schedule(&self, target: &Credentials) -> bool {
        let theirs = [target.user.real, target.user.effective];
        let own = self.capabilities.permitted;
        let has_more = !own.contains(target.capabilities.permitted);
        self.has(Capability::SYS_NICE)
            || theirs.contains(&self.user.effective) && !has_more
    }

    /// True if a process with these may send signals to one with `target`
    /// (kill(2)).
    pub fn may_signal(&self, target: &Credentials) -> bool {
        let ours = [self.user.real, self.user.effective];
        let theirs = [target.user.real, target.user.saved];
        self.has(Capability::KILL) || ours.iter().any(|id| theirs.contains(id))
    }
}
