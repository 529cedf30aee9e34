//! The CPU this code runs on: its number, its features, its hints.

use core::arch::asm;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use aarch64_cpu::registers::{
    CNTFRQ_EL0, CNTKCTL_EL1, CPACR_EL1, ID_AA64DFR0_EL1, ID_AA64MMFR0_EL1,
    ID_AA64MMFR1_EL1, MDSCR_EL1, MIDR_EL1, MPIDR_EL1, Readable, Writeable,
};

use super::context::{Context, current_context};

mod feature;

pub use feature::all_have;

/// Most CPUs the kernel uses; more in the device tree stay off.
pub const MAX_CPUS: usize = 8;

/// Affinity bits of `MPIDR_EL1`: what the device tree calls a CPU.
pub const AFFINITY_MASK: u64 = 0xff_00ff_ffff;

/// Bit per CPU that runs.
static ONLINE: AtomicU32 = AtomicU32::new(0);
/// `MIDR_EL1` of each CPU that has run.
static MODELS: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];
static HAS_PAN: AtomicBool = AtomicBool::new(false);

/// A hint that this is a spin loop; under QEMU it lets other CPUs run.
#[inline(always)]
pub fn relax() {
    // SAFETY: a hint. No `nomem`: the loop must reload what it waits for.
    unsafe { asm!("yield", options(nostack, preserves_flags)) };
}

/// Sleeps until an interrupt is pending, masked or not.
#[inline(always)]
pub fn wait_for_interrupt() {
    // SAFETY: waits for stores to finish, as Arm advises before `wfi`.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
    // SAFETY: a hint that has no effect on registers or memory.
    unsafe { asm!("wfi", options(nostack, preserves_flags)) };
}

/// This CPU for good: interrupts masked, asleep.
pub fn stop() -> ! {
    super::irq::disable();
    loop {
        wait_for_interrupt();
    }
}

/// What `TPIDR_EL1` points to before a CPU runs its first task: as many
/// zeroes as a [`Context`] may look at, except for the number.
#[repr(C, align(64))]
struct EarlyContext {
    work: AtomicU32,
    cpu: AtomicU32,
    zero: [AtomicU32; 62],
}

const _: () = assert!(size_of::<Context>() <= size_of::<EarlyContext>());

static EARLY_CONTEXTS: [EarlyContext; MAX_CPUS] = [const {
    EarlyContext {
        work: AtomicU32::new(0),
        cpu: AtomicU32::new(0),
        zero: [const { AtomicU32::new(0) }; 62],
    }
}; MAX_CPUS];

/// The number of this CPU, 0 for the one that booted.
#[inline(always)]
pub fn id() -> usize {
    current_context().cpu.load(Relaxed) as usize
}

/// Makes [`id`] work on this CPU and sets its registers that do not depend
/// on the rest of the kernel.
pub(super) fn init(cpu: usize) {
    MODELS[cpu].store(model(), Relaxed);
    feature::note();
    let context = &EARLY_CONTEXTS[cpu];
    context.cpu.store(cpu as u32, Relaxed);
    debug_assert!(context.zero[0].load(Relaxed) == 0);
    debug_assert!(context.work.load(Relaxed) == 0);
    let address = core::ptr::from_ref(context).addr();
    // SAFETY: the register is the kernel's; the context is a static with
    // the layout that `Context` begins with.
    unsafe {
        asm!("msr tpidr_el1, {}", in(reg) address,
            options(nostack, preserves_flags));
    }
    // Floating point works at EL0 and for saving it; the kernel itself is
    // compiled without.
    CPACR_EL1.set(0b11 << 20);
    // User programs may read the virtual counter, nothing else of timers;
    // their `wfe` ends with the next event of its stream.
    const READS_COUNTER: u64 = 1 << 1;
    const HAS_EVENTS: u64 = 1 << 2;
    const BIT_SHIFT: u32 = 4;
    let bit = event_bit();
    CNTKCTL_EL1.set(READS_COUNTER | HAS_EVENTS | bit << BIT_SHIFT);
    MDSCR_EL1.set(0);
    if ID_AA64MMFR1_EL1.read(ID_AA64MMFR1_EL1::PAN) != 0 {
        enable_pan();
    }
    if matches!(ID_AA64DFR0_EL1.read(ID_AA64DFR0_EL1::PMUVer), 1..15) {
        // SAFETY: the register exists; no counter is open to user mode.
        unsafe { asm!("msr pmuserenr_el0, xzr", options(nomem, nostack)) };
    }
    // SAFETY: makes the writes above hold for the next instruction.
    unsafe { asm!("isb", options(nostack)) };
}

