//! Users and groups of a process, and whether others may look at it.
//!
//! All of it stands under one lock, [`Process::credentials`](crate::Process):
//! who holds that while it takes the process's memory has the memory that
//! these credentials belong to (`access.rs`).

use alloc::sync::Arc;

use kernel_abi::Errno;

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

    /// True if all three are `id`.
    fn are_all(&self, id: u32) -> bool {
        [self.real, self.effective, self.saved] == [id; 3]
    }

    /// `setuid`, `setgid`: a privileged process changes all three.
    ///
    /// # Errors
    /// `EINVAL` for -1; `EPERM` for an id that an unprivileged process
    /// neither is nor has saved.
    pub fn set(&mut self, id: u32, is_privileged: bool) -> Result<(), Errno> {
        if id == u32::MAX {
            return Err(Errno::EINVAL);
        }
        permission::enforce();
        if is_privileged {
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
    /// `EPERM` for an id that an unprivileged process does not have; nobody
    /// but such a one takes the saved id as its real one.
    pub fn set_two(
        &mut self,
        [real, effective]: [u32; 2],
        is_privileged: bool,
    ) -> Result<(), Errno> {
        let takes_saved = real != self.real && real != self.effective;
        if real != u32::MAX && takes_saved && !is_privileged {
            return Err(Errno::EPERM);
        }
        let old = self.real;
        self.set_all([real, effective, u32::MAX], is_privileged)?;
        if real != u32::MAX || effective != u32::MAX && effective != old {
            self.saved = self.effective;
        }
        Ok(())
    }

    /// `setresuid`, `setresgid`: `u32::MAX` leaves an id as it is.
    ///
    /// # Errors
    /// `EPERM` for an id that an unprivileged process does not have.
    pub fn set_all(
        &mut self,
        ids: [u32; 3],
        is_privileged: bool,
    ) -> Result<(), Errno> {
        let is_allowed =
            |id: &u32| *id == u32::MAX || is_privileged || self.contains(*id);
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
    /// Further groups; shared, so that a copy under a lock allocates nothing.
    pub groups: Arc<[u32]>,
    /// Processes of the same user may look at it (prctl(2),
    /// `PR_SET_DUMPABLE`).
    pub is_dumpable: bool,
}

impl Default for Credentials {
    fn default() -> Self {
        let (user, group) = (Ids::default(), Ids::default());
        Self { user, group, groups: Arc::default(), is_dumpable: true }
    }
}

impl Credentials {
    /// True for the user who may do everything.
    pub fn is_privileged(&self) -> bool {
        self.user.effective == 0
    }

    /// All of Linux 5.10's capabilities, or none.
    pub fn capabilities(&self) -> u64 {
        const ALL: u64 = (1 << 40) - 1;
        if self.is_privileged() { ALL } else { 0 }
    }

    /// What they allow with files; `None` for everything.
    pub fn authority(&self) -> Option<Authority> {
        if self.is_privileged() {
            return None;
        }
        let (user, group) = (self.user.effective, self.group.effective);
        Some(Authority { user, group, groups: self.groups.clone() })
    }

    /// The user and group that these use, whose rights are compared to see
    /// whether a process got others.
    pub fn used(&self) -> [u32; 2] {
        [self.user.effective, self.group.effective]
    }

    /// True if it is, or can become, the user who may do everything.
    fn can_be_privileged(&self) -> bool {
        self.user.contains(0)
    }

    /// True if a process with these may read and change one with `target`
    /// (ptrace(2)).
    pub fn may_access(&self, target: &Credentials, access: Access) -> bool {
        let (user, group) = match access {
            Access::Look => (self.user.effective, self.group.effective),
            Access::Attach => (self.user.real, self.group.real),
        };
        self.is_privileged()
            || target.is_dumpable
                && target.user.are_all(user)
                && target.group.are_all(group)
    }

    /// True if a process with these may change limits of one with `target`
    /// (prlimit(2)).
    pub fn may_limit(&self, target: &Credentials) -> bool {
        self.is_privileged()
            || target.user.are_all(self.user.real)
                && target.group.are_all(self.group.real)
    }

    /// True if a process with these may say when and where one with `target`
    /// runs (setpriority(2), sched_setaffinity(2)). One with more rights, as a
    /// set-user-id program that it started, is nobody's.
    pub fn may_schedule(&self, target: &Credentials) -> bool {
        let theirs = [target.user.real, target.user.effective];
        let has_more = target.can_be_privileged() && !self.can_be_privileged();
        self.is_privileged()
            || theirs.contains(&self.user.effective) && !has_more
    }

    /// True if a process with these may send signals to one with `target`
    /// (kill(2)).
    pub fn may_signal(&self, target: &Credentials) -> bool {
        let ours = [self.user.real, self.user.effective];
        let theirs = [target.user.real, target.user.saved];
        self.is_privileged() || ours.iter().any(|id| theirs.contains(id))
    }
}
