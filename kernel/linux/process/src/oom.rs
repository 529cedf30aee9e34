//! The out-of-memory killer, and the reaper that hurries its victims.
//!
//! When a page is needed and none is left for user memory, a process is
//! killed (which one: `kernel_core::memory::victim`; never the first), the
//! task that needed the page waits, and looks again. The victim is marked so
//! that freezing does not hold it (SPECIFICATION.md F8), and a kernel thread
//! takes its pages even before it has died.
//!
//! One at a time: while a process that was killed, or ends for a reason of
//! its own, has not given its memory back, nobody else is chosen.
//!
//! ```text
//!  task in need                          victim
//!  ------------                          ------
//!  allocation fails                      drops its address space
//!  does a dying process have threads?    leaves its process
//!    yes: wait, try again
//!    no: is memory still short?
//!      no: try again
//!      yes: choose; kill, if it is short even now
//! ```
//!
//! A victim leaves its process only when its frames are free. So whoever does
//! not find it any more finds its memory (the process's signal lock and the
//! frame locks order the two), and the last question keeps it from killing
//! another. (Asking whether the address space still has an owner is
//! not enough: it has none from the moment it *begins* to be given back.)
//!
//! During a freeze of the whole system the killer is off
//! (SPECIFICATION.md H3): those that need memory wait until it is on again.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_abi::Errno;
use kernel_core::freezer::Flags;
use kernel_core::memory::victim::{self, Candidate};

use super::signal::send;
use super::{Process, ProcessId, current, thread_of, tree};
use kernel_machine::arch;
use kernel_machine::mm::stack::STACK_SIZE;
use kernel_machine::mm::{AddressSpace, frame};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::freezer::OomKiller;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{Task, WaitError, WaitQueue, kthread, sleep};

/// How long a task that needs memory waits before it looks again, ns.
const PATIENCE_NS: u64 = 20_000_000;
/// When for so long nobody who is dying has got any further, another may be
/// chosen: they may be waiting for one who waits for memory, ns.
const DEATH_NS: u64 = 5_000_000_000;

struct Victim {
    process: ProcessId,
    space: Weak<AddressSpace>,
    reaping: Reaping,
}

/// How far the reaper is with a victim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reaping {
    ToDo,
    /// The reaper holds the memory, maybe as the last.
    AtWork,
    Done,
}

/// Who is dying, as long as these are the same.
#[derive(Clone, Copy)]
struct Dying {
    /// How many, and the sum of their numbers.
    who: (usize, u64),
    since_ns: u64,
}

/// The last victim, until its memory is gone.
static VICTIM: SpinLock<Option<Victim>> =
    SpinLock::with_rank(Rank::Object, None);
static DYING: SpinLock<Option<Dying>> = SpinLock::with_rank(Rank::Object, None);
static IS_OFF: AtomicBool = AtomicBool::new(false);
/// Some task chooses a victim; others leave it to that one.
static IS_CHOOSING: AtomicBool = AtomicBool::new(false);

/// Where the reaper waits for a victim.
static REAPER: WaitQueue = WaitQueue::new();
/// Where others wait for memory.
static MEMORY: WaitQueue = WaitQueue::new();

/// The running task needs a page and there is none: kills a process if none
/// is dying, and waits a while. The caller tries again.
///
/// # Errors
/// `ENOMEM` if that is in vain: the caller is to die itself, or there is
/// nobody to kill.
pub fn out_of_memory() -> Result<(), Errno> {
    make_room(frame::is_short, wait_freezable)
}

/// As [`out_of_memory`], in the midst of a system call: the task may hold a
/// [`Mutex`](kernel_task::Mutex), so it does not freeze here. A freeze waits
/// for it, and it for a victim, which freezing does not hold.
///
/// # Errors
/// As [`out_of_memory`].
pub fn out_of_memory_in_call() -> Result<(), Errno> {
    make_room(frame::is_short, wait_awake)
}

