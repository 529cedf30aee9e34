//! GICv3: a distributor for all, a redistributor and registers per CPU.
//!
//! Only group 1 is used, which works the same with one security state (QEMU)
//! and from the non-secure side of two (EL3 firmware). In the second case
//! the group registers ignore our writes, firmware having put interrupts
//! in group 1, and the controller shifts priorities into its lower half.

use core::arch::asm;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use kernel_core::device_tree::{List, Span};
use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::register_structs;
use tock_registers::registers::{ReadOnly, ReadWrite};

use super::base::{self, GicError, PRIORITY, SPECIAL};
use crate::arch::cpu::{self, MAX_CPUS};
use crate::arch::mmu;

register_structs! {
    Distributor {
        (0x0000 => control: ReadWrite<u32>),
        (0x0004 => kind: ReadOnly<u32>),
        (0x0008 => _reserved0),
        (0x0080 => group: [ReadWrite<u32>; 32]),
        (0x0100 => set_enable: [ReadWrite<u32>; 32]),
        (0x0180 => clear_enable: [ReadWrite<u32>; 32]),
        (0x0200 => _reserved1),
        (0x0280 => clear_pending: [ReadWrite<u32>; 32]),
        (0x0300 => _reserved2),
        (0x0400 => priority: [ReadWrite<u8>; 1024]),
        (0x0800 => _reserved3),
        (0x6000 => route: [ReadWrite<u64>; 1024]),
        (0x8000 => @END),
    }
}

register_structs! {
    Redistributor {
        (0x0000 => control: ReadWrite<u32>),
        (0x0004 => _reserved0),
        (0x0008 => kind: ReadOnly<u64>),
        (0x0010 => _reserved1),
        (0x0014 => waker: ReadWrite<u32>),
        (0x0018 => _reserved2),
        (0x10080 => group: ReadWrite<u32>),
        (0x10084 => _reserved3),
        (0x10100 => set_enable: ReadWrite<u32>),
        (0x10104 => _reserved4),
        (0x10180 => clear_enable: ReadWrite<u32>),
        (0x10184 => _reserved5),
        (0x10280 => clear_pending: ReadWrite<u32>),
        (0x10284 => _reserved6),
        (0x10400 => priority: [ReadWrite<u8>; 32]),
        (0x10420 => _reserved7),
        (0x20000 => @END),
    }
}

/// Distributor control: affinity routing, group 1.
const ROUTE_BY_AFFINITY: u32 = 1 << 4;
const ENABLE_GROUP1: u32 = 1 << 1;
/// A register write has not reached the whole controller yet.
const WRITE_PENDING: u32 = 1 << 31;
const REDISTRIBUTOR_WRITE_PENDING: u32 = 1 << 3;
/// Redistributor waker: we may sleep; it does sleep.
const PROCESSOR_SLEEP: u32 = 1 << 1;
const CHILDREN_ASLEEP: u32 = 1 << 2;
/// Redistributor kind: two more frames follow; last of its region.
const HAS_VIRTUAL: u64 = 1 << 1;
const IS_LAST: u64 = 1 << 4;
/// Most of one region that is mapped: eight CPUs with four frames each.
const REGION_LIMIT: u64 = (MAX_CPUS as u64) << 18;
/// How often a bit is polled before the hardware counts as dead.
const PATIENCE: usize = 1_000_000;
const REGIONS: usize = 4;

static DISTRIBUTOR: AtomicUsize = AtomicUsize::new(0);
/// Virtual address and size of the redistributor regions.
static REGION: [(AtomicUsize, AtomicUsize); REGIONS] =
    [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; REGIONS];
/// Bytes from one redistributor to the next by the device tree, or 0.
static STRIDE: AtomicUsize = AtomicUsize::new(0);
/// Virtual address of each CPU's redistributor.
static REDISTRIBUTOR: [AtomicUsize; MAX_CPUS] =
    [const { AtomicUsize::new(0) }; MAX_CPUS];
/// Each CPU's affinity as `ICC_SGI1R_EL1` wants it, its target bit set.
static TARGET: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];
/// Each CPU's affinity as `GICD_IROUTER` wants it.
static ROUTE: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];

fn distributor() -> &'static Distributor {
    // SAFETY: called only after `init` stored the address of the mapped
    // registers, which stay mapped for ever.
    unsafe { &*(DISTRIBUTOR.load(Relaxed) as *const Distributor) }
}

/// The redistributor whose registers are mapped at `base`.
///
/// # Safety
/// `base` must be one, mapped for ever.
unsafe fn redistributor_at(base: usize) -> &'static Redistributor {
    // SAFETY: the caller says so.
    unsafe { &*(base as *const Redistributor) }
}

