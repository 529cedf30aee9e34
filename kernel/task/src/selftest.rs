//! Tests of kernel threads, workqueues and their freezing on the machine
//! itself. Run at boot with `firn.selftest=1`, by a kernel thread, before
//! there is any user task.

use alloc::sync::Arc;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use kernel_abi::Errno;

use super::kthread::{
    kthread_park, kthread_parkme, kthread_run, kthread_should_park,
    kthread_should_stop, kthread_stop, kthread_unpark,
};
use super::refrigerator::{
    FREEZER, FreezerHost, kthread_freezable_should_stop, set_freezable,
    try_to_freeze,
};
use super::{Task, current, queue, sleep, workqueue};
use kernel_machine::arch;

/// A test: what it promises, and how to find out.
pub type Test = (&'static str, fn() -> Result<(), &'static str>);

/// All tests of this layer.
pub fn tests() -> &'static [Test] {
    &[
        ("a_kthread_stops_when_asked", stops),
        ("a_parked_kthread_stands_still_until_unparked", parks),
        ("parking_says_busy_and_gone", park_errors),
        ("a_freezable_kthread_freezes_and_goes_on", freezes),
        ("a_frozen_kthread_stops_at_once_if_it_heeds", stops_frozen),
        ("a_parked_freezable_kthread_counts_as_frozen", parked_is_frozen),
        ("works_run_in_the_order_they_came", works_in_order),
        ("freezable_works_wait_for_the_thaw_and_others_do_not", works_freeze),
        ("every_cpu_runs_kernel_threads", every_cpu),
    ]
}

/// Sleeps a little, as one who waits for others.
fn pause_ms(ms: u64) {
    let deadline = arch::timer::now_ns() + ms * 1_000_000;
    sleep::sleep_uninterruptible("selftest", deadline);
}

/// Waits, a second at most, until `holds`.
fn soon(holds: impl Fn() -> bool) -> bool {
    for _ in 0..1000 {
        if holds() {
            return true;
        }
        pause_ms(1);
    }
    holds()
}

fn require(holds: bool, what: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(what) }
}

/// Starts a thread whose loop calls `step` until it says stop, counting.
fn start(
    count: &Arc<AtomicU32>,
    step: fn() -> bool,
) -> Result<Arc<Task>, &'static str> {
    start_with(count, || (), step)
}

/// As [`start`]; the thread calls `begin` first.
fn start_with(
    count: &Arc<AtomicU32>,
    begin: fn(),
    step: fn() -> bool,
) -> Result<Arc<Task>, &'static str> {
    let count = count.clone();
    kthread_run("selftest", move || {
        begin();
        while !step() {
            count.fetch_add(1, SeqCst);
            pause_ms(1);
        }
    })
    .map_err(|_| "no kernel thread")
}

/// Whether `count` stands still for a while.
fn is_still(count: &AtomicU32) -> bool {
    let before = count.load(SeqCst);
    pause_ms(20);
    count.load(SeqCst) == before
}

fn runs(count: &AtomicU32) -> bool {
    let before = count.load(SeqCst);
    soon(|| count.load(SeqCst) != before)
}

fn freeze() -> Result<(), &'static str> {
    FREEZER
        .suspend_freeze_processes(&FreezerHost, &*current())
        .map_err(|_| "the freeze failed")
}

fn thaw() {
    FREEZER.thaw_processes(&FreezerHost, &*current());
}

fn stops() -> Result<(), &'static str> {
    let count = Arc::default();
    let task = start(&count, kthread_should_stop)?;
    require(runs(&count), "it does not run")?;
    kthread_stop(&task);
    require(is_still(&count), "it runs on")
}

fn park_or_stop() -> bool {
    if kthread_should_park() {
        kthread_parkme();
    }
    kthread_should_stop()
}

fn parks() -> Result<(), &'static str> {
    let count = Arc::default();
    let task = start(&count, park_or_stop)?;
    kthread_park(&task).map_err(|_| "it cannot be parked")?;
    require(is_still(&count), "it runs while parked")?;
    kthread_unpark(&task);
    require(runs(&count), "it does not go on")?;
    kthread_stop(&task);
    Ok(())
}

