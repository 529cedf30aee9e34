//! CPUs that come and go.
//!
//! A CPU goes in these steps; `down` is the task that asks, on any CPU:
//!
//! ```text
//!  down (one at a time)                CPU 3
//!  --------------------                -----
//!  hide CPU 3, close its queue
//!  place those who wait there
//!  LEAVING |= CPU 3
//!  mark the running task, send IPI --> it moves on by itself (`move_on`)
//!  sleep                               idle task: nothing to do, LEAVING
//!    .                                 give timers and interrupts to another
//!    .                                 ONLINE &= !CPU 3
//!    . <----------------- wake ------- CHANGED
//!  ask firmware until CPU 3 is off     CPU_OFF
//!  tell whose affinity was CPU 3 only
//! ```
//!
//! What makes it right:
//!
//! * Nobody waits on CPU 3 once its queue is closed and was seen empty, and
//!   nobody comes (`kernel_core::schedule::admission`). So the one task to be
//!   marked is the one that runs then, and the mark is set under the queue's
//!   lock, under which it was chosen.
//! * The idle task reads `LEAVING` with interrupts masked, and then waits for
//!   an interrupt. The IPI is sent after the store: if the read misses it, the
//!   IPI is still pending and ends the wait.
//! * A sweep of the freezer visits every queue that may hold a task, for
//!   `ONLINE` loses the CPU after its last task. A task between two queues
//!   meets `switched_in` when it runs again, as one that is pulled does.
//! * The task that asks waits uninterruptibly and counts as awake, so no
//!   freeze is complete while a CPU is on its way (SPECIFICATION.md O4).
//! * Timers stay in CPU 3's own queue, where their handles point; only who
//!   looks at it changes (`timer.rs`).
//! * A shootdown of TLB entries is a broadcast in hardware and needs nobody's
//!   answer. A CPU that comes back has forgotten everything, and joins the
//!   broadcast before its MMU is on.
//!
//! Affinities stay as they are: see `kernel/decisions/0005-unequal-cpus.md`.
//! Next to read: `kernel/linux/files/src/sys/cpu.rs`, the files.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicUsize};

use kernel_abi::Errno;
use kernel_core::schedule::admission::clear_out;
use kernel_core::schedule::{Arrival, select_fastest};

use super::kick::request_reschedule;
use super::mutex::MutexGuard;
use super::place::{self, Placing};
use super::queue::{self, QUEUES, active_cpus, online_cpus};
use super::{
    Mutex, Task, WaitQueue, current, scheduler, sleep, table, tick, timer,
};
use kernel_machine::arch::cpu::MAX_CPUS;
use kernel_machine::arch::psci::StartError;
use kernel_machine::arch::thread::Stack;
use kernel_machine::arch::thread::work;
use kernel_machine::arch::{self, cpu, gic, irq, psci, smp, thread};
use kernel_machine::mm;
use kernel_machine::mm::stack::KernelStack;

/// CPUs whose idle task shall turn them off.
static LEAVING: AtomicU32 = AtomicU32::new(0);

/// One CPU comes or goes at a time.
static HOTPLUG: Mutex<()> = Mutex::new(());

/// Waits for a CPU to come or to go.
static CHANGED: WaitQueue = WaitQueue::new();

/// Tops of the stacks of the idle tasks; 0 for a CPU that never started.
static STACK_TOPS: [AtomicUsize; MAX_CPUS] =
    [const { AtomicUsize::new(0) }; MAX_CPUS];

/// How long a CPU may take to come, or to go once it is on its way, ns. A host
/// may hold it up anywhere.
const CHANGE_LIMIT_NS: u64 = 5_000_000_000;
/// Firmware tells nobody when a CPU is off, so it is asked that often, ns.
const ASK_AGAIN_NS: u64 = 1_000_000;

/// CPUs that the machine has, bit n for CPU n.
pub fn possible_cpus() -> u32 {
    (1 << smp::count()) - 1
}

/// Whether this machine can turn CPUs off at all.
pub fn is_supported() -> bool {
    psci::is_present()
}

/// The code that runs now becomes the idle task of the boot CPU, on the
/// stack that ends at `stack_top`.
pub fn begin(stack_top: usize) {
    STACK_TOPS[0].store(stack_top, Release);
    come_online(0);
}

/// Starts the other CPUs, from the boot CPU's idle task.
pub fn start_others(count: usize) {
    for cpu in 1..count {
        let started =
            stack_top(cpu).map(|top| smp::start(cpu, top, begin_other));
        match started {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::error!("CPU {cpu} does not start: {error}"),
            Err(_) => log::error!("CPU {cpu} stays off: no memory"),
        }
    }
}