/// As [`out_of_memory`], while memory `is_short` for what the caller needs;
/// it waits by `wait`.
fn make_room(
    is_short: fn() -> bool,
    wait: fn(u64) -> Result<(), Errno>,
) -> Result<(), Errno> {
    if current().task().fatal_signal_pending() {
        return Err(Errno::ENOMEM);
    }
    if !IS_OFF.load(Relaxed) && !IS_CHOOSING.swap(true, Acquire) {
        // The order of these questions counts: see the timeline above.
        let is_needed = !is_anybody_dying() && !is_reaping() && is_short();
        let result = if is_needed { choose_and_kill(is_short) } else { Ok(()) };
        IS_CHOOSING.store(false, Release);
        result?;
    }
    wait(arch::timer::now_ns() + PATIENCE_NS)
}

fn wait_freezable(deadline_ns: u64) -> Result<(), Errno> {
    let never = || None::<()>;
    match MEMORY.wait_killable_until("out_of_memory", deadline_ns, never) {
        Err(WaitError::Interrupted) => Err(Errno::ENOMEM),
        _ => Ok(()),
    }
}

fn wait_awake(deadline_ns: u64) -> Result<(), Errno> {
    sleep::sleep_uninterruptible("out_of_memory", deadline_ns);
    Ok(())
}

/// Does something that needs memory for a program, a few pages or many,
/// again and again while memory is scarce and somebody can be killed.
///
/// # Errors
/// Those of `attempt`.
pub fn with_memory<T>(
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    loop {
        match attempt() {
            Err(Errno::ENOMEM) if frame::is_scarce() => {
                make_room(frame::is_scarce, wait_freezable)?;
            }
            result => return result,
        }
    }
}

/// Waits until memory is not scarce.
///
/// # Errors
/// As [`out_of_memory`].
pub fn wait_for_memory() -> Result<(), Errno> {
    while frame::is_scarce() {
        make_room(frame::is_scarce, wait_freezable)?;
    }
    Ok(())
}

/// Kills a process while memory `is_short`. Choosing takes time, in which the
/// others may have died and given back what they had: whoever is the heaviest
/// of those that are left is then spared.
fn choose_and_kill(is_short: fn() -> bool) -> Result<(), Errno> {
    let chosen = choose();
    if !is_short() {
        return Ok(());
    }
    let Some((process, space)) = chosen else {
        log::error!("Out of memory and no killable processes...");
        return Err(Errno::ENOMEM);
    };
    let task = process.any_thread();
    let name = task.as_ref().map(|task| task.name());
    log::error!(
        "Out of memory: Killed process {} ({}) total-vm:{}kB, rss:{}kB",
        process.id,
        name.as_ref().map_or(&"?" as &dyn core::fmt::Display, |name| name),
        space.mapped_pages() * 4,
        space.resident_pages() * 4,
    );
    *VICTIM.lock() = Some(Victim {
        process: process.id,
        space: Arc::downgrade(&space),
        reaping: Reaping::ToDo,
    });
    // All who use that memory die: it is about to be taken from them.
    for sharer in tree::all() {
        if sharer.space().is_some_and(|it| Arc::ptr_eq(&it, &space)) {
            kill(&sharer);
        }
    }
    // It may have left its memory meanwhile, for another program.
    kill(&process);
    drop(space);
    REAPER.wake_all();
    Ok(())
}

/// True while somebody is about to give memory back, as far as those who are
/// dying get anywhere.
fn is_anybody_dying() -> bool {
    let all = tree::all().into_iter();
    let who = all.filter(is_dying).fold((0, 0), |(count, sum), process| {
        (count + 1, sum + u64::from(process.id))
    });
    let now = arch::timer::now_ns();
    let mut dying = DYING.lock();
    if who.0 == 0 {
        *dying = None;
        return false;
    }
    match *dying {
        Some(last) if last.who == who => {
            let is_stuck = now.saturating_sub(last.since_ns) > DEATH_NS;
            if is_stuck {
                *dying = None;
            }
            !is_stuck
        }
        _ => {
            *dying = Some(Dying { who, since_ns: now });
            true
        }
    }
}

/// True while the reaper holds a victim's memory, which it may be the last to
/// do: the victim may have left without it.
fn is_reaping() -> bool {
    let victim = VICTIM.lock();
    victim.as_ref().is_some_and(|it| it.reaping == Reaping::AtWork)
}

