//! The out-of-memory killer, and the reaper that hurries its victims.
//!
//! When a page is needed and none is left for user memory, the process with
//! the most resident pages in the largest process group is killed (never the
//! first process), the task that needed the page waits, and looks again. The
//! victim is marked so that freezing does not hold it (freezer-spec F8), and
//! a kernel thread takes its pages even before it has died.
//!
//! During a freeze of the whole system the killer is off (H3): those that
//! need memory wait until it is on again.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicU64};

use kernel_abi::Errno;

use super::signal::send;
use super::{Process, ProcessId, current, tree};
use crate::arch;
use crate::freezer::{self, OomKiller};
use crate::mm::AddressSpace;
use crate::sync::{Rank, SpinLock};
use crate::task::refrigerator::{FREEZER, Scheduler};
use crate::task::{WaitQueue, kthread, sleep};

/// How long a task that needs memory waits before it looks again, ns.
const PATIENCE_NS: u64 = 20_000_000;
/// After this time a victim that still has its memory no longer keeps
/// others from being chosen, ns.
const VICTIM_TIME_NS: u64 = 2_000_000_000;

struct Victim {
    process: ProcessId,
    space: Weak<AddressSpace>,
    killed_ns: u64,
    is_reaped: bool,
}

/// The victim that is dying, if any.
static VICTIM: SpinLock<Option<Victim>> =
    SpinLock::with_rank(Rank::Object, None);
static IS_OFF: AtomicBool = AtomicBool::new(false);
/// Some task chooses a victim; others leave it to that one.
static IS_CHOOSING: AtomicBool = AtomicBool::new(false);
/// Since when there is always somebody who ends by himself, ns; 0: there is
/// nobody.
static ENDING_SINCE_NS: AtomicU64 = AtomicU64::new(0);

/// Where the reaper waits for a victim.
static REAPER: WaitQueue = WaitQueue::new();
/// Where others wait for memory.
static MEMORY: WaitQueue = WaitQueue::new();

/// The running task needs memory and there is none: kills a process if none
/// is dying, and waits a while. The caller tries again, or dies.
pub fn out_of_memory() {
    let is_wanted =
        !IS_OFF.load(Relaxed) && !current().task().fatal_signal_pending();
    if is_wanted && !IS_CHOOSING.swap(true, Acquire) {
        choose_and_kill();
        IS_CHOOSING.store(false, Release);
    }
    let deadline = arch::timer::now_ns() + PATIENCE_NS;
    let never = || None::<()>;
    let _ = MEMORY.wait_until_deadline("out_of_memory", Some(deadline), never);
}

fn choose_and_kill() {
    if !is_somebody_dying() {
        kill_largest();
    }
}

fn kill_largest() {
    let now = arch::timer::now_ns();
    let Some((process, space)) = largest() else {
        log::error!("Out of memory and no killable processes...");
        return;
    };
    let pages = space.resident_pages();
    let task = process.any_thread();
    let name = task.as_ref().map(|task| task.name());
    log::error!(
        "Out of memory: Killed process {} ({}) total-vm:{}kB, rss:{}kB",
        process.id,
        name.as_ref().map_or(&"?" as &dyn core::fmt::Display, |name| name),
        space.mapped_pages() * 4,
        pages * 4,
    );
    *VICTIM.lock() = Some(Victim {
        process: process.id,
        space: Arc::downgrade(&space),
        killed_ns: now,
        is_reaped: false,
    });
    drop(space);
    kill(&process);
    REAPER.wake_all();
}

/// True while somebody is about to give memory back: the last victim, or a
/// process that ends for a reason of its own. But not for long.
fn is_somebody_dying() -> bool {
    is_victim_dying() || is_anybody_ending()
}

fn is_victim_dying() -> bool {
    let mut victim = VICTIM.lock();
    let Some(last) = victim.as_ref() else { return false };
    let is_gone = last.space.strong_count() == 0;
    let age = arch::timer::now_ns().saturating_sub(last.killed_ns);
    if is_gone || last.is_reaped || age > VICTIM_TIME_NS {
        *victim = None;
        return false;
    }
    true
}

/// True if a process is ending and has not given its memory back, unless
/// others have waited for such for too long.
fn is_anybody_ending() -> bool {
    let mut all = tree::all().into_iter();
    let is_ending =
        all.any(|process| is_dying(&process) && process.space().is_some());
    let now = arch::timer::now_ns();
    if !is_ending {
        ENDING_SINCE_NS.store(0, Relaxed);
        return false;
    }
    match ENDING_SINCE_NS.load(Relaxed) {
        0 => ENDING_SINCE_NS.store(now, Relaxed),
        since if now.saturating_sub(since) > VICTIM_TIME_NS => {
            ENDING_SINCE_NS.store(0, Relaxed);
            return false;
        }
        _ => {}
    }
    true
}

/// The largest process of the process group with the most resident pages,
/// the youngest of equals. Of the groups, since a job may be large as a
/// whole while each of its processes is smaller than the shell.
fn largest() -> Option<(Arc<Process>, Arc<AddressSpace>)> {
    let candidates = tree::all().into_iter().filter(|it| it.id != 1);
    let alive: Vec<_> = candidates
        .filter(|process| !is_dying(process))
        .filter_map(|process| {
            let space = process.space()?;
            Some((process.group(), space.resident_pages(), process, space))
        })
        .collect();
    let mut groups = BTreeMap::new();
    for (group, pages, ..) in &alive {
        *groups.entry(*group).or_insert(0) += pages;
    }
    let (largest, _) = groups.into_iter().max_by_key(|(_, pages)| *pages)?;
    alive
        .into_iter()
        .filter(|(group, ..)| *group == largest)
        .max_by_key(|(_, pages, process, _)| (*pages, process.id))
        .map(|(_, _, process, space)| (process, space))
}

fn is_dying(process: &Process) -> bool {
    process.signals.lock().state.exit_status().is_some()
}

fn kill(process: &Arc<Process>) {
    for task in process.threads() {
        FREEZER.mark_oom_victim(&Scheduler, &*task);
    }
    send::kill_process(process);
}

/// Starts the reaper, and tells the freezer how to hold the killer back.
///
/// # Errors
/// `ENOMEM`.
pub fn init() -> Result<(), Errno> {
    freezer::set_oom_killer(OomKiller { disable, enable });
    kthread::kthread_run("oom_reaper", reap_victims).map(|_| ())
}

fn reap_victims() {
    loop {
        let space = REAPER.wait_until("oom_reaper", || {
            let victim = VICTIM.lock();
            let victim = victim.as_ref().filter(|it| !it.is_reaped)?;
            Some((victim.process, victim.space.upgrade()?))
        });
        let Ok((process, space)) = space else { continue };
        let pages = space.reap();
        drop(space);
        log::info!("oom_reaper: reaped process {process}, {pages} pages");
        if let Some(victim) = VICTIM.lock().as_mut()
            && victim.process == process
        {
            victim.is_reaped = true;
        }
        MEMORY.wake_all();
    }
}

/// Waits for victims to die, until `deadline_ns`; then nobody is killed any
/// more. False if one still lives.
fn disable(deadline_ns: u64) -> bool {
    IS_OFF.store(true, Relaxed);
    while is_victim_dying() {
        let now = arch::timer::now_ns();
        if now >= deadline_ns {
            IS_OFF.store(false, Relaxed);
            return false;
        }
        let soon = (now + PATIENCE_NS).min(deadline_ns);
        sleep::sleep_uninterruptible("oom_killer_disable", soon);
    }
    true
}

fn enable() {
    IS_OFF.store(false, Relaxed);
    MEMORY.wake_all();
}
