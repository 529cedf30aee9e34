//! PL031: Arm's real-time clock, with an alarm.
//!
//! It counts seconds since 1970. The alarm raises the interrupt when the
//! count reaches the match value; `/sys/class/rtc/rtc0/wakealarm` sets it.
//!
//! Arm DDI 0224 (PrimeCell Real Time Clock PL031).

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_core::device_tree::Device;
use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::register_structs;
use tock_registers::registers::{ReadOnly, ReadWrite, WriteOnly};

use crate::arch::{gic, mmu};
use crate::sync::{Hook, IrqSpinLock, Rank};

register_structs! {
    Registers {
        (0x00 => data: ReadOnly<u32>),
        (0x04 => alarm: ReadWrite<u32>),
        (0x08 => load: ReadWrite<u32>),
        (0x0c => control: ReadWrite<u32>),
        (0x10 => interrupt_mask: ReadWrite<u32>),
        (0x14 => raw_interrupt: ReadOnly<u32>),
        (0x18 => masked_interrupt: ReadOnly<u32>),
        (0x1c => interrupt_clear: WriteOnly<u32>),
        (0x20 => @END),
    }
}

/// Bytes of registers to map.
const SIZE: usize = 0x1000;

/// Virtual address of the registers; 0 while there is no clock.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// The function to call when the alarm goes off, in interrupt context.
pub static ALARM_HANDLER: Hook<fn()> = Hook::new();
/// Seconds of the pending alarm; 0 for none.
static ALARM: AtomicUsize = AtomicUsize::new(0);
/// Held while the alarm is set, taken back, or goes off.
static CHANGES: IrqSpinLock<()> = IrqSpinLock::with_rank(Rank::Device, ());

fn registers() -> Option<&'static Registers> {
    let base = BASE.load(Acquire) as *const Registers;
    // SAFETY: `attach` stores only addresses of mapped PL031 registers,
    // which stay mapped for ever (arch::mmu).
    unsafe { base.as_ref() }
}

/// Uses a PL031, by the word of the device tree.
pub fn attach(clock: Device) {
    let Some(base) = mmu::map_device(clock.registers.start, SIZE) else {
        return;
    };
    BASE.store(base, Release);
    cancel_alarm();
    if let Some(interrupt) = clock.interrupt {
        gic::register(interrupt, on_interrupt);
        gic::enable(interrupt, 0);
    }
}

/// Seconds since 1970, or `None` without a clock.
pub fn read_seconds() -> Option<u64> {
    Some(u64::from(registers()?.data.get()))
}

/// Sets the alarm to a time in seconds since 1970, in the future and within
/// 32 bits. False if there is no clock or it cannot do that.
#[must_use]
pub fn set_alarm(seconds: u64) -> bool {
    let Some(clock) = registers() else { return false };
    let Ok(value) = u32::try_from(seconds) else { return false };
    let _changes = CHANGES.lock();
    if value <= clock.data.get() {
        return false;
    }
    clock.interrupt_clear.set(1);
    clock.alarm.set(value);
    ALARM.store(seconds as usize, Relaxed);
    clock.interrupt_mask.set(1);
    true
}

/// The time of the pending alarm, in seconds since 1970.
pub fn alarm() -> Option<u64> {
    match ALARM.load(Relaxed) {
        0 => None,
        seconds => Some(seconds as u64),
    }
}

/// Takes the alarm back.
pub fn cancel_alarm() {
    if let Some(clock) = registers() {
        let _changes = CHANGES.lock();
        clock.interrupt_mask.set(0);
        clock.interrupt_clear.set(1);
        ALARM.store(0, Relaxed);
    }
}

/// The alarm is there until its handler has been called: whoever finds none
/// finds what the handler has done.
fn on_interrupt(_interrupt: u32) {
    let Some(clock) = registers() else { return };
    let fired = {
        let _changes = CHANGES.lock();
        let set = ALARM.load(Relaxed);
        let is_due = set != 0 && set <= clock.data.get() as usize;
        if is_due {
            clock.interrupt_mask.set(0);
        }
        clock.interrupt_clear.set(1);
        if !is_due {
            // It has been taken back since, or another has been set.
            return;
        }
        set
    };
    if let Some(handler) = ALARM_HANDLER.get() {
        handler();
    }
    let _changes = CHANGES.lock();
    // Another alarm may have been set meanwhile; it stays.
    let _ = ALARM.compare_exchange(fired, 0, Relaxed, Relaxed);
}