/// The stack of the CPU's idle task, made when the CPU first starts.
fn stack_top(cpu: usize) -> Result<usize, Errno> {
    let place = &STACK_TOPS[cpu];
    if place.load(Acquire) == 0 {
        let stack = KernelStack::new()?;
        place.store(stack.top(), Release);
        // The CPU's idle task stands on it for ever.
        core::mem::forget(stack);
    }
    Ok(place.load(Acquire))
}

fn begin_other() -> ! {
    mm::init_cpu();
    come_online(cpu::id());
    let _ = CHANGED.wake_all();
    irq::enable();
    idle_loop()
}

/// What a CPU does for ever once it has started: runs tasks, and waits for
/// interrupts while there are none.
pub fn idle_loop() -> ! {
    loop {
        irq::disable();
        if has_work() {
            scheduler::schedule();
        } else if is_leaving() {
            leave();
        } else {
            timer::end_tick();
            cpu::wait_for_interrupt();
        }
        irq::enable();
    }
}

fn has_work() -> bool {
    let idle = current();
    idle.context.work.load(Relaxed) & work::RESCHEDULE != 0
        || QUEUES[idle.cpu()].waiting.load(Relaxed) != 0
}

/// Lets this CPU, on the stack of its idle task, take part in everything.
/// Interrupts are masked.
fn come_online(cpu: usize) {
    let known = QUEUES[cpu].queue.lock().idle_task.clone();
    let idle = match known {
        Some(idle) => {
            idle.clear_work(work::RESCHEDULE);
            thread::adopt_again(&idle);
            idle
        }
        None => {
            let idle = Task::new_idle(cpu, STACK_TOPS[cpu].load(Acquire));
            thread::adopt(idle.clone());
            idle
        }
    };
    gic::enable(arch::timer::interrupt(), cpu);
    timer::take_over(cpu);
    tick::interrupt();
    queue::bring_online(&idle);
}

/// Whether this CPU shall go off.
#[inline]
fn is_leaving() -> bool {
    LEAVING.load(Acquire) & 1 << cpu::id() != 0
}

/// Turns this CPU off: the last act of its idle task, with interrupts masked.
/// Returns if firmware will not have it; then the CPU is as before.
fn leave() {
    let own = cpu::id();
    let successor = active_cpus().trailing_zeros() as usize;
    timer::hand_over(own, successor);
    gic::hand_over(own, successor);
    queue::go_offline(own);
    cpu::set_stopped();
    let _ = CHANGED.wake_all();
    gic::leave_cpu();
    let error = psci::cpu_off();
    log::error!("CPU{own}: does not go off: {error}");
    let is_back = smp::rejoin(own);
    if is_back {
        come_online(own);
    }
    // This comes last: who turns it off goes on now, and may turn it on or off
    // again.
    LEAVING.fetch_and(!(1 << own), AcqRel);
    if is_back {
        let _ = CHANGED.wake_all();
    }
}

/// Turns a CPU off. Nothing happens if it is off.
///
/// # Errors
/// `EBUSY` for the last one; `EPERM` if firmware needs it; `EOPNOTSUPP`
/// without firmware; `EINVAL` for a CPU that does not exist.
pub fn cpu_down(cpu: usize) -> Result<(), Errno> {
    let _one = HOTPLUG.lock();
    down(cpu)?;
    log::info!("CPU{cpu}: shutdown");
    report_displaced(cpu);
    Ok(())
}

/// Turns a CPU on. Nothing happens if it is on.
///
/// # Errors
/// `ENOMEM`; `EIO` if it gives no sign of life, or what firmware says.
pub fn cpu_up(cpu: usize) -> Result<(), Errno> {
    let _one = HOTPLUG.lock();
    up(cpu)
}

fn down(cpu: usize) -> Result<(), Errno> {
    let bit = bit_of(cpu)?;
    let active = active_cpus();
    if active & bit == 0 {
        return Ok(());
    }
    if active == bit {
        return Err(Errno::EBUSY);
    }
    smp::check_off(cpu)?;
    let select = select_fastest;
    clear_out(&Placing { arrival: Arrival::Moved, select }, cpu);
    LEAVING.fetch_or(bit, AcqRel);
    dislodge(cpu);
    // One that firmware refuses may be back before this task looks.
    CHANGED.wait_uninterruptible("cpu_down", || {
        let has_left = online_cpus() & bit == 0;
        (has_left || LEAVING.load(Acquire) & bit == 0).then_some(())
    });
    ask_until(arch::timer::now_ns() + CHANGE_LIMIT_NS, "cpu_down", || {
        smp::is_off(cpu) || LEAVING.load(Acquire) & bit == 0
    });
    let was_refused = LEAVING.fetch_and(!bit, AcqRel) & bit == 0;
    if was_refused { Err(Errno::EPERM) } else { Ok(()) }
}

