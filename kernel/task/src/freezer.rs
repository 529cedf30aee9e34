//! Freezing and thawing the whole system.
//!
//! The steps and their order are `kernel_core::freezer`'s; here is what they
//! ask of this kernel: the clock, the list of tasks, wakeup events, the
//! workqueues, the out-of-memory killer, the log. One task at a time freezes
//! the system, under [`SYSTEM_TRANSITION`].
//!
//! One freeze, from the write to the refrigerator and back, file by file:
//!
//! ```text
//!  power/files.rs            store_state            a write to the file
//!  power.rs                  suspend, freeze_and_wait
//!  core: transition.rs       suspend_freeze_processes: raises the flags
//!  core: sweep.rs            try_to_freeze_tasks: asks, then waits
//!  task/refrigerator.rs      for_each_awake, deliver: marks tasks, kicks CPUs
//!      the other CPU:
//!  arch/aarch64/vectors.s    user_exit: sees the mark in the work word
//!  process/signal/deliver.rs take_signals: a freeze point before all else
//!  core: gate.rs             try_to_freeze, refrigerator: counts down
//!  task/refrigerator.rs      sleep_in_refrigerator; quiet: wakes the freezer
//!      and back:
//!  core: transition.rs       thaw_processes: lowers the flags
//!  task/refrigerator.rs      wake_refrigerated
//! ```
//!
//! Next to read: `power.rs`, the files that start it.

use alloc::string::{String, ToString};
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::freezer::stats::{FreezeStats, Thaw};
use kernel_core::freezer::{Line, Phase, Record, System};

use crate::refrigerator::{FREEZER, Scheduler};
use crate::{Mutex, Task};
use crate::{current, scheduler, state, table, workqueue};
use kernel_machine::arch;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_machine::trace;

pub mod helper;
pub mod wakeup;

/// Held through every freeze of the system (Linux `system_transition_mutex`).
pub static SYSTEM_TRANSITION: Mutex<()> = Mutex::new(());

static STATS: SpinLock<FreezeStats> =
    SpinLock::with_rank(Rank::Device, FreezeStats::new());

/// How long the lines of the thaw under way took to print, ns.
static LOG_NS: AtomicU64 = AtomicU64::new(0);

/// Who refused the last freeze, a line for each.
static REFUSERS: SpinLock<String> =
    SpinLock::with_rank(Rank::Freezer, String::new());

/// Bytes of such lines that are kept.
const REFUSERS_MAX: usize = 8192;

/// How the out-of-memory killer is held back during a freeze.
pub struct OomKiller {
    /// Waits for victims to die until the deadline, then turns the killer
    /// off; false if they still live.
    pub disable: fn(deadline_ns: u64) -> bool,
    /// Turns the killer on again.
    pub enable: fn(),
}

static OOM_KILLER: spin::Once<OomKiller> = spin::Once::new();

/// Tells the freezer of the killer, once, at boot.
pub fn set_oom_killer(killer: OomKiller) {
    OOM_KILLER.call_once(|| killer);
}

impl System for Scheduler {
    fn now_ns(&self) -> u64 {
        arch::timer::now_ns()
    }

    fn for_each_task(&self, mut visit: impl FnMut(&Task)) {
        table::all().iter().for_each(|task| visit(task));
    }

    fn wakeup_pending(&self) -> bool {
        wakeup::is_pending()
    }

    fn clear_wakeup(&self) {
        wakeup::clear();
    }

    fn freeze_workqueues_begin(&self) {
        workqueue::freeze_workqueues_begin();
    }

    fn thaw_workqueues(&self) {
        workqueue::thaw_workqueues();
    }

    fn disable_oom_killer(&self, deadline_ns: u64) -> bool {
        OOM_KILLER.get().is_none_or(|killer| (killer.disable)(deadline_ns))
    }

    fn enable_oom_killer(&self) {
        if let Some(killer) = OOM_KILLER.get() {
            (killer.enable)();
        }
    }

    fn schedule(&self) {
        scheduler::schedule();
    }

