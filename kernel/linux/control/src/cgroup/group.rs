//! A group as its files see it.

use kernel_abi::Errno;
use kernel_core::cgroup::{GroupType, Handle, ROOT, State, Tree};
use kernel_core::freezer::Hierarchy;

use super::events;
use super::forest::{Tasks, forest};
use super::member;
use kernel_machine::arch;
use kernel_task::{self as task, Deadline, WaitError};

const NS_PER_MS: u64 = 1_000_000;

/// A group, which may have been removed meanwhile: then what looks at it fails
/// with `ENODEV`.
#[derive(Clone, Copy)]
pub(super) struct Group {
    pub(super) hierarchy: Hierarchy,
    pub(super) handle: Handle,
}

impl Group {
    /// The group's place among all.
    pub(super) fn slot(self) -> u32 {
        self.handle.slot
    }

    /// Looks at the tree, or changes it, under the lock of the forest.
    pub(super) fn with<T>(
        self,
        look: impl FnOnce(&mut Tree, Handle) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        look(forest().tree(self.hierarchy), self.handle)
    }

    /// Fails with `ENODEV` if the group was removed.
    pub(super) fn check(self) -> Result<(), Errno> {
        self.with(|tree, handle| tree.get(handle).map(drop))
    }

    pub(super) fn state(self) -> Result<State, Errno> {
        self.with(|tree, handle| tree.state(handle, &Tasks))
    }

    /// Asks for freezing, or no more.
    pub(super) fn request(self, freezes: bool) -> Result<(), Errno> {
        self.with(|tree, handle| tree.request(handle, freezes, &Tasks))
    }

    /// Fails with `EOPNOTSUPP` for a group of threads: it has no processes.
    pub(super) fn check_domain(self) -> Result<(), Errno> {
        match self.with(|tree, handle| tree.group_type(handle))? {
            GroupType::Threaded => Err(Errno::EOPNOTSUPP),
            _ => Ok(()),
        }
    }

    /// Fails with `EDEADLK` if the current task is in the group or below: it
    /// could not see to the end of the freeze that it asks for.
    pub(super) fn check_outside(self) -> Result<(), Errno> {
        let own = member::group_of(&task::current(), self.hierarchy);
        let mut forest = forest();
        let tree = forest.tree(self.hierarchy);
        let is_inside = own != ROOT && tree.is_within(self.slot(), own);
        if is_inside { Err(Errno::EDEADLK) } else { Ok(()) }
    }

    /// Sleeps until the group is frozen.
    ///
    /// # Errors
    /// `ETIMEDOUT` after the deadline, `EINTR` by a signal, `ENODEV`.
    pub(super) fn wait_frozen(self, deadline_ns: u64) -> Result<(), Errno> {
        let events = events::watch(self.slot());
        loop {
            let seen = events.count();
            if self.state()? == State::Frozen {
                return Ok(());
            }
            let deadline = Some(Deadline::Monotonic(deadline_ns));
            let waited = events.queue.wait_until_deadline(
                "freezer_wait",
                deadline,
                || (events.count() != seen).then_some(()),
            );
            match waited {
                Ok(()) => {}
                Err(WaitError::Interrupted) => return Err(Errno::EINTR),
                Err(WaitError::TimedOut) if self.state()? == State::Frozen => {
                    return Ok(());
                }
                Err(WaitError::TimedOut) => return Err(Errno::ETIMEDOUT),
            }
        }
    }
}

/// The time `ms` milliseconds from now, on the monotonic clock.
pub(super) fn deadline_after(ms: u64) -> u64 {
    let now_ns = arch::timer::now_ns();
    now_ns.saturating_add(ms.saturating_mul(NS_PER_MS))
}
