//! The timers that a process has.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicU32;

use kernel_abi::Errno;

use super::cpu_timers::CpuTimers;
use crate::user::TimerPlace;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::Task;
use kernel_task::alarm::{Alarm, Setting};

/// Most timers of a process made by `timer_create`.
pub(super) const MOST: usize = 256;

/// Timers of a process.
pub struct Timers {
    pub(super) timers: SpinLock<Inner>,
    /// Those of CPU time.
    pub(super) cpu: CpuTimers,
}

/// Timers of the monotonic clock.
#[derive(Default)]
pub(super) struct Inner {
    pub(super) real: Option<Arc<Alarm>>,
    pub(super) created: BTreeMap<u32, Arc<Timer>>,
}

/// What `timer_create` makes.
pub struct Timer {
    /// What expires.
    pub(super) alarm: Arc<dyn ClockAlarm>,
    /// Expiries between the one that the last signal taken told of, and its
    /// taking.
    pub overrun: AtomicU32,
    /// For whom it counts.
    pub(super) _place: TimerPlace,
}

/// When a timer is to expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Never.
    Off,
    /// So many ns from now.
    In(u64),
    /// When its clock reads so many ns.
    At(u64),
}

/// What expires, on a clock of some kind.
pub(super) trait ClockAlarm: Send + Sync {
    /// Sets it; what it was set to.
    ///
    /// # Errors
    /// None: every timer has a clock that can be waited for.
    ///
    /// # Locks
    /// As [`Alarm::set`].
    fn set(&self, when: When, interval_ns: u64) -> Result<Setting, Errno>;

    /// What it is set to.
    fn setting(&self) -> Setting;
}

/// What a timer does.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Signal to send; 0 for none.
    pub signal: u32,
    /// To this thread; `None` for the process. A number would not do: another
    /// process's thread may have it by the time of the expiry.
    pub thread: Option<Weak<Task>>,
    /// Goes with the signal; `None` for the timer's number.
    pub value: Option<u64>,
}

impl Timers {
    /// None.
    pub const fn new() -> Self {
        let inner = Inner { real: None, created: BTreeMap::new() };
        Self {
            timers: SpinLock::with_rank(Rank::Process, inner),
            cpu: CpuTimers::new(),
        }
    }

    /// Bytes of kernel memory that those made by `timer_create` take.
    pub(crate) fn held(&self) -> usize {
        let each = size_of::<Timer>() + size_of::<Alarm>();
        self.timers.lock().created.len() * each
    }

    /// What the timer that sends `SIGALRM` is set to.
    pub fn real(&self) -> Setting {
        let inner = self.timers.lock();
        inner.real.as_ref().map_or(Setting::default(), |it| it.setting())
    }

    /// A timer that `create` made.
    ///
    /// # Errors
    /// `EINVAL` if there is none.
    pub fn get(&self, id: u32) -> Result<Arc<Timer>, Errno> {
        let timer = self.timers.lock().created.get(&id).cloned();
        timer.ok_or(Errno::EINVAL)
    }

    /// Ends a timer that `create` made; it sends nothing after this.
    ///
    /// # Errors
    /// `EINVAL` if there is none.
    ///
    /// # Locks
    /// As [`Alarm::set`].
    pub fn delete(&self, id: u32) -> Result<(), Errno> {
        let timer = self.timers.lock().created.remove(&id);
        timer.ok_or(Errno::EINVAL)?.alarm.set(When::Off, 0).map(drop)
    }

    /// Ends what `create` made: another program takes over.
    ///
    /// # Locks
    /// As [`Alarm::set`].
    pub(crate) fn exec(&self) {
        let created = core::mem::take(&mut self.timers.lock().created);
        for timer in created.values() {
            // It has a clock that can be waited for.
            let _ = timer.alarm.set(When::Off, 0);
        }
    }

    /// Ends all: the process is over.
    pub(crate) fn end(&self) {
        let all = core::mem::take(&mut *self.timers.lock());
        drop(all);
    }
}
