//! `setitimer(ITIMER_REAL)`: `SIGALRM` after a time, once or periodically.
//!
//! One kernel thread keeps all alarms, in the order of their deadlines, and
//! sleeps until the first. It is not freezable: an alarm that expires during
//! a freeze is sent then and taken after the thaw, once (freezer-spec X7).

use alloc::collections::BTreeMap;

use kernel_abi::Errno;
use kernel_abi::signal::SIGALRM;

use super::signal::send;
use super::{ProcessId, tree};
use crate::arch;
use crate::sync::{Rank, SpinLock};
use crate::task::{WaitQueue, kthread};

/// An alarm of a process.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// Nanoseconds until it expires; 0 for off.
    pub value_ns: u64,
    /// Nanoseconds from one expiry to the next; 0 for once.
    pub interval_ns: u64,
}

struct Alarms {
    /// Deadline and interval, ns, of each process that has one.
    by_process: BTreeMap<ProcessId, (u64, u64)>,
    /// The same by deadline.
    by_deadline: BTreeMap<(u64, ProcessId), ()>,
}

static ALARMS: SpinLock<Alarms> = SpinLock::with_rank(
    Rank::Object,
    Alarms { by_process: BTreeMap::new(), by_deadline: BTreeMap::new() },
);

/// Where the thread waits for an earlier deadline.
static CHANGED: WaitQueue = WaitQueue::new();

impl Alarms {
    fn remove(&mut self, id: ProcessId) -> Alarm {
        let Some((deadline, interval_ns)) = self.by_process.remove(&id) else {
            return Alarm::default();
        };
        self.by_deadline.remove(&(deadline, id));
        let left = deadline.saturating_sub(arch::timer::now_ns());
        Alarm { value_ns: left.max(1), interval_ns }
    }

    fn insert(&mut self, id: ProcessId, deadline: u64, interval_ns: u64) {
        self.by_process.insert(id, (deadline, interval_ns));
        self.by_deadline.insert((deadline, id), ());
    }

    fn first_deadline(&self) -> Option<u64> {
        let ((deadline, _), ()) = self.by_deadline.first_key_value()?;
        Some(*deadline)
    }

    /// The next process whose alarm has expired; it is set anew if it is
    /// periodic.
    fn take_expired(&mut self, now: u64) -> Option<ProcessId> {
        let (&(deadline, id), ()) = self.by_deadline.first_key_value()?;
        if deadline > now {
            return None;
        }
        let interval_ns = self.remove(id).interval_ns;
        if let Some(missed) = (now - deadline).checked_div(interval_ns) {
            let steps = (missed + 1).saturating_mul(interval_ns);
            let next = deadline.saturating_add(steps);
            self.insert(id, next, interval_ns);
        }
        Some(id)
    }
}

/// Sets the alarm of a process; the one it had.
pub fn set(id: ProcessId, alarm: Alarm) -> Alarm {
    let mut alarms = ALARMS.lock();
    let old = alarms.remove(id);
    if alarm.value_ns != 0 {
        let now = arch::timer::now_ns();
        let deadline = now.saturating_add(alarm.value_ns);
        alarms.insert(id, deadline, alarm.interval_ns);
        drop(alarms);
        CHANGED.wake_all();
    }
    old
}

/// The alarm of a process.
pub fn get(id: ProcessId) -> Alarm {
    let alarms = ALARMS.lock();
    let Some(&(deadline, interval_ns)) = alarms.by_process.get(&id) else {
        return Alarm::default();
    };
    let left = deadline.saturating_sub(arch::timer::now_ns());
    Alarm { value_ns: left.max(1), interval_ns }
}

/// Takes the alarm of a process that ends.
pub(super) fn forget(id: ProcessId) {
    if !ALARMS.lock().by_process.is_empty() {
        ALARMS.lock().remove(id);
    }
}

/// Starts the thread.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn init() -> Result<(), Errno> {
    kthread::kthread_run("alarmd", run).map(|_| ())
}

fn run() {
    loop {
        let now = arch::timer::now_ns();
        let expired = ALARMS.lock().take_expired(now);
        if let Some(id) = expired {
            if let Some(process) = tree::find(id) {
                send::from_kernel(&process, SIGALRM);
            }
            continue;
        }
        let first = ALARMS.lock().first_deadline();
        let is_changed =
            || (ALARMS.lock().first_deadline() != first).then_some(());
        let _ = CHANGED.wait_until_deadline("alarmd", first, is_changed);
    }
}