/// This CPU's redistributor.
fn own() -> &'static Redistributor {
    let base = REDISTRIBUTOR[cpu::id()].load(Relaxed);
    // SAFETY: `init_cpu` found it there before anybody asks.
    unsafe { redistributor_at(base) }
}

pub fn init(
    registers: Span,
    regions: &List<Span, REGIONS>,
    stride: Option<u64>,
) -> Result<(), GicError> {
    let map = |start, size: u64| {
        mmu::map_device(start, size as usize).ok_or(GicError::NotMapped)
    };
    DISTRIBUTOR.store(map(registers.start, 0x10000)?, Relaxed);
    STRIDE.store(stride.unwrap_or(0) as usize, Relaxed);
    for (slot, region) in REGION.iter().zip(regions.iter()) {
        let size = region.size.min(REGION_LIMIT);
        slot.0.store(map(region.start, size)?, Relaxed);
        slot.1.store(size as usize, Relaxed);
    }
    let distributor = distributor();
    distributor.control.set(0);
    wait_distributor()?;
    let lines = 32 * ((distributor.kind.get() as usize & 0x1f) + 1);
    for interrupt in 32..lines.min(SPECIAL as usize) {
        distributor.priority[interrupt].set(PRIORITY);
    }
    for word in 1..lines / 32 {
        distributor.clear_enable[word].set(!0);
        distributor.clear_pending[word].set(!0);
        distributor.group[word].set(!0);
    }
    wait_distributor()?;
    distributor.control.set(ROUTE_BY_AFFINITY);
    wait_distributor()?;
    distributor.control.set(ROUTE_BY_AFFINITY | ENABLE_GROUP1);
    wait_distributor()
}

fn wait_distributor() -> Result<(), GicError> {
    wait(|| distributor().control.get() & WRITE_PENDING == 0)
}

fn wait(done: impl Fn() -> bool) -> Result<(), GicError> {
    for _ in 0..PATIENCE {
        if done() {
            return Ok(());
        }
        cpu::relax();
    }
    Err(GicError::NotThere)
}

pub fn init_cpu(cpu: usize) -> Result<(), GicError> {
    let affinity = cpu::affinity();
    let base = find(affinity).ok_or(GicError::NoRedistributor(affinity))?;
    REDISTRIBUTOR[cpu].store(base, Relaxed);
    ROUTE[cpu].store(affinity, Relaxed);
    TARGET[cpu].store(sgi_target(affinity), Relaxed);

    // SAFETY: `find` returns addresses of mapped redistributors only.
    let redistributor = unsafe { redistributor_at(base) };
    let waker = redistributor.waker.get();
    redistributor.waker.set(waker & !PROCESSOR_SLEEP);
    wait(|| redistributor.waker.get() & CHILDREN_ASLEEP == 0)?;
    redistributor.clear_enable.set(!0);
    // Interrupts that were sent while the CPU was off are dropped.
    redistributor.clear_pending.set(!0);
    redistributor.group.set(!0);
    for priority in &redistributor.priority {
        priority.set(PRIORITY);
    }
    redistributor.set_enable.set(0xff);
    wait(|| redistributor.control.get() & REDISTRIBUTOR_WRITE_PENDING == 0)?;
    init_registers()
}

/// The affinity's SGI target: its three upper bytes, and which of the
/// sixteen cores below them.
fn sgi_target(affinity: u64) -> u64 {
    let byte = |shift: u32| affinity >> shift & 0xff;
    let selector = byte(0) >> 4;
    byte(32) << 48
        | selector << 44
        | byte(16) << 32
        | byte(8) << 16
        | 1 << (byte(0) & 0xf)
}

/// Walks the regions for the redistributor of a CPU.
fn find(affinity: u64) -> Option<usize> {
    REGION.iter().find_map(|(base, size)| {
        let size = size.load(Relaxed);
        let mut frame = base.load(Relaxed);
        let end = frame + size;
        while frame + size_of::<Redistributor>() <= end {
            // SAFETY: frames follow each other through the mapped region.
            let kind = unsafe { redistributor_at(frame) }.kind.get();
            let upper = kind >> 32;
            let own = (affinity >> 32) << 24 | affinity & 0xff_ffff;
            if upper == own {
                return Some(frame);
            }
            if kind & IS_LAST != 0 {
                return None;
            }
            frame += stride(kind);
        }
        None
    })
}

