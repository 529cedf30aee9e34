//! Firn: the machine half of the kernel.
#![no_std]
#![no_main]

extern crate alloc;

mod arch;
mod drivers;
mod files;
mod freezer;
mod log;
mod mm;
mod panic;
mod sync;
mod task;
mod trace;

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Release};

use arch::boot::BootInfo;
use arch::cpu::MAX_CPUS;
use arch::{cpu, gic, irq, smp, thread, timer, trap};
use mm::stack::KernelStack;
use task::{Task, kthread, scheduler};

static HOOKS: trap::Hooks = trap::Hooks {
    syscall: |_| {},
    user_fault: |_, _| {},
    user_exception: |_, _| {},
    kernel_fault: |_| false,
    return_to_user: |_| {},
    after_interrupt: || {},
};

/// Where `arch::boot` hands over: one CPU, memory and interrupts ready.
pub fn kernel_main(boot: BootInfo) -> ! {
    become_idle(0, arch::image::boot_stack().end);
    trap::set_hooks(&HOOKS);
    gic::register(timer::interrupt(), |_| task::timer::interrupt());
    gic::register(gic::Ipi::Reschedule as u32, |_| {
        scheduler::reschedule_interrupt();
    });
    start_cpu();
    start_other_cpus(boot.cpu_count);
    kthread::kthread_run("kernel_init", move || initialise(boot))
        .expect("no memory for the first kernel thread");
    scheduler::idle_loop()
}

fn initialise(boot: BootInfo) {
    ::log::info!("hello from a kernel thread");
    for n in 0..3 {
        task::sleep::sleep_uninterruptible("x", timer::now_ns() + 100_000_000);
        ::log::info!("slept {n}");
    }
    for n in 0..8 {
        kthread::kthread_run("k", move || {
            for i in 0..3 {
                task::sleep::sleep_uninterruptible(
                    "x",
                    timer::now_ns() + 10_000_000,
                );
                ::log::info!("thread {n} {i} on cpu {}", cpu::id());
            }
        })
        .unwrap();
    }
    task::sleep::sleep_uninterruptible("x", timer::now_ns() + 200_000_000);
    arch::psci::system_off();
}

/// The code that runs now becomes the idle task of `cpu`.
fn become_idle(cpu: usize, stack_top: usize) {
    let idle = Task::new_idle(cpu, stack_top);
    thread::adopt(idle.clone());
    scheduler::bring_online(&idle);
}

/// Lets interrupts in on this CPU.
fn start_cpu() {
    gic::enable(timer::interrupt(), cpu::id());
    irq::enable();
}

/// Tops of the stacks of the other CPUs' idle tasks.
static STACK_TOPS: [AtomicUsize; MAX_CPUS] =
    [const { AtomicUsize::new(0) }; MAX_CPUS];

fn start_other_cpus(count: usize) {
    for cpu in 1..count {
        let stack = match KernelStack::new() {
            Ok(stack) => stack,
            Err(_) => return ::log::error!("no memory for CPU {cpu}"),
        };
        let top = stack.top();
        // The CPU's idle task stands on it for ever.
        core::mem::forget(stack);
        STACK_TOPS[cpu].store(top, Release);
        if let Err(error) = smp::start(cpu, top, other_cpu) {
            ::log::error!("CPU {cpu} does not start: {error}");
        }
    }
    ::log::info!("{} CPUs run", cpu::online_count());
}

fn other_cpu() -> ! {
    let cpu = cpu::id();
    become_idle(cpu, STACK_TOPS[cpu].load(Acquire));
    start_cpu();
    scheduler::idle_loop()
}
