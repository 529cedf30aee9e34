//! Users and groups of a process.

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

    /// `setuid`, `setgid`: a privileged process changes all three.
    ///
    /// # Errors
    /// `EPERM` for an id that an unprivileged process does not have.
    pub fn set(&mut self, id: u32, is_privileged: bool) -> Result<(), Errno> {
        permission::enforce();
        if is_privileged {
            *self = Ids { real: id, effective: id, saved: id };
        } else if self.contains(id) {
            self.effective = id;
        } else {
            return Err(Errno::EPERM);
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

/// Whose a process is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Credentials {
    /// User ids.
    pub user: Ids,
    /// Group ids.
    pub group: Ids,
    /// Further groups; shared, so that a copy under a lock allocates nothing.
    pub groups: Arc<[u32]>,
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

    /// True if a process with these may read and change one with `target`
    /// (ptrace(2)).
    pub fn may_trace(&self, target: &Credentials) -> bool {
        let is_ours = |ours: &Ids, theirs: &Ids| {
            [theirs.real, theirs.effective, theirs.saved] == [ours.real; 3]
        };
        self.is_privileged()
            || is_ours(&self.user, &target.user)
                && is_ours(&self.group, &target.group)
    }

    /// True if a process with these may say when and where one with `target`
    /// runs (setpriority(2), sched_setaffinity(2)).
    pub fn may_schedule(&self, target: &Credentials) -> bool {
        let theirs = [target.user.real, target.user.effective];
        self.is_privileged() || theirs.contains(&self.user.effective)
    }

    /// True if a process with these may send signals to one with `target`
    /// (kill(2)).
    pub fn may_signal(&self, target: &Credentials) -> bool {
        let ours = [self.user.real, self.user.effective];
        let theirs = [target.user.real, target.user.saved];
        self.is_privileged() || ours.iter().any(|id| theirs.contains(id))
    }
}