    fn log(&self, line: Line) {
        let start = arch::timer::now_ns();
        match line.is_error() {
            true => log::error!("{line}"),
            false => log::info!("{line}"),
        }
        LOG_NS.fetch_add(arch::timer::now_ns() - start, Relaxed);
    }

    fn report_refuser(&self, task: &Task) {
        let line = Refuser(task).to_string();
        log::error!("{line}");
        let mut refusers = REFUSERS.lock();
        if refusers.len() + line.len() < REFUSERS_MAX {
            refusers.push_str("refuser ");
            refusers.push_str(&line);
            refusers.push('\n');
        }
    }

    fn report_workqueues(&self) {
        workqueue::for_each_busy(|name, active| {
            log::error!("  workqueue {name}: {active} active");
        });
    }

    fn record(&self, record: &Record) {
        let tasks = table::count() as u32;
        let outcome = record.outcome as u32;
        trace::record(trace::Kind::FreezeEnd, record.phase as u32, outcome);
        STATS.lock().record(record, tasks);
        if record.phase == Phase::User {
            REFUSERS.lock().clear();
        }
    }
}

/// A task that refuses to freeze, as a line of the log: its name, number,
/// state, flags, and what it waits for.
pub struct Refuser<'a>(pub &'a Task);

impl core::fmt::Display for Refuser<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let task = self.0;
        let flags = task.freezer.stat_flags();
        write!(
            f,
            "task:{:<15} state:{} pid:{:<5} cpu:{} flags:{flags:#010x}",
            task.name(),
            state_letter(task),
            task.id(),
            task.cpu(),
        )?;
        match task.waits_in() {
            "" if task.is_on_cpu() => write!(f, " running"),
            "" => write!(f, " runnable"),
            place => write!(f, " waits in {place}"),
        }
    }
}

/// The state of a task as `/proc/PID/stat` shows it. A task in the
/// refrigerator is in uninterruptible sleep, hence `D` (freezer-spec U7).
pub fn state_letter(task: &Task) -> char {
    match task.state() {
        state::RUNNING | state::WAKING => 'R',
        bits if bits & state::DEAD != 0 => 'Z',
        bits if bits & state::STOPPED != 0 => 'T',
        bits if bits & state::TRACED != 0 => 't',
        bits if bits & state::PARKED != 0 => 'P',
        bits if bits & state::UNINTERRUPTIBLE != 0 => 'D',
        _ => 'S',
    }
}

/// Freezes everything: user tasks, then freezable kernel threads. The caller
/// stays awake and must call [`thaw_processes`].
///
/// # Errors
/// `EBUSY`, `EAGAIN`: everything runs again (freezer-spec O3).
///
/// # Locks
/// [`SYSTEM_TRANSITION`] is held.
pub fn suspend_freeze_processes() -> Result<(), Errno> {
    let result = FREEZER.suspend_freeze_processes(&Scheduler, &*current());
    if result.is_err() {
        helper::open();
    }
    result
}

/// Lets everything run again.
///
/// # Locks
/// [`SYSTEM_TRANSITION`] is held.
pub fn thaw_processes() {
    LOG_NS.store(0, Relaxed);
    let began_ns = arch::timer::now_ns();
    FREEZER.thaw_processes(&Scheduler, &*current());
    helper::open();
    let elapsed_ns = arch::timer::now_ns() - began_ns;
    let log_ns = LOG_NS.load(Relaxed);
    STATS.lock().record_thaw(Thaw { began_ns, elapsed_ns, log_ns });
}

/// The figures of the last freeze, and a line for each task that refused.
pub fn statistics() -> String {
    let figures = *STATS.lock();
    let refusers = REFUSERS.lock().clone();
    figures.to_string() + &refusers
}

/// The time-out of each phase, in milliseconds.
pub fn freeze_timeout_ms() -> u32 {
    FREEZER.freeze_timeout_ms.load(Relaxed)
}

/// Sets the time-out of each phase, in milliseconds.
pub fn set_freeze_timeout_ms(timeout_ms: u32) {
    FREEZER.freeze_timeout_ms.store(timeout_ms, Relaxed);
}
