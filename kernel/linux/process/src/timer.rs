//! Timers of a process: `setitimer(ITIMER_REAL)` and `timer_create(2)`.
//!
//! Both are [`Alarm`]s that send a signal. What expires during a freeze is
//! sent then and taken after the thaw, once (freezer-spec X7).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::signal::{SI_TIMER, SIGALRM, SigInfo};

use super::signal::send;
use super::{Process, ProcessId, thread_of, tree};
use kernel_machine::arch;
use kernel_machine::mm::frame;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::Task;
use kernel_task::alarm::{Alarm, Setting};

pub mod cpu;

use cpu::CpuTimers;

/// Most timers of a process made by `timer_create`.
const MOST: usize = 256;

/// Timers of a process.
pub struct Timers {
    timers: SpinLock<Inner>,
    /// Those of CPU time.
    pub(super) cpu: CpuTimers,
}

#[derive(Default)]
struct Inner {
    real: Option<Arc<Alarm>>,
    created: BTreeMap<u32, Arc<Timer>>,
}

/// What `timer_create` makes.
pub struct Timer {
    /// Its clock, as the program named it.
    pub clock: u32,
    /// What expires.
    pub alarm: Arc<Alarm>,
    /// Expiries between the one that the last signal taken told of, and its
    /// taking.
    pub overrun: AtomicU32,
}

/// What a timer does.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Signal to send; 0 for none.
    pub signal: u32,
    /// To this thread; `None` for the process. Not by number: another
    /// process's thread may bear it by the time of the expiry.
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
        real.set(deadline_in(new.left_ns), new.interval_ns)
    }

    /// What the timer that sends `SIGALRM` is set to.
    pub fn real(&self) -> Setting {
        let inner = self.timers.lock();
        inner.real.as_ref().map_or(Setting::default(), |it| it.setting())
    }

    /// Makes a timer that is off; its number.
    ///
    /// # Errors
    /// `EAGAIN` if there are too many, or memory is short.
    pub fn create(
        &self,
        process: ProcessId,
        clock: u32,
        notify: Notify,
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
        let alarm = Alarm::new(Box::new(move |count| {
            tell(process, id, &notify, count, &lost);
        }));
        let timer = Timer { clock, alarm, overrun };
        inner.created.insert(id, Arc::new(timer));
        Ok(id)
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
        timer.ok_or(Errno::EINVAL)?.alarm.set(None, 0);
        Ok(())
    }

    /// Ends what `create` made: another program takes over.
    ///
    /// # Locks
    /// As [`Alarm::set`].
    pub(super) fn exec(&self) {
        let created = core::mem::take(&mut self.timers.lock().created);
        for timer in created.values() {
            timer.alarm.set(None, 0);
        }
    }

    /// Ends all: the process is over.
    pub(super) fn end(&self) {
        let all = core::mem::take(&mut *self.timers.lock());
        drop(all);
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
