//! Interrupts: one face for GICv2 and GICv3.
//!
//! Interrupt numbers (INTIDs) are the manual's: 0 to 15 are sent by software
//! from CPU to CPU (SGI; 0 to 7 are ours, firmware may own the rest), 16 to
//! 31 belong to each CPU (PPI: its timer), from 32 on they are shared (SPI)
//! and go to one CPU. Every interrupt has the same priority: handlers run
//! masked, so there is nothing to preempt.
//!
//! Why our own driver: `kernel/decisions/0002-interrupt-controller.md`.
//! Arm IHI 0048 (GICv2), IHI 0069 (GICv3). Read next: `gic/v3.rs`.

mod base;
mod v2;
mod v3;

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicUsize};

use kernel_core::device_tree::Gic;

use super::cpu::{self, MAX_CPUS};
use crate::sync::rank;
use base::SPECIAL;

pub use base::GicError;

/// What one CPU tells another, by the SGI it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Ipi {
    /// Look at the run queue and the work flags.
    Reschedule = 0,
    /// Stop for good: another CPU panics or powers off.
    Stop = 1,
    /// Look at the timers: those of a CPU that went off are yours now.
    Timers = 2,
}

/// Which controller there is; written once at boot.
static VERSION: AtomicUsize = AtomicUsize::new(0);

/// Functions by INTID, as addresses; 0 where there is none.
static HANDLERS: [AtomicUsize; SPECIAL as usize] =
    [const { AtomicUsize::new(0) }; SPECIAL as usize];

/// INTIDs that are counted: more than the machines we know use.
const COUNTED: usize = 512;

/// Interrupts taken, by CPU and INTID. Each CPU writes its own.
static TAKEN: [[AtomicU32; COUNTED]; MAX_CPUS] =
    [const { [const { AtomicU32::new(0) }; COUNTED] }; MAX_CPUS];

/// How often `cpu` took `interrupt`.
pub fn taken(cpu: usize, interrupt: u32) -> u32 {
    let taken = TAKEN[cpu].get(interrupt as usize);
    taken.map_or(0, |taken| taken.load(Relaxed))
}

/// INTIDs that have a handler, ascending.
pub fn handled() -> impl Iterator<Item = u32> {
    (0..SPECIAL).filter(|it| HANDLERS[*it as usize].load(Relaxed) != 0)
}

/// Maps the controller and prepares what all CPUs share.
///
/// # Errors
/// [`GicError`]
pub fn init(description: &Gic) -> Result<(), GicError> {
    match *description {
        Gic::V2 { distributor, cpu_interface } => {
            v2::init(distributor, cpu_interface)?;
            VERSION.store(2, Release);
        }
        Gic::V3 { distributor, redistributors, stride } => {
            v3::init(distributor, &redistributors, stride)?;
            VERSION.store(3, Release);
        }
    }
    register(Ipi::Stop as u32, on_stop);
    Ok(())
}

/// Prepares what this CPU has of its own, and enables its SGIs.
///
/// # Errors
/// [`GicError`]
pub fn init_cpu(cpu: usize) -> Result<(), GicError> {
    if is_v3() { v3::init_cpu(cpu) } else { v2::init_cpu(cpu) }
}

#[inline(always)]
fn is_v3() -> bool {
    VERSION.load(Relaxed) == 3
}

/// The version of the controller, 2 or 3.
pub fn version() -> usize {
    VERSION.load(Relaxed)
}

/// Makes `handler` the function for an interrupt. It runs with interrupts
/// masked and must not sleep.
///
/// # Panics
/// If `interrupt` is no INTID a device can have.
pub fn register(interrupt: u32, handler: fn(u32)) {
    HANDLERS[interrupt as usize].store(handler as usize, Release);
}

/// Lets an interrupt through: to `cpu` for a shared one, on this CPU for
/// its own.
pub fn enable(interrupt: u32, cpu: usize) {
    if is_v3() {
        v3::enable(interrupt, cpu);
    } else {
        v2::enable(interrupt, cpu);
    }
}

/// Holds an interrupt back; undoes [`enable`].
pub fn disable(interrupt: u32) {
    if is_v3() {
        v3::disable(interrupt);
    } else {
        v2::disable(interrupt);
    }
}

/// Sends the shared interrupts that go to `from`, which is about to go off,
/// to `to`. One that is pending is not lost: it is the controller that holds
/// it.
pub fn hand_over(from: usize, to: usize) {
    if is_v3() {
        v3::hand_over(from, to);
    } else {
        v2::hand_over(from, to);
    }
}

/// Lets no interrupt come to this CPU any more: it goes off.
pub fn leave_cpu() {
    if is_v3() {
        v3::leave_cpu();
    } else {
        v2::leave_cpu();
    }
}

/// Interrupts `cpu`. What the caller stored before is seen by the handler.
#[inline]
pub fn send_ipi(cpu: usize, ipi: Ipi) {
    send_software(cpu, ipi as u32);
}

/// Sends `cpu` the software interrupt with this number.
#[inline(always)]
pub(super) fn send_software(cpu: usize, interrupt: u32) {
    if is_v3() {
        v3::send(cpu, interrupt);
    } else {
        v2::send(cpu, interrupt);
    }
}

/// Takes the pending interrupt, runs its handler, and ends it.
#[inline]
pub(super) fn handle() {
    if is_v3() {
        let interrupt = v3::acknowledge();
        if dispatch(interrupt & 0xff_ffff) {
            v3::end(interrupt);
        }
    } else {
        let interrupt = v2::acknowledge();
        if dispatch(interrupt & 0x3ff) {
            v2::end(interrupt);
        }
    }
}

/// False for a spurious interrupt: it must not be ended.
#[inline(always)]
fn dispatch(interrupt: u32) -> bool {
    let Some(handler) = HANDLERS.get(interrupt as usize) else {
        return false;
    };
    if let Some(taken) = TAKEN[cpu::id()].get(interrupt as usize) {
        taken.store(taken.load(Relaxed).wrapping_add(1), Relaxed);
    }
    let handler = handler.load(Acquire) as *const ();
    if handler.is_null() {
        unhandled(interrupt);
        return true;
    }
    // SAFETY: `register` stores nothing but functions of this type.
    let handler: fn(u32) = unsafe { core::mem::transmute(handler) };
    let held = rank::begin_interrupt();
    handler(interrupt);
    rank::end_interrupt(held);
    true
}

/// An interrupt that nobody asked for would come again at once: disable it.
#[cold]
fn unhandled(interrupt: u32) {
    if interrupt >= 16 {
        disable(interrupt);
    }
    log::warn!("irq {interrupt}: nobody cared, disabled");
}

fn on_stop(_interrupt: u32) {
    cpu::set_stopped();
    cpu::stop();
}
