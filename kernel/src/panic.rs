//! The end: what the kernel says when it finds a bug in itself.
//!
//! The first CPU to get here stops all others, prints what happened, where
//! (CPU, task, registers, back trace with names) and what led to it (the
//! last trace events of every CPU), and powers the machine off. The first
//! line starts with `kernel panic:`. No lock is taken and nothing is
//! allocated; a second panic meanwhile ends it at once.

mod backtrace;
mod symbol;

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use crate::arch::cpu::MAX_CPUS;
use crate::arch::trap::{self, TrapFrame};
use crate::arch::{boot, cpu, gic, irq, psci, thread};
use crate::drivers::pl011;
use crate::log::Raw;
use crate::trace;

pub use symbol::Symbol;

/// Events of each CPU that a panic shows.
const EVENTS: usize = 12;
const NOBODY: usize = usize::MAX;

/// The CPU that panics.
static OWNER: AtomicUsize = AtomicUsize::new(NOBODY);
/// Says which task runs, as an address; 0 until there are tasks.
static DESCRIBE_TASK: AtomicUsize = AtomicUsize::new(0);

/// A function that writes the name and number of the current task.
pub type DescribeTask = fn(&mut dyn Write) -> fmt::Result;

/// Names the function that tells which task runs on this CPU. It must not
/// lock, allocate or panic.
pub fn set_describe_task(describe: DescribeTask) {
    DESCRIBE_TASK.store(describe as usize, Release);
}

#[panic_handler]
fn on_panic(info: &PanicInfo<'_>) -> ! {
    let message = info.message();
    let frame = trap::registers();
    match info.location() {
        Some(place) => die(&frame, format_args!("{message} at {place}")),
        None => die(&frame, format_args!("{message}")),
    }
}

/// Ends the kernel with `message`; `frame` holds the registers where it
/// happened.
pub fn die(frame: &TrapFrame, message: fmt::Arguments<'_>) -> ! {
    irq::disable();
    let own = cpu::id();
    match OWNER.compare_exchange(NOBODY, own, AcqRel, Acquire) {
        Ok(_) => {}
        Err(owner) if owner == own => {
            let _ =
                writeln!(Raw, "kernel panic: again, while in panic: {message}");
            psci::system_off();
        }
        Err(_) => {
            cpu::set_stopped();
            cpu::stop();
        }
    }
    boot::ensure_console();
    // Whatever a stopped CPU was printing is cut off there.
    gic::stop_all_others();
    // A failing console must not keep the machine from going off.
    let _ = report(frame, message);
    pl011::flush();
    psci::system_off()
}

fn report(frame: &TrapFrame, message: fmt::Arguments<'_>) -> fmt::Result {
    let out = &mut Raw;
    writeln!(out, "\nkernel panic: {message}")?;
    write!(out, "CPU {} of {}, ", cpu::id(), crate::arch::smp::count())?;
    task(out)?;
    writeln!(out)?;
    registers(out, frame)?;
    backtrace::write(out, frame)?;
    for cpu in 0..MAX_CPUS {
        events(out, cpu)?;
    }
    Ok(())
}

fn task(out: &mut Raw) -> fmt::Result {
    let describe = DESCRIBE_TASK.load(Acquire) as *const ();
    if describe.is_null() || !thread::has_current() {
        return out.write_str("no task yet");
    }
    // SAFETY: `set_describe_task` stores nothing but functions of this type.
    let describe: DescribeTask = unsafe { core::mem::transmute(describe) };
    describe(out)
}

fn registers(out: &mut Raw, frame: &TrapFrame) -> fmt::Result {
    writeln!(
        out,
        "pc  {:016x} sp  {:016x} pstate {:08x}",
        frame.pc, frame.sp, frame.pstate
    )?;
    for (index, value) in frame.x.iter().enumerate() {
        let end = if index % 4 == 3 { "\n" } else { " " };
        write!(out, "x{index:<2} {value:016x}{end}")?;
    }
    writeln!(out)
}

fn events(out: &mut Raw, cpu: usize) -> fmt::Result {
    for event in trace::last(cpu, EVENTS) {
        let (seconds, rest) =
            (event.time_ns / 1_000_000_000, event.time_ns % 1_000_000_000);
        writeln!(
            out,
            "[{seconds:5}.{rest:09}] CPU {cpu} {} {} {}",
            event.kind.name(),
            event.a,
            event.b
        )?;
    }
    Ok(())
}