/// spec: K4
fn park_errors() -> Result<(), &'static str> {
    let task = start(&Arc::default(), park_or_stop)?;
    kthread_park(&task).map_err(|_| "it cannot be parked")?;
    require(kthread_park(&task) == Err(Errno::EBUSY), "not EBUSY")?;
    kthread_stop(&task);
    require(kthread_park(&task) == Err(Errno::ENOSYS), "not ENOSYS")
}

fn become_freezable() {
    set_freezable();
}

fn freezable_step() -> bool {
    kthread_freezable_should_stop().1
}

/// spec: K2 F2
fn freezes() -> Result<(), &'static str> {
    let count = Arc::default();
    let task = start_with(&count, become_freezable, freezable_step)?;
    require(runs(&count), "it does not run")?;
    freeze()?;
    let still = is_still(&count) && task.freezer.frozen();
    thaw();
    require(still, "it runs while frozen")?;
    require(runs(&count), "it does not go on")?;
    kthread_stop(&task);
    Ok(())
}

/// spec: K3
fn stops_frozen() -> Result<(), &'static str> {
    let count = Arc::default();
    let task = start_with(&count, become_freezable, freezable_step)?;
    require(runs(&count), "it does not run")?;
    freeze()?;
    kthread_stop(&task);
    thaw();
    Ok(())
}

fn parked_step() -> bool {
    try_to_freeze();
    park_or_stop()
}

/// spec: K4
fn parked_is_frozen() -> Result<(), &'static str> {
    let task = start_with(&Arc::default(), become_freezable, parked_step)?;
    kthread_park(&task).map_err(|_| "it cannot be parked")?;
    freeze()?;
    thaw();
    kthread_stop(&task);
    Ok(())
}

/// spec: W3
fn works_in_order() -> Result<(), &'static str> {
    static LAST: AtomicU32 = AtomicU32::new(0);
    static WRONG: AtomicU32 = AtomicU32::new(0);
    LAST.store(0, SeqCst);
    for number in 1..=100 {
        workqueue::system().queue_work(move || {
            let before = LAST.swap(number, SeqCst);
            WRONG.fetch_add(u32::from(before + 1 != number), SeqCst);
        });
    }
    workqueue::system().flush();
    require(LAST.load(SeqCst) == 100, "not all ran")?;
    require(WRONG.load(SeqCst) == 0, "out of order")
}

/// spec: W1 W3 W4
fn works_freeze() -> Result<(), &'static str> {
    static ORDINARY: AtomicU32 = AtomicU32::new(0);
    static FREEZABLE: AtomicU32 = AtomicU32::new(0);
    freeze()?;
    workqueue::system().queue_work(|| ORDINARY.store(1, SeqCst));
    workqueue::system_freezable().queue_work(|| FREEZABLE.store(1, SeqCst));
    let ran = soon(|| ORDINARY.load(SeqCst) == 1);
    pause_ms(20);
    let held = FREEZABLE.load(SeqCst) == 0;
    thaw();
    require(ran, "an ordinary work waited")?;
    require(held, "a freezable work ran while frozen")?;
    workqueue::system_freezable().flush();
    require(FREEZABLE.load(SeqCst) == 1, "a work was lost")
}

fn every_cpu() -> Result<(), &'static str> {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    SEEN.store(0, Relaxed);
    for cpu in 0..arch::cpu::online_count() {
        super::kthread::kthread_run_with(
            "selftest",
            kernel_core::freezer::Flags::empty(),
            1 << cpu,
            || {
                SEEN.fetch_or(1 << arch::cpu::id(), SeqCst);
            },
        )
        .map_err(|_| "no kernel thread")?;
    }
    let all = queue::online_cpus();
    require(soon(|| SEEN.load(SeqCst) == all), "a CPU runs nothing")
}