/// True for a process that is to end and has threads that have not left it,
/// hence may have memory.
fn is_dying(process: &Arc<Process>) -> bool {
    let signals = process.signals.lock();
    let mut threads = signals.threads.iter();
    match signals.state.exit_status() {
        Some(_) => threads.next().is_some(),
        None => threads.any(|it| is_exiting(&it.task)),
    }
}

fn is_exiting(task: &Task) -> bool {
    task.freezer.flags().contains(Flags::EXITING)
}

/// Who is to die, and its memory. Whoever shares the first process's memory,
/// as between vfork and exec, is left alone.
fn choose() -> Option<(Arc<Process>, Arc<AddressSpace>)> {
    let first = tree::find(tree::FIRST)?.space();
    let is_eligible = |process: &Arc<Process>, space: &Arc<AddressSpace>| {
        let of_first = first.as_ref().is_some_and(|it| Arc::ptr_eq(it, space));
        process.id != tree::FIRST && !of_first && !is_dying(process)
    };
    let mut all: Vec<_> = tree::all()
        .into_iter()
        .filter_map(|process| Some((process.space()?, process)))
        .filter(|(space, process)| is_eligible(process, space))
        .collect();
    let candidate = |(space, process): &(Arc<AddressSpace>, Arc<Process>)| {
        let (id, parent, group) =
            (process.id, process.parent(), process.group());
        let weight = space.share() + held(process, space);
        Candidate { id, parent, group, weight }
    };
    let candidates: Vec<_> = all.iter().map(candidate).collect();
    let (space, process) = all.swap_remove(victim::choose(&candidates)?);
    Some((process, space))
}

/// Bytes that the kernel keeps for a process beside its pages: page tables
/// and what tells of its memory, signals that wait, timers, stacks of its
/// threads, and what its open files keep.
fn held(process: &Process, space: &AddressSpace) -> u64 {
    let tasks = process.threads();
    let mut tables: Vec<_> =
        tasks.iter().filter_map(|task| thread_of(task)?.files().ok()).collect();
    tables.sort_unstable_by_key(|table| Arc::as_ptr(table).addr());
    tables.dedup_by(|one, other| Arc::ptr_eq(one, other));
    let files: usize = tables.iter().map(|table| table.held()).sum();
    let signals = process.signals.lock().state.held();
    let timers = process.timers.held();
    let stacks = tasks.len() * STACK_SIZE;
    (space.held() + files + signals + timers + stacks) as u64
}

fn kill(process: &Arc<Process>) {
    for task in process.threads() {
        FREEZER.mark_oom_victim(&FreezerHost, &*task);
    }
    send::kill_process(process);
}

/// How a freeze holds the killer back.
pub static KILLER: OomKiller = OomKiller { disable, enable };

/// Starts the reaper.
///
/// # Errors
/// `ENOMEM`.
pub fn init() -> Result<(), Errno> {
    kthread::kthread_run("oom_reaper", reap_victims).map(|_| ())
}

fn reap_victims() {
    loop {
        let space = REAPER.wait_until("oom_reaper", || {
            let mut victim = VICTIM.lock();
            let victim = victim.as_mut()?;
            if victim.reaping != Reaping::ToDo {
                return None;
            }
            let space = victim.space.upgrade()?;
            victim.reaping = Reaping::AtWork;
            Some((victim.process, space))
        });
        let Ok((process, space)) = space else { continue };
        let pages = space.reap();
        drop(space);
        if let Some(victim) = VICTIM.lock().as_mut()
            && victim.process == process
        {
            victim.reaping = Reaping::Done;
        }
        log::info!("oom_reaper: reaped process {process}, {pages} pages");
        MEMORY.wake_all();
    }
}

/// Waits for the victim to give its memory back, until `deadline_ns`; then
/// nobody is killed any more. False if it still has some.
fn disable(deadline_ns: u64) -> bool {
    IS_OFF.store(true, Relaxed);
    while has_victim_memory() {
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

fn has_victim_memory() -> bool {
    let mut victim = VICTIM.lock();
    let has_memory = |it: &Victim| it.space.strong_count() != 0;
    let has_some = victim.as_ref().is_some_and(has_memory);
    if !has_some {
        *victim = None;
    }
    has_some
}

fn enable() {
    IS_OFF.store(false, Relaxed);
    MEMORY.wake_all();
}
