//! Time: the virtual counter as clock, the virtual timer as alarm.
//!
//! The counter is 56 bits or more, the same on all CPUs, and never stops.
//! Ticks and nanoseconds are converted by one 128-bit multiplication and a
//! shift, exact to a few nanoseconds in a century; there is no division on
//! any path. The timer of each CPU fires once, when the counter reaches its
//! compare value, and its interrupt stays raised until it is set anew or
//! cancelled.
//!
//! Arm ARM D11.

use core::arch::asm;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use aarch64_cpu::registers::{
    CNTFRQ_EL0, CNTV_CTL_EL0, CNTV_CVAL_EL0, Readable, Writeable,
};

use super::{cpu, gic, irq};

const NANOSECONDS: u64 = 1_000_000_000;
const ENABLE: u64 = 1;
/// How late the timer's first interrupt may be: a busy host stops machines.
const TIMEOUT_NS: u64 = NANOSECONDS;

/// Nanoseconds per tick and ticks per nanosecond, times 2^32.
static NS_PER_TICK: AtomicU64 = AtomicU64::new(0);
static TICKS_PER_NS: AtomicU64 = AtomicU64::new(0);
/// Counter value at entry to the kernel: time zero.
static ENTRY: AtomicU64 = AtomicU64::new(0);
/// Interrupt of the virtual timer, as the device tree says.
static INTERRUPT: AtomicU32 = AtomicU32::new(27);

/// Prepares the clock; `entry` is the counter at the first instruction.
/// False if firmware left no frequency.
#[must_use]
pub(super) fn init_clock(entry: u64) -> bool {
    let frequency = frequency();
    if frequency == 0 {
        return false;
    }
    ENTRY.store(entry, Relaxed);
    NS_PER_TICK.store((NANOSECONDS << 32) / frequency, Relaxed);
    // The quotient is rounded up: an alarm may be late by a tick, never early.
    let ticks = (frequency << 32).div_ceil(NANOSECONDS);
    TICKS_PER_NS.store(ticks, Relaxed);
    true
}

/// Notes which interrupt the timer raises.
pub fn set_interrupt(interrupt: u32) {
    INTERRUPT.store(interrupt, Relaxed);
}

/// The interrupt that the timer of each CPU raises, for `gic::register`.
pub fn interrupt() -> u32 {
    INTERRUPT.load(Relaxed)
}

/// The interrupt of [`works`] has come.
static HAS_FIRED: AtomicBool = AtomicBool::new(false);

/// Whether the timer's interrupt comes at all: a wrong device tree would
/// otherwise give a machine that sleeps for ever. For the CPU that boots,
/// interrupts masked, before somebody else handles the interrupt.
#[must_use]
pub fn works() -> bool {
    gic::register(interrupt(), |_| {
        cancel();
        HAS_FIRED.store(true, Relaxed);
    });
    gic::enable(interrupt(), cpu::id());
    let start = now_ns();
    set_deadline_ns(start);
    irq::enable();
    while !HAS_FIRED.load(Relaxed) && now_ns() < start + TIMEOUT_NS {
        cpu::relax();
    }
    irq::disable();
    cancel();
    HAS_FIRED.load(Relaxed)
}

/// Ticks per second.
pub fn frequency() -> u64 {
    CNTFRQ_EL0.get()
}

/// The counter itself.
#[inline(always)]
pub fn ticks() -> u64 {
    let ticks;
    // SAFETY: reads a counter; the barrier keeps the read from being done
    // before earlier instructions.
    unsafe {
        asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks,
            options(nostack, preserves_flags));
    }
    ticks
}

/// Nanoseconds since the kernel was entered. Never goes back, the same on
/// all CPUs.
#[inline]
pub fn now_ns() -> u64 {
    to_ns(ticks())
}

/// A value of [`ticks`] on the scale of [`now_ns`].
#[inline]
pub fn to_ns(ticks: u64) -> u64 {
    let ticks = ticks.wrapping_sub(ENTRY.load(Relaxed));
    scale(ticks, NS_PER_TICK.load(Relaxed))
}

/// Makes this CPU's timer fire when [`now_ns`] reaches `deadline`; at once
/// if it has. Replaces an earlier deadline.
#[inline]
pub fn set_deadline_ns(deadline: u64) {
    // A deadline beyond 2^63 ns is none; clamped, the sums cannot overflow.
    let deadline = deadline.min(1 << 63);
    let ticks = scale(deadline, TICKS_PER_NS.load(Relaxed)) + 1;
    CNTV_CVAL_EL0.set(ENTRY.load(Relaxed).saturating_add(ticks));
    CNTV_CTL_EL0.set(ENABLE);
}

/// Keeps this CPU's timer from firing, and ends its interrupt.
#[inline]
pub fn cancel() {
    CNTV_CTL_EL0.set(0);
}

/// `value * factor / 2^32`.
#[inline(always)]
fn scale(value: u64, factor: u64) -> u64 {
    ((u128::from(value) * u128::from(factor)) >> 32) as u64
}
