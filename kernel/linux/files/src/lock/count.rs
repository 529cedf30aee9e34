//! How many locks each user has.

use alloc::collections::BTreeMap;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use kernel_core::capability::Capability;

use crate::permission;
use crate::room::has_room;

/// More locks than this are refused.
const MOST: usize = 4096;
/// Most locks of a user without `CAP_SYS_RESOURCE`: half of all.
const MOST_OF_USER: usize = MOST / 2;
/// As many are left for who has that.
const KEPT: usize = MOST / 16;

/// Number of locks: most of the time there is none.
static ALL: AtomicUsize = AtomicUsize::new(0);

/// True if there is any lock.
pub(super) fn any() -> bool {
    ALL.load(Acquire) != 0
}

/// How many locks there may be, if the running process is to make one more:
/// of its user, and in all.
pub(super) struct Allowance {
    own: usize,
    all: usize,
}

impl Allowance {
    /// Takes other locks: not for use under that over all locks.
    pub(super) fn current() -> Self {
        let may_all = permission::has_any(Capability::SYS_RESOURCE);
        match (has_room(), may_all) {
            (false, _) => Self { own: 0, all: 0 },
            (true, true) => Self { own: MOST, all: MOST },
            (true, false) => Self { own: MOST_OF_USER, all: MOST - KEPT },
        }
    }
}

/// Locks by user. Whoever changes it holds the lock over all locks.
pub(super) struct Counts(BTreeMap<u32, usize>);

impl Counts {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// True if `allowance` lets there be `more` locks that count for `user`.
    pub(super) fn have_room(
        &self,
        allowance: &Allowance,
        user: u32,
        more: usize,
    ) -> bool {
        let own = self.0.get(&user).copied().unwrap_or(0) + more;
        let all = ALL.load(Relaxed) + more;
        more == 0 || own <= allowance.own && all <= allowance.all
    }

    pub(super) fn add(&mut self, user: u32) {
        *self.0.entry(user).or_default() += 1;
        ALL.fetch_add(1, Relaxed);
    }

    pub(super) fn remove(&mut self, user: u32) {
        ALL.fetch_sub(1, Relaxed);
        if let Some(count) = self.0.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&user);
            }
        }
    }
}
