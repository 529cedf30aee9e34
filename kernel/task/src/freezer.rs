//! Freezing and thawing the whole system.
//!
//! The steps and their order are `kernel_core::freezer`'s; here is what they
//! ask of this kernel: the clock, the list of tasks, wakeup events, the
//! workqueues, the out-of-memory killer, the log. One task at a time freezes
//! the system, under [`SYSTEM_TRANSITION`].
//!
//! One freeze, from the write to the refrigerator and back, file by file, each
//! after its crate's name:
//!
//! ```text
//!  control: power/files.rs      store_state: a write to the file
//!  control: power.rs            suspend, freeze_and_wait
//!  task: freezer.rs             suspend_freeze_processes: the current task
//!  core: freezer/transition.rs  the same: raises the flags
//!  core: freezer/sweep.rs       try_to_freeze_tasks: asks, then waits
//!  task: host.rs                for_each_awake, deliver: marks, kicks CPUs
//!      the other CPU:
//!  machine: arch/aarch64/vectors.s
//!                               user_exit: sees the mark in the work word
//!  process: signal/deliver.rs   take_signals: a freeze point before all else
//!  task: refrigerator.rs        try_to_freeze: clears the mark
//!  core: freezer/gate.rs        try_to_freeze, refrigerator: counts down
//!  task: host.rs                sleep_in_refrigerator; quiet: the last one
//!                               wakes the freezer
//!      and back:
//!  core: freezer/transition.rs  thaw_processes: lowers the flags
//!  task: host.rs                wake_refrigerated
//! ```
//!
//! Next to read: `power.rs` of the crate `kernel_control`, which starts it.

use alloc::string::{String, ToString};
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::freezer::{HelperDepth, LogEvent, Phase, Record, System};
use kernel_core::power::console::Line;
use kernel_core::power::stats::{FreezeStats, Thaw};
use kernel_core::procfmt::task::State;

use crate::refrigerator::{FREEZER, FreezerHost};
use crate::{Mutex, Task};
use crate::{current, scheduler, table, workqueue};
use kernel_machine::arch;
use kernel_machine::sync::{Hook, Rank, SpinLock, copy_out};
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

/// Plugged in by the kernel's binary.
pub static OOM_KILLER: Hook<OomKiller> = Hook::new();

impl System for FreezerHost {
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

    fn set_helper_depth(&self, depth: HelperDepth) {
        helper::set_depth(depth);
    }

    fn helpers_idle(&self) -> bool {
        helper::idle()
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

    fn log(&self, event: LogEvent) {
        let line = Line(event);
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
        trace::record(
            trace::EventKind::FreezeEnd,
            record.phase as u32,
            outcome,
        );
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
            shown_state(task).letter(),
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

/// What a task does, as `/proc/PID/stat` shows it (SPECIFICATION.md U7).
pub fn shown_state(task: &Task) -> State {
    State::of(task.state(), FREEZER.holds(&task.freezer))
}

/// Freezes everything: user tasks, then freezable kernel threads. The caller
/// stays awake and must call [`thaw_processes`].
///
/// # Errors
/// `EBUSY`, `EAGAIN`: everything runs again (SPECIFICATION.md O3).
///
/// # Locks
/// [`SYSTEM_TRANSITION`] is held.
pub fn suspend_freeze_processes() -> Result<(), Errno> {
    let result = FREEZER.suspend_freeze_processes(&FreezerHost, &*current());
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
    FREEZER.thaw_processes(&FreezerHost, &*current());
    helper::open();
    let elapsed_ns = arch::timer::now_ns() - began_ns;
    let log_ns = LOG_NS.load(Relaxed);
    STATS.lock().record_thaw(Thaw { began_ns, elapsed_ns, log_ns });
}

/// The figures of the last freeze, and a line for each task that refused.
pub fn statistics() -> String {
    let figures = *STATS.lock();
    let refusers = copy_out(|copy| {
        let refusers = REFUSERS.lock();
        if refusers.len() <= copy.capacity() {
            copy.extend_from_slice(refusers.as_bytes());
        }
        refusers.len()
    });
    figures.to_string() + &String::from_utf8_lossy(&refusers)
}

/// The time-out of each phase, in milliseconds.
pub fn freeze_timeout_ms() -> u32 {
    FREEZER.freeze_timeout_ms.load(Relaxed)
}

/// Sets the time-out of each phase, in milliseconds.
pub fn set_freeze_timeout_ms(timeout_ms: u32) {
    FREEZER.freeze_timeout_ms.store(timeout_ms, Relaxed);
}