/// Bytes from a redistributor of this kind to the next.
fn stride(kind: u64) -> usize {
    match STRIDE.load(Relaxed) {
        0 if kind & HAS_VIRTUAL != 0 => 0x40000,
        0 => 0x20000,
        stride => stride,
    }
}

macro_rules! system_registers {
    ($($(#[$doc:meta])* $name:ident = $encoding:literal;)*) => {
        $($(#[$doc])*
        #[inline(always)]
        fn $name(value: u64) {
            // SAFETY: a register of this CPU's interrupt interface; what
            // is written here only masks, enables or ends interrupts.
            unsafe {
                asm!(concat!("msr ", $encoding, ", {}"), in(reg) value,
                    options(nostack, preserves_flags));
            }
        })*
    };
}

system_registers! {
    /// `ICC_SRE_EL1`: bit 0, system registers instead of memory.
    write_sre = "s3_0_c12_c12_5";
    /// `ICC_PMR_EL1`: interrupts of a lower number than this pass.
    write_priority_mask = "s3_0_c4_c6_0";
    /// `ICC_BPR1_EL1`: how priorities split for preemption.
    write_binary_point = "s3_0_c12_c12_3";
    /// `ICC_CTLR_EL1`: 0, ending an interrupt also deactivates it.
    write_control = "s3_0_c12_c12_4";
    /// `ICC_IGRPEN1_EL1`: bit 0, group 1 is signalled.
    write_group1_enable = "s3_0_c12_c12_7";
    /// `ICC_EOIR1_EL1`: ends the interrupt with this number.
    write_end = "s3_0_c12_c12_1";
    /// `ICC_SGI1R_EL1`: sends a software interrupt.
    write_software = "s3_0_c12_c11_5";
}

fn init_registers() -> Result<(), GicError> {
    write_sre(1);
    mmu::synchronize();
    let sre: u64;
    // SAFETY: reads back `ICC_SRE_EL1`.
    unsafe {
        asm!("mrs {}, s3_0_c12_c12_5", out(reg) sre,
            options(nomem, nostack, preserves_flags));
    }
    if sre & 1 == 0 {
        return Err(GicError::NotThere);
    }
    write_priority_mask(0xff);
    write_binary_point(0);
    write_control(0);
    write_group1_enable(1);
    mmu::synchronize();
    Ok(())
}

pub fn enable(interrupt: u32, cpu: usize) {
    let index = interrupt as usize;
    if index < 32 {
        own().set_enable.set(1 << index);
        return;
    }
    let distributor = distributor();
    distributor.route[index].set(ROUTE[cpu].load(Relaxed));
    distributor.set_enable[index / 32].set(1 << (index % 32));
}

pub fn disable(interrupt: u32) {
    let index = interrupt as usize;
    if index < 32 {
        own().clear_enable.set(1 << index);
    } else {
        distributor().clear_enable[index / 32].set(1 << (index % 32));
        // The interrupt must not come once the caller goes on.
        let _ = wait_distributor();
    }
}

/// Numbers of the shared interrupts that are let through.
fn enabled(distributor: &Distributor) -> impl Iterator<Item = usize> {
    let lines = 32 * ((distributor.kind.get() as usize & 0x1f) + 1);
    (32..lines.min(SPECIAL as usize)).filter(|index| {
        let word = distributor.set_enable[index / 32].get();
        word & 1 << (index % 32) != 0
    })
}

pub fn hand_over(from: usize, to: usize) {
    let distributor = distributor();
    let [old, new] = [from, to].map(|cpu| ROUTE[cpu].load(Relaxed));
    for index in enabled(distributor) {
        let route = &distributor.route[index];
        if route.get() == old {
            route.set(new);
        }
    }
}

pub fn leave_cpu() {
    write_group1_enable(0);
    mmu::synchronize();
    own().clear_enable.set(!0);
}

#[inline(always)]
pub fn send(cpu: usize, interrupt: u32) {
    let target = TARGET[cpu].load(Relaxed);
    base::publish();
    write_software(target | u64::from(interrupt) << 24);
    // SAFETY: a barrier: the interrupt is sent now, not some time later.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}

#[inline(always)]
pub fn acknowledge() -> u32 {
    let interrupt: u64;
    // SAFETY: `ICC_IAR1_EL1`: takes the pending interrupt, as the caller,
    // the interrupt entry, wants.
    unsafe {
        asm!("mrs {}, s3_0_c12_c12_0", out(reg) interrupt,
            options(nostack, preserves_flags));
    }
    interrupt as u32
}

#[inline(always)]
pub fn end(interrupt: u32) {
    write_end(u64::from(interrupt));
}
