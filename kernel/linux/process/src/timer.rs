//! Timers of a process: `setitimer(ITIMER_REAL)` and `timer_create(2)`.
//!
//! Both are [`Alarm`]s that send a signal. What expires during a freeze is
//! sent then and taken after the thaw, once (SPECIFICATION.md X7).

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::signal::{SI_TIMER, SIGALRM, SigInfo};

use super::clock::Clock;
use super::signal::send;
use super::user::TimerPlace;
use super::{Process, ProcessId, thread_of, tree};
use kernel_core::power::wakeup::Source;
use kernel_machine::arch;
use kernel_machine::mm::frame;
use kernel_task::Deadline;
use kernel_task::alarm::{Alarm, Expired, Setting};
use kernel_task::freezer::wakeup;

pub mod cpu;
pub mod cpu_alarm;
mod cpu_timers;
mod table;

pub use table::{Notify, Timer, Timers, When};

use cpu_alarm::CpuAlarm;
use table::{ClockAlarm, MOST};

impl Timers {
    /// Sets the timer that sends `SIGALRM`; what it was set to.
    ///
    /// # Locks
    /// As [`Alarm::set`].
    pub fn set_real(&self, id: ProcessId, new: Setting) -> Setting {
        let mut inner = self.timers.lock();
        if new.left_ns == 0 && inner.real.is_none() {
            return Setting::default();
        }
        let real = inner.real.get_or_insert_with(|| {
            Alarm::new(Box::new(move |_| send_alarm(id)))
        });
        let real = real.clone();
        drop(inner);
        let deadline = deadline_in(new.left_ns).map(Deadline::Monotonic);
        real.set(deadline, new.interval_ns)
    }

    /// Makes a timer that is off and counts in `place`; its number.
    ///
    /// # Errors
    /// `EAGAIN` if there are too many, or memory is short.
    pub fn create(
        &self,
        process: ProcessId,
        clock: Clock,
        notify: Notify,
        place: TimerPlace,
    ) -> Result<u32, Errno> {
        if frame::is_short() {
            return Err(Errno::EAGAIN);
        }
        let mut inner = self.timers.lock();
        if inner.created.len() >= MOST {
            return Err(Errno::EAGAIN);
        }
        let is_free = |id: &u32| !inner.created.contains_key(id);
        let id = (0..).find(is_free).ok_or(Errno::EAGAIN)?;
        let (overrun, lost) = (AtomicU32::new(0), AtomicU32::new(0));
        let wakes = clock.is_alarm();
        let expired: Expired = Box::new(move |count| {
            if wakes {
                wakeup::event(Source::Clock);
            }
            tell(process, id, &notify, count, &lost);
        });
        let alarm: Arc<dyn ClockAlarm> = match clock {
            Clock::Cpu(clock) => CpuAlarm::new(clock, expired),
            clock => Arc::new(TimeAlarm { clock, alarm: Alarm::new(expired) }),
        };
        let timer = Timer { alarm, overrun, _place: place };
        inner.created.insert(id, Arc::new(timer));
        Ok(id)
    }
}

/// An alarm on a clock that is not one of CPU time.
struct TimeAlarm {
    clock: Clock,
    alarm: Arc<Alarm>,
}

impl ClockAlarm for TimeAlarm {
    fn set(&self, when: When, interval_ns: u64) -> Result<Setting, Errno> {
        Ok(self.alarm.set(self.clock.when(when)?, interval_ns))
    }

    fn setting(&self) -> Setting {
        self.alarm.setting()
    }
}

impl Timer {
    /// Sets it; what it was set to.
    ///
    /// # Errors
    /// None: every timer has a clock that can be waited for.
    ///
    /// # Locks
    /// As [`Alarm::set`].
    pub fn set(&self, when: When, interval_ns: u64) -> Result<Setting, Errno> {
        self.overrun.store(0, Relaxed);
        self.alarm.set(when, interval_ns)
    }

    /// What it is set to.
    pub fn setting(&self) -> Setting {
        self.alarm.setting()
    }
}

/// The time on the monotonic clock `left_ns` from now; `None` for 0.
pub fn deadline_in(left_ns: u64) -> Option<u64> {
    let now = arch::timer::now_ns();
    (left_ns != 0).then(|| now.saturating_add(left_ns))
}

fn send_alarm(id: ProcessId) {
    if let Some(process) = tree::find(id) {
        send::from_kernel(&process, SIGALRM);
    }
}

/// A thread of `process` took this signal: the timer that sent it, if one
/// did, has overrun as often as it tells.
#[inline]
pub fn taken(process: &Process, info: &SigInfo) {
    if info.code == SI_TIMER
        && let Ok(timer) = process.timers.get(info.timer_id())
    {
        timer.overrun.store(info.overrun(), Relaxed);
    }
}

/// Sends the signal of the timer `id`. If one still waits to be taken, that
/// one counts the expiries (`Pending::add` of `kernel_core`); if there is no
/// room, `lost` does until there is.
fn tell(
    process: ProcessId,
    id: u32,
    notify: &Notify,
    count: u64,
    lost: &AtomicU32,
) {
    if notify.signal == 0 {
        return;
    }
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let count = count.saturating_add(lost.swap(0, Relaxed));
    let value = notify.value.unwrap_or(id.into());
    let info = SigInfo::timer(notify.signal, id, count - 1, value);
    let sent = match &notify.thread {
        None => tree::find(process)
            .ok_or(Errno::ESRCH)
            .and_then(|process| send::to_process(&process, &info)),
        Some(thread) => thread.upgrade().ok_or(Errno::ESRCH).and_then(|task| {
            let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
            send::to_thread(&task, thread, &info)
        }),
    };
    if sent.is_err() {
        lost.store(count, Relaxed);
    }
}
