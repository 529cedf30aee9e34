//! Which address space runs on which CPU.
//!
//! The rules, with the race they settle, are in `kernel_core::memory::asid`.
//! A kernel thread and an idle CPU run with [`EMPTY`], a table without
//! entries, so no table of a process stays active after its task is switched
//! away. The alternative, keeping the last process's tables active, saves one
//! register write but needs a reference to that process on every switch.

use core::arch::asm;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Relaxed, Release};

use kernel_core::memory::asid::{AsidPool, AsidState, Context};
use kernel_core::memory::page_table::ENTRIES;

use super::tlb;
use crate::arch;
use crate::sync::{IrqSpinLock, Rank};

const CPUS: usize = arch::cpu::MAX_CPUS;

static STATE: AsidState<CPUS> = AsidState::new();
static POOL: IrqSpinLock<Option<AsidPool<CPUS>>> =
    IrqSpinLock::with_rank(Rank::Device, None);

#[repr(C, align(4096))]
struct Table([u64; ENTRIES]);

/// A table that maps nothing. It uses ASID 0, which no address space gets.
static EMPTY: Table = Table([0; ENTRIES]);

/// Makes the pool; needs the heap.
pub fn init() {
    let pool = AsidPool::new(arch::cpu::asid_bits());
    *POOL.lock() = Some(pool);
}

/// Makes `root` the table of user addresses on this CPU. `context` is the
/// space's own word.
#[inline(always)]
pub fn activate(root: u64, context: &AtomicU64) {
    let cpu = arch::cpu::id();
    let mut current = Context(context.load(Relaxed));
    if !STATE.try_activate(cpu, current) {
        current = assign(cpu, context);
    }
    write_ttbr0(root | (current.asid() as u64) << 48);
}

#[cold]
fn assign(cpu: usize, context: &AtomicU64) -> Context {
    let mut pool = POOL.lock();
    let pool = pool.as_mut().expect("mm::init ran");
    let assigned = pool.assign(&STATE, cpu, Context(context.load(Relaxed)));
    context.store(assigned.context.0, Release);
    if assigned.flush {
        tlb::flush_this_cpu();
    }
    // Whoever changes this space's tables from now on flushes the new
    // number; what was changed before is visible to this CPU's walks.
    tlb::barrier();
    assigned.context
}

/// Makes user addresses lead nowhere on this CPU.
#[inline(always)]
pub fn deactivate() {
    let table = (&raw const EMPTY).addr();
    write_ttbr0(arch::image::to_physical(table) as u64);
}

#[inline(always)]
fn write_ttbr0(value: u64) {
    // SAFETY: the value names a table that maps user addresses only, alive
    // while a task of its space is current, or the empty one.
    unsafe { asm!("msr ttbr0_el1, {}", in(reg) value, options(nostack)) };
    // SAFETY: a barrier: the new table is used from here on.
    unsafe { asm!("isb", options(nostack)) };
}
