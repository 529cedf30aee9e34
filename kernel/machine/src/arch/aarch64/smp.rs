//! The other CPUs: which there are, and how they start.
//!
//! Number 0 is the CPU that booted, whatever its affinity; the others are
//! numbered in the order of the device tree. [`start`] asks firmware to run
//! `_secondary_start` (boot.s) on one of them; it comes up with the final
//! page tables, on the stack that the caller gave, its interrupts and timer
//! ready but masked, and calls the caller's function.
//!
//! Command line: `nr_cpus=N` uses no more than N of them (Linux's word).

use core::arch::asm;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicUsize};

use aarch64_cpu::registers::{Readable, TTBR1_EL1};
use kernel_abi::Errno;
use kernel_core::device_tree::{Cpu, List};
use kernel_core::schedule::capacity::Scale;
use spin::Once;

use super::cpu::{self, MAX_CPUS};
use super::gic::{self, Ipi};
use super::psci::{self, StartError};
use super::{image, timer, trap};

/// What a starting CPU reads with its caches off; layout known to boot.s.
/// One cache line, so that writing it back moves nothing else.
#[repr(C, align(64))]
struct Start {
    ttbr1: AtomicUsize,
    stack_top: AtomicUsize,
    cpu: AtomicUsize,
    /// Not read by boot.s: an `fn() -> !` as an address.
    entry: AtomicUsize,
}

static STARTS: [Start; MAX_CPUS] = [const {
    Start {
        ttbr1: AtomicUsize::new(0),
        stack_top: AtomicUsize::new(0),
        cpu: AtomicUsize::new(0),
        entry: AtomicUsize::new(0),
    }
}; MAX_CPUS];

static CPUS: Once<List<Cpu, MAX_CPUS>> = Once::new();

/// Each CPU's speed, 1024 for the fastest kind.
static CAPACITIES: [AtomicU32; MAX_CPUS] =
    [const { AtomicU32::new(1024) }; MAX_CPUS];

/// Numbers the CPUs. The one that runs this becomes 0 even if the tree
/// does not know it; of the others the first `most` - 1 are kept, or the first
/// [`MAX_CPUS`] - 1. Their speeds are relative to the fastest that is kept.
pub fn number_cpus(cpus: &List<Cpu, 64>, most: usize) {
    let own = cpu::affinity();
    let mut numbered = List::new();
    let known = cpus.iter().find(|cpu| cpu.affinity == own);
    let first = known.unwrap_or(Cpu { affinity: own, capacity: 1024 });
    let others = cpus.iter().filter(|cpu| cpu.affinity != own);
    for cpu in core::iter::once(first).chain(others).take(most.max(1)) {
        if !numbered.push(cpu) {
            log::warn!("more than {MAX_CPUS} CPUs: the rest stay off");
            break;
        }
    }
    let scale = Scale::new(numbered.iter().map(|cpu| Some(cpu.capacity)));
    for (place, cpu) in CAPACITIES.iter().zip(numbered.iter()) {
        place.store(scale.capacity(Some(cpu.capacity)), Relaxed);
    }
    CPUS.call_once(|| numbered);
}

/// Number of CPUs that the machine has and the kernel can use.
#[inline]
pub fn count() -> usize {
    CPUS.get().map_or(1, List::len)
}

/// The speed of a CPU, 1024 for the fastest kind and where nobody said.
#[inline(always)]
pub fn capacity(cpu: usize) -> u32 {
    CAPACITIES[cpu].load(Relaxed)
}

/// How firmware calls the CPU; `None` if there is no such CPU.
fn affinity(cpu: usize) -> Option<u64> {
    Some(CPUS.get()?.get(cpu)?.affinity)
}

/// Whether firmware says that `cpu` is off.
pub fn is_off(cpu: usize) -> bool {
    affinity(cpu).is_some_and(psci::is_off)
}

/// Whether `cpu` may be turned off.
///
/// # Errors
/// `EOPNOTSUPP` without firmware, `EPERM` if firmware needs this CPU.
pub fn check_off(cpu: usize) -> Result<(), Errno> {
    if !psci::is_present() {
        return Err(Errno::EOPNOTSUPP);
    }
    let affinity = affinity(cpu).ok_or(Errno::EINVAL)?;
    if psci::is_needed(affinity) { Err(Errno::EPERM) } else { Ok(()) }
}

/// Starts `cpu`, which calls `entry` on the stack that ends at `stack_top`
/// with interrupts masked. Returns once it has, or after a second.
///
/// # Errors
/// [`StartError`]: what firmware says against it.
pub fn start(
    cpu: usize,
    stack_top: usize,
    entry: fn() -> !,
) -> Result<(), StartError> {
    request_start(cpu, stack_top, entry)?;
    let end = timer::now_ns() + 1_000_000_000;
    while cpu::online_mask() & 1 << cpu == 0 {
        if timer::now_ns() > end {
            return Err(StartError::TimedOut);
        }
        cpu::relax();
    }
    Ok(())
}

/// As [`start`], without waiting for the CPU.
///
/// # Errors
/// [`StartError`]: what firmware says against it.
pub fn request_start(
    cpu: usize,
    stack_top: usize,
    entry: fn() -> !,
) -> Result<(), StartError> {
    let affinity = affinity(cpu).ok_or(StartError::NoFirmware)?;
    let start = &STARTS[cpu];
    start.ttbr1.store(TTBR1_EL1.get() as usize, Relaxed);
    start.stack_top.store(stack_top, Relaxed);
    start.cpu.store(cpu, Relaxed);
    start.entry.store(entry as usize, Release);
    let address = core::ptr::from_ref(start).addr();
    clean(address);
    let entry = image::to_physical((&raw const _secondary_start).addr());
    psci::cpu_on(affinity, entry, image::to_physical(address))
}

/// Takes part again, on a CPU that was about to go off and did not. False if
/// the interrupt controller will not.
pub fn rejoin(cpu: usize) -> bool {
    if gic::init_cpu(cpu).is_err() {
        return false;
    }
    cpu::set_online(cpu);
    true
}

/// Stops all other CPUs and waits a moment until they say so. For panics
/// and power-off: they never come back.
pub fn stop_all_others() {
    if gic::version() == 0 {
        return;
    }
    let own = cpu::id();
    let others = || cpu::online_mask() & !(1 << own);
    for cpu in (0..MAX_CPUS).filter(|cpu| others() & 1 << cpu != 0) {
        gic::send_ipi(cpu, Ipi::Stop);
    }
    let end = timer::now_ns() + 100_000_000;
    while others() != 0 && timer::now_ns() < end {
        cpu::relax();
    }
}

unsafe extern "C" {
    static _secondary_start: u8;
}

/// Writes the cache line at `address` to memory.
fn clean(address: usize) {
    // SAFETY: cleaning a line changes nothing a program can see.
    unsafe { asm!("dc cvac, {}", "dsb sy", in(reg) address) };
}

/// The first Rust on another CPU; boot.s gives its number.
#[unsafe(no_mangle)]
extern "C" fn secondary_start(cpu: usize) -> ! {
    cpu::init(cpu);
    trap::init_cpu();
    if let Err(error) = gic::init_cpu(cpu) {
        log::error!("CPU {cpu}: {error}");
        cpu::stop();
    }
    cpu::set_online(cpu);
    let entry = STARTS[cpu].entry.load(Acquire) as *const ();
    // SAFETY: `start` stored a function of this type.
    let entry: fn() -> ! = unsafe { core::mem::transmute(entry) };
    entry()
}
