//! GICv2: everything through memory-mapped registers.
//!
//! Interrupts stay in the group that firmware put them in. Without the
//! security extensions that is group 0, signalled as IRQ, and bit 0 of the
//! control registers enables it; with them, non-secure software sees group 1
//! alone, and the same bit enables that.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::device_tree::Span;
use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::register_structs;
use tock_registers::registers::{ReadOnly, ReadWrite, WriteOnly};

use super::base::{self, GicError, PRIORITY, SPECIAL};
use crate::arch::{cpu::MAX_CPUS, mmu};

register_structs! {
    Distributor {
        (0x000 => control: ReadWrite<u32>),
        (0x004 => kind: ReadOnly<u32>),
        (0x008 => _reserved0),
        (0x100 => set_enable: [ReadWrite<u32>; 32]),
        (0x180 => clear_enable: [ReadWrite<u32>; 32]),
        (0x200 => _reserved1),
        (0x280 => clear_pending: [ReadWrite<u32>; 32]),
        (0x300 => _reserved2),
        (0x400 => priority: [ReadWrite<u8>; 1024]),
        (0x800 => target: [ReadWrite<u8>; 1024]),
        (0xc00 => _reserved3),
        (0xf00 => software: WriteOnly<u32>),
        (0xf04 => @END),
    }
}

register_structs! {
    CpuInterface {
        (0x00 => control: ReadWrite<u32>),
        (0x04 => priority_mask: ReadWrite<u32>),
        (0x08 => binary_point: ReadWrite<u32>),
        (0x0c => acknowledge: ReadOnly<u32>),
        (0x10 => end: WriteOnly<u32>),
        (0x14 => @END),
    }
}

static DISTRIBUTOR: AtomicUsize = AtomicUsize::new(0);
static CPU_INTERFACE: AtomicUsize = AtomicUsize::new(0);
/// The bit by which the controller knows each CPU.
static TARGETS: [AtomicUsize; MAX_CPUS] =
    [const { AtomicUsize::new(0) }; MAX_CPUS];

fn distributor() -> &'static Distributor {
    // SAFETY: called only after `init` stored the address of the mapped
    // registers, which stay mapped for ever.
    unsafe { &*(DISTRIBUTOR.load(Relaxed) as *const Distributor) }
}

fn cpu_interface() -> &'static CpuInterface {
    // SAFETY: as in `distributor`.
    unsafe { &*(CPU_INTERFACE.load(Relaxed) as *const CpuInterface) }
}

pub fn init(registers: Span, interface: Span) -> Result<(), GicError> {
    let map = |range: Span| {
        mmu::map_device(range.start, 0x1000).ok_or(GicError::NotMapped)
    };
    DISTRIBUTOR.store(map(registers)?, Relaxed);
    CPU_INTERFACE.store(map(interface)?, Relaxed);
    let distributor = distributor();
    distributor.control.set(0);
    let lines = 32 * ((distributor.kind.get() as usize & 0x1f) + 1);
    for interrupt in 32..lines.min(SPECIAL as usize) {
        distributor.priority[interrupt].set(PRIORITY);
    }
    for word in 1..lines / 32 {
        distributor.clear_enable[word].set(!0);
        distributor.clear_pending[word].set(!0);
    }
    distributor.control.set(1);
    Ok(())
}

pub fn init_cpu(cpu: usize) -> Result<(), GicError> {
    let distributor = distributor();
    // The first eight bytes are read-only and name the reader. A controller
    // for one CPU reads as zero.
    let target = distributor.target[0].get().max(1);
    TARGETS[cpu].store(usize::from(target), Relaxed);
    distributor.clear_enable[0].set(0xffff_0000);
    distributor.set_enable[0].set(0xff);
    for interrupt in 0..32 {
        distributor.priority[interrupt].set(PRIORITY);
    }
    let interface = cpu_interface();
    interface.priority_mask.set(0xff);
    interface.binary_point.set(0);
    interface.control.set(1);
    Ok(())
}

pub fn enable(interrupt: u32, cpu: usize) {
    let distributor = distributor();
    let index = interrupt as usize;
    if index >= 32 {
        let target = TARGETS[cpu].load(Relaxed) as u8;
        distributor.target[index].set(target);
    }
    distributor.set_enable[index / 32].set(1 << (index % 32));
}

pub fn disable(interrupt: u32) {
    let index = interrupt as usize;
    distributor().clear_enable[index / 32].set(1 << (index % 32));
}

pub fn hand_over(from: usize, to: usize) {
    let distributor = distributor();
    let [old, new] = [from, to].map(|cpu| TARGETS[cpu].load(Relaxed) as u8);
    let lines = 32 * ((distributor.kind.get() as usize & 0x1f) + 1);
    for index in 32..lines.min(SPECIAL as usize) {
        let word = distributor.set_enable[index / 32].get();
        let target = &distributor.target[index];
        if word & 1 << (index % 32) != 0 && target.get() == old {
            target.set(new);
        }
    }
}

pub fn leave_cpu() {
    cpu_interface().control.set(0);
    distributor().clear_enable[0].set(0xffff_0000);
}

#[inline(always)]
pub fn send(cpu: usize, interrupt: u32) {
    let target = TARGETS[cpu].load(Relaxed) as u32;
    base::publish();
    distributor().software.set(target << 16 | interrupt);
}

#[inline(always)]
pub fn acknowledge() -> u32 {
    cpu_interface().acknowledge.get()
}

#[inline(always)]
pub fn end(interrupt: u32) {
    cpu_interface().end.set(interrupt);
}
