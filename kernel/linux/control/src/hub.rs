//! A freezable kernel thread as an example: the loop of a USB hub driver from
//! Linux's document *Freezing of tasks*.
//!
//! The thread sleeps until an event comes, handles it, and passes a freeze
//! point on every round; between two freeze points it is not frozen, so an
//! event is never left half handled. A write to `/sys/kernel/hub/event` is an
//! event; a read shows how many were handled. `wake_ns` shows how long the
//! thread took from the last event that found it asleep to its own next
//! instruction. Try it:
//!
//! ```text
//! echo 1 > /sys/kernel/hub/event; cat /sys/kernel/hub/{event,wake_ns}
//! ```
//!
//! With `freezer.stubborn=1` on the kernel command line a second thread
//! starts that says it is freezable and never reaches a freeze point, so that
//! a refused freeze can be seen (freezer-spec K6). With `freezer.slow=MS` one
//! starts that takes so long to reach a freeze point, in each freeze.

use alloc::string::{String, ToString};
use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel_abi::Errno;

use kernel_files::sys::{Attribute, register};
use kernel_machine::arch;
use kernel_task::kthread::{kthread_run, wait_event_freezable};
use kernel_task::refrigerator::{
    FREEZER, kthread_freezable_should_stop, set_freezable, try_to_freeze,
};
use kernel_task::{WaitQueue, current, sleep, workqueue};

/// How long the slow thread takes to freeze, ns.
static SLOW_NS: AtomicU64 = AtomicU64::new(0);
/// Events that wait to be handled.
static PENDING: AtomicU32 = AtomicU32::new(0);
/// Events handled so far.
static HANDLED: AtomicU32 = AtomicU32::new(0);
/// When the thread was last woken for an event, ns; 0 once it has noticed.
static WOKEN_AT_NS: AtomicU64 = AtomicU64::new(0);
/// How long it took to notice, ns.
static WAKE_NS: AtomicU64 = AtomicU64::new(0);
/// Where the thread waits for an event.
static HUB_WAIT: WaitQueue = WaitQueue::new();

/// Starts the thread and makes its file.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn start() -> Result<(), Errno> {
    kthread_run("khubd", hub_thread)?;
    let event = Attribute::new(show_event, store_event);
    register("/sys/kernel/hub/event", event)?;
    let wake = Attribute::read_only(show_wake);
    register("/sys/kernel/hub/wake_ns", wake)
}

fn hub_thread() {
    set_freezable();
    loop {
        handle_events();
        let (_was_frozen, should_stop) = kthread_freezable_should_stop();
        if should_stop {
            return;
        }
        let has_event = || (PENDING.load(Relaxed) != 0).then_some(());
        wait_event_freezable(&HUB_WAIT, "hub_thread", has_event);
        note_wake();
    }
}

fn note_wake() {
    let woken_at = WOKEN_AT_NS.swap(0, Relaxed);
    if woken_at != 0 {
        WAKE_NS.store(arch::timer::now_ns() - woken_at, Relaxed);
    }
}

/// Each event is a work of a freezable queue, as a driver would reset a port
/// there: one that was queued just before a freeze runs after the thaw.
fn handle_events() {
    for _ in 0..PENDING.swap(0, AcqRel) {
        workqueue::system_freezable().queue_work(|| {
            HANDLED.fetch_add(1, Relaxed);
        });
    }
}

fn show_event() -> Result<String, Errno> {
    Ok(HANDLED.load(Relaxed).to_string() + "\n")
}

fn show_wake() -> Result<String, Errno> {
    Ok(WAKE_NS.load(Relaxed).to_string() + "\n")
}

fn store_event(_text: &[u8]) -> Result<(), Errno> {
    WOKEN_AT_NS.store(arch::timer::now_ns(), Relaxed);
    PENDING.fetch_add(1, AcqRel);
    HUB_WAIT.wake_one();
    Ok(())
}

/// Starts the thread that never freezes.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn start_stubborn() -> Result<(), Errno> {
    kthread_run("stubborn", stubborn_thread)?;
    Ok(())
}

/// Starts the thread that takes so many milliseconds to freeze.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn start_slow(milliseconds: u32) -> Result<(), Errno> {
    SLOW_NS.store(u64::from(milliseconds) * 1_000_000, Relaxed);
    kthread_run("slow", slow_thread)?;
    Ok(())
}

fn slow_thread() {
    set_freezable();
    let sleep = |time_ns| {
        let deadline = arch::timer::now_ns() + time_ns;
        sleep::sleep_uninterruptible("slow_thread", deadline);
    };
    loop {
        sleep(10_000_000);
        if FREEZER.freezing(&current().freezer) {
            sleep(SLOW_NS.load(Relaxed));
            try_to_freeze();
        }
    }
}

/// Promises to freeze and does not: sleeps where the freezer cannot see it
/// is harmless, and passes no freeze point.
fn stubborn_thread() {
    set_freezable();
    loop {
        let deadline = arch::timer::now_ns() + 10_000_000;
        sleep::sleep_uninterruptible("stubborn_thread", deadline);
    }
}