/// Asks until it is so, or until the deadline has passed.
fn ask_until(
    deadline_ns: u64,
    place: &'static str,
    mut is_so: impl FnMut() -> bool,
) {
    while !is_so() {
        let now = arch::timer::now_ns();
        if now >= deadline_ns {
            return;
        }
        sleep::sleep_uninterruptible(place, now + ASK_AGAIN_NS);
    }
}

fn bit_of(cpu: usize) -> Result<u32, Errno> {
    let bit = 1_u32.checked_shl(cpu as u32).unwrap_or(0);
    let is_there = possible_cpus() & bit != 0;
    is_there.then_some(bit).ok_or(Errno::EINVAL)
}

/// Makes the task that runs on `cpu`, whose queue is closed, move on.
fn dislodge(cpu: usize) {
    let queue = QUEUES[cpu].queue.lock();
    if let Some(task) = &queue.running_task {
        task.set_work(work::RESCHEDULE);
    }
    drop(queue);
    request_reschedule(cpu);
}

fn up(cpu: usize) -> Result<(), Errno> {
    let bit = bit_of(cpu)?;
    if active_cpus() & bit != 0 {
        return Ok(());
    }
    let deadline = arch::timer::now_ns() + CHANGE_LIMIT_NS;
    request_start(cpu, deadline)?;
    let is_there = || (active_cpus() & bit != 0).then_some(());
    CHANGED
        .wait_until_there("cpu_up", deadline, is_there)
        .map_err(|_| Errno::EIO)?;
    log::info!("CPU{cpu} is up");
    move_back(bit);
    Ok(())
}

/// Asks firmware for a CPU. One that is on its way still, off or on, is asked
/// for again: it was awaited too short a time when it went or came last.
fn request_start(cpu: usize, deadline_ns: u64) -> Result<(), Errno> {
    let top = stack_top(cpu)?;
    let mut result = Ok(());
    ask_until(deadline_ns, "cpu_up", || {
        result = smp::request_start(cpu, top, begin_other);
        let is_on_its_way = result.is_err_and(StartError::is_on_its_way);
        !is_on_its_way || active_cpus() & 1 << cpu != 0
    });
    match result {
        Err(error) if !error.is_on_its_way() => Err(error.errno()),
        _ => Ok(()),
    }
}

/// Whether none of the CPUs that the task may run on is active.
fn is_displaced(task: &Task) -> bool {
    task.allowed_cpus() & active_cpus() == 0
}

/// Says which tasks had only `cpu` left to run on.
fn report_displaced(cpu: usize) {
    for task in table::all() {
        if task.allowed_cpus() & 1 << cpu != 0 && is_displaced(&task) {
            let (id, name) = (task.id(), task.name());
            log::info!("process {id} ({name}) no longer affine to cpu{cpu}");
        }
    }
}

/// Moves back the tasks that may run on a CPU that came, and run where they
/// may not.
fn move_back(bit: u32) {
    for task in table::all() {
        let allowed = task.allowed_cpus();
        if allowed & bit != 0 && allowed & 1 << task.cpu() == 0 {
            place::move_to_allowed(&task);
        }
    }
}

/// The other CPUs are off for a suspend, and no CPU comes or goes meanwhile.
pub struct SecondariesOff {
    _one: MutexGuard<'static, ()>,
    cpus: u32,
}

/// Turns off all CPUs but one, the boot CPU if it is on, as the last step of
/// a suspend (Linux `freeze_secondary_cpus`). `is_aborted` is asked before
/// each.
///
/// # Errors
/// `EBUSY` if aborted, or what [`cpu_down`] says; all are on again.
pub fn disable_secondary_cpus(
    is_aborted: impl Fn() -> bool,
) -> Result<SecondariesOff, Errno> {
    let mut off = SecondariesOff { _one: HOTPLUG.lock(), cpus: 0 };
    let active = active_cpus();
    let others = active & active.wrapping_sub(1);
    log::info!("Disabling non-boot CPUs ...");
    for cpu in (0..MAX_CPUS).filter(|cpu| others & 1 << cpu != 0) {
        let result = if is_aborted() { Err(Errno::EBUSY) } else { down(cpu) };
        if let Err(error) = result {
            log::error!("Error taking CPU{cpu} down: {error}");
            off.enable();
            return Err(error);
        }
        off.cpus |= 1 << cpu;
    }
    Ok(off)
}

impl SecondariesOff {
    /// Turns them on again (Linux `thaw_secondary_cpus`). One that does not
    /// come stays off.
    pub fn enable(self) {
        log::info!("Enabling non-boot CPUs ...");
        for cpu in (0..MAX_CPUS).filter(|cpu| self.cpus & 1 << cpu != 0) {
            if let Err(error) = up(cpu) {
                log::error!("Error taking CPU{cpu} up: {error}");
                report_displaced(cpu);
            }
        }
    }
}