/// The bit of the counter that makes an event each time it becomes 1: about
/// 10,000 times a second, as on Linux.
fn event_bit() -> u64 {
    const EVENTS_PER_S: u64 = 10_000;
    let periods = (CNTFRQ_EL0.get() / EVENTS_PER_S).max(2);
    u64::from(periods.ilog2() - 1).min(15)
}

/// Privileged access never: user memory is out of reach but for copies.
fn enable_pan() {
    HAS_PAN.store(true, Relaxed);
    // SAFETY: `msr pan, #1` by its encoding; the CPU has PAN. Only user
    // copies (mm/user) reach user memory, and they clear it themselves.
    unsafe { asm!(".inst 0xd500419f", options(nomem, nostack)) };
}

/// Whether the CPUs have PAN, so that user copies must lift it.
#[inline(always)]
pub fn has_pan() -> bool {
    HAS_PAN.load(Relaxed)
}

/// Bits of an address space identifier: 8 or 16.
pub fn asid_bits() -> u32 {
    let field = ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::ASIDBits);
    if field == 2 { 16 } else { 8 }
}

/// Bits of a physical address that this kernel uses of those the CPU has.
pub(super) fn physical_bits() -> u32 {
    const BITS: [u32; 6] = [32, 36, 40, 42, 44, 48];
    let range = ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::PARange);
    BITS.get(range as usize).copied().unwrap_or(48)
}

/// The cache type register, `CTR_EL0`.
fn read_ctr() -> u64 {
    let value: u64;
    // SAFETY: an identification register; reading has no effect.
    unsafe {
        asm!("mrs {}, ctr_el0", out(reg) value,
            options(nomem, nostack, preserves_flags));
    }
    value
}

/// Bytes of the smallest data and instruction cache lines.
pub fn cache_lines() -> (usize, usize) {
    let value = read_ctr();
    (4 << (value >> 16 & 0xf), 4 << (value & 0xf))
}

/// Whether the instruction cache finds lines by virtual address, so that one
/// frame may be cached under several (`CTR_EL0.L1Ip` is not PIPT).
pub fn has_instruction_aliases() -> bool {
    read_ctr() >> 14 & 0b11 != 0b11
}

/// The affinity of this CPU, as the device tree and PSCI name it.
pub fn affinity() -> u64 {
    MPIDR_EL1.get() & AFFINITY_MASK
}

/// Implementer, part and revision (`MIDR_EL1`) of this CPU.
pub fn model() -> u64 {
    MIDR_EL1.get()
}

/// [`model`] of any CPU; 0 if it never ran. CPUs may differ.
pub fn model_of(cpu: usize) -> u64 {
    MODELS.get(cpu).map_or(0, |model| model.load(Relaxed))
}

/// Says that `cpu` runs.
pub fn set_online(cpu: usize) {
    ONLINE.fetch_or(1 << cpu, Release);
}

/// Says that this CPU is about to stop for good.
pub fn set_stopped() {
    ONLINE.fetch_and(!(1 << id()), Release);
}

/// Bit per CPU that runs.
#[inline]
pub fn online_mask() -> u32 {
    ONLINE.load(Acquire)
}

/// Number of CPUs that run.
#[inline]
pub fn online_count() -> usize {
    online_mask().count_ones() as usize
}
