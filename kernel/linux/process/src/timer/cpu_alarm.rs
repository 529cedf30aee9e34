//! Alarms of CPU time: as those of `kernel_task::alarm`, on clocks that count
//! only while a process or thread runs.
//!
//! The process whose time it is keeps a list of those that are set; its
//! threads look at them (`cpu.rs`).

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};

use kernel_abi::Errno;

use super::cpu;
use super::cpu_timers::{CpuTimer, Watch};
use super::table::{ClockAlarm, When};
use crate::clock::cpu::CpuClock;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::alarm::{Expired, Setting};
use kernel_task::{Interrupted, Mutex, WaitQueue};

#[derive(Default)]
struct State {
    timer: CpuTimer,
    /// It has expired since it was set.
    has_expired: bool,
}

/// An alarm, off until it is set. Dropping it ends it.
pub struct CpuAlarm {
    clock: CpuClock,
    /// Held while it is set, and while it expires.
    turn: Mutex<()>,
    state: SpinLock<State>,
    expired: Expired,
    this: Weak<CpuAlarm>,
}

impl CpuAlarm {
    /// An alarm that does `expired`.
    pub fn new(clock: CpuClock, expired: Expired) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            clock,
            turn: Mutex::new(()),
            state: SpinLock::with_rank(Rank::Device, State::default()),
            expired,
            this: this.clone(),
        })
    }

    /// Sets it to a time of its clock, or off; what it was set to. An expiry
    /// of the old setting that is under way is over when this returns.
    ///
    /// # Locks
    /// Sleeps until then: no spin lock may be held.
    fn set_to(&self, expires_ns: Option<u64>, interval_ns: u64) -> Setting {
        let now = self.clock.read();
        let turn = self.turn.lock();
        let timer = CpuTimer { expires_ns, interval_ns };
        let mut state = self.state.lock();
        let old = core::mem::replace(&mut state.timer, timer);
        state.has_expired = false;
        drop(state);
        drop(turn);
        let this: Weak<dyn Watch> = self.this.clone();
        cpu::keep(&self.clock.process, &this, expires_ns.is_some());
        // It may be over already, and its process may never run again.
        self.look();
        old.setting(now)
    }
}

impl ClockAlarm for CpuAlarm {
    fn set(&self, when: When, interval_ns: u64) -> Result<Setting, Errno> {
        let expires_ns = match when {
            When::Off => None,
            When::In(left_ns) => {
                Some(self.clock.read().saturating_add(left_ns))
            }
            When::At(time_ns) => Some(time_ns),
        };
        Ok(self.set_to(expires_ns, interval_ns))
    }

    fn setting(&self) -> Setting {
        let now = self.clock.read();
        self.state.lock().timer.setting(now)
    }
}

impl Watch for CpuAlarm {
    fn look(&self) -> bool {
        let now = self.clock.read();
        let _turn = self.turn.lock();
        let mut state = self.state.lock();
        let count = state.timer.expire(now);
        state.has_expired |= count != 0;
        let is_set = state.timer.expires_ns.is_some();
        drop(state);
        if count != 0 {
            (self.expired)(count);
        }
        is_set
    }
}

/// Sleeps until `clock` reads `time_ns`. The wait freezes in place.
///
/// # Errors
/// [`Interrupted`] by a signal.
pub fn sleep_until(clock: CpuClock, time_ns: u64) -> Result<(), Interrupted> {
    let queue = Arc::new(WaitQueue::new());
    let sleeper = queue.clone();
    let wake = move |_| {
        sleeper.wake_all();
    };
    let alarm = CpuAlarm::new(clock, Box::new(wake));
    alarm.set_to(Some(time_ns), 0);
    let result = queue.wait_until("do_cpu_nanosleep", || {
        alarm.state.lock().has_expired.then_some(())
    });
    alarm.set_to(None, 0);
    result
}
