//! The end: what the kernel says when it finds a bug in itself.
//!
//! The first CPU to get here stops all others, prints what happened, where
//! (CPU, task, registers, back trace with names) and what led to it (the
//! last trace events of every CPU), and powers the machine off. The first
//! line starts with `kernel panic:`. No lock is taken and nothing is
//! allocated; a second panic meanwhile ends it at once.

mod exception;
mod symbol;

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::Ordering::{AcqRel, Acquire};
use core::sync::atomic::{AtomicBool, AtomicUsize};

use crate::arch::cpu::MAX_CPUS;
use crate::arch::trap::{self, TrapFrame};
use crate::arch::{backtrace, cpu, image, irq, psci, smp, thread};
use crate::drivers::console;
use crate::log::Raw;
use crate::sync::Hook;
use crate::trace;

pub use symbol::Symbol;

/// Events of each CPU that a panic shows.
const EVENTS: usize = 12;
const NOBODY: usize = usize::MAX;

/// The CPU that panics.
static OWNER: AtomicUsize = AtomicUsize::new(NOBODY);
/// A panic went wrong already.
static IS_SECOND: AtomicBool = AtomicBool::new(false);
/// The function that tells which task runs on this CPU; nothing until there
/// are tasks. It must not lock, allocate or panic.
pub static DESCRIBE_TASK: Hook<DescribeTask> = Hook::new();

/// A function that writes the name and number of the current task.
pub type DescribeTask = fn(&mut dyn Write) -> fmt::Result;

/// One line that says why there is no way on, and the machine stops.
pub fn refuse(why: impl fmt::Display) -> ! {
    console::ensure();
    console::send_waiting();
    // The line bypasses the log: `quiet` must not hide it.
    let _ = writeln!(Raw, "Firn cannot boot: {why}");
    console::flush();
    psci::system_off()
}

/// Nothing answered at `address`. As long as the kernel boots, the device tree
/// is to blame.
fn no_device(frame: &TrapFrame, address: u64) -> ! {
    let message = format_args!("no device answers at {address:#x}");
    if DESCRIBE_TASK.get().is_some() {
        die(frame, message);
    }
    if OWNER.swap(cpu::id(), AcqRel) != NOBODY {
        // Then it is the console that does not answer.
        if IS_SECOND.swap(true, AcqRel) {
            psci::system_off();
        }
        console::replace();
    }
    refuse(message)
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
        Err(owner) if owner == own => die_again(message),
        Err(_) => {
            cpu::set_stopped();
            cpu::stop();
        }
    }
    console::ensure();
    // Whatever a stopped CPU was printing is cut off there.
    smp::stop_all_others();
    console::send_waiting();
    // A failing console must not keep the machine from going off.
    let _ = report(frame, message);
    console::flush();
    psci::system_off()
}

/// The panic itself went wrong. If the console was to blame, the board may be
/// known to have another.
fn die_again(message: fmt::Arguments<'_>) -> ! {
    if !IS_SECOND.swap(true, AcqRel) {
        console::replace();
        let _ = writeln!(Raw, "kernel panic: while in panic: {message}");
        console::flush();
    }
    psci::system_off()
}

fn report(frame: &TrapFrame, message: fmt::Arguments<'_>) -> fmt::Result {
    let out = &mut Raw;
    writeln!(out, "\nkernel panic: {message}")?;
    write!(out, "CPU {} of {}, ", cpu::id(), smp::count())?;
    task(out)?;
    writeln!(out)?;
    registers(out, frame)?;
    back_trace(out, frame)?;
    for cpu in 0..MAX_CPUS {
        events(out, cpu)?;
    }
    Ok(())
}

fn task(out: &mut Raw) -> fmt::Result {
    match DESCRIBE_TASK.get().filter(|_| thread::has_current()) {
        Some(describe) => describe(out),
        None => out.write_str("no task yet"),
    }
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

/// Writes the back trace of code that was stopped with these registers.
fn back_trace(out: &mut Raw, frame: &TrapFrame) -> fmt::Result {
    writeln!(out, "back trace:")?;
    writeln!(out, "  {}", Symbol(frame.pc as usize))?;
    // A function that has not made its frame record yet is missing from
    // the records; its caller is in x30, which may also be stale.
    let link = frame.x[30] as usize;
    if link != frame.pc as usize && image::text().contains(&link) {
        writeln!(out, "  {} (x30)", Symbol(link))?;
    }
    for address in backtrace::walk(frame.x[29] as usize) {
        writeln!(out, "  {}", Symbol(address))?;
    }
    Ok(())
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
