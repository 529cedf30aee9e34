//! TLB maintenance: forget translations on all CPUs.
//!
//! Every operation waits until the stores to the tables are visible, sends
//! one broadcast invalidation (or a few), and waits until all CPUs are done.
//! Entries that go from invalid to valid need none of this: the CPU does not
//! cache what is invalid.
//!
//! Erratum: on Cortex-A55 (2441007) and A76 (4193800) another CPU's store
//! may still go through an old translation after the final barrier. Doing
//! the last invalidation and the barrier twice is the remedy. Other CPUs pay
//! one predicted branch.

use core::arch::asm;
use core::ops::Range;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::memory::{PAGE_SHIFT, PAGE_SIZE};

use crate::arch;

/// More pages than this are forgotten by forgetting the whole space.
const MOST_SINGLE_PAGES: usize = 8;

/// Some CPU has the erratum.
static REPEAT: AtomicBool = AtomicBool::new(false);

/// Looks at the CPU's model and empties its TLB.
pub fn init_cpu() {
    const ARM: u64 = 0x41;
    let model = arch::cpu::model();
    let (implementer, part) = (model >> 24 & 0xff, model >> 4 & 0xfff);
    if implementer == ARM && matches!(part, 0xd05 | 0xd0b) {
        REPEAT.store(true, Relaxed);
    }
    flush_this_cpu();
}

/// Forgets everything on this CPU only.
pub fn flush_this_cpu() {
    barrier_stores();
    invalidate_this_cpu();
    barrier();
    synchronize();
}

/// Forgets one user page.
#[inline]
pub fn flush_page(asid: u16, address: usize) {
    let operand = (asid as u64) << 48 | page_operand(address);
    flush(|| invalidate_page(operand));
}

/// Forgets user pages; the tables above them stay.
pub fn flush_range(asid: u16, range: Range<usize>) {
    if range.len() > MOST_SINGLE_PAGES * PAGE_SIZE {
        return flush_space(asid);
    }
    let tag = (asid as u64) << 48;
    flush(|| {
        for address in range.clone().step_by(PAGE_SIZE) {
            invalidate_page(tag | page_operand(address));
        }
    });
}

/// Forgets all of an address space, cached walks through its tables too.
#[inline]
pub fn flush_space(asid: u16) {
    let operand = (asid as u64) << 48;
    flush(|| invalidate_space(operand));
}

/// Forgets kernel pages; the tables above them stay.
pub fn flush_kernel(range: Range<usize>) {
    flush(|| {
        for address in range.clone().step_by(PAGE_SIZE) {
            invalidate_kernel_page(page_operand(address));
        }
    });
}

/// Bits 55 to 12 of an address, as `TLBI VA*` takes them (Arm ARM, TLBI VAE1IS):
/// bit 55 tells the kernel's half from that of programs.
#[inline(always)]
fn page_operand(address: usize) -> u64 {
    (address as u64) << 8 >> 8 >> PAGE_SHIFT
}

#[inline(always)]
fn flush(invalidate: impl Fn()) {
    barrier_stores();
    invalidate();
    barrier();
    if REPEAT.load(Relaxed) {
        invalidate();
        barrier();
    }
    synchronize();
}

/// Makes stores to tables visible to table walks, before an entry that was
/// invalid is used.
#[inline(always)]
pub fn publish() {
    barrier_stores();
    synchronize();
}

/// Orders stores to a new page or table before the store of the entry that
/// leads to it: another CPU's walk may follow that at once.
#[inline(always)]
pub fn order_stores() {
    // SAFETY: a barrier.
    unsafe { asm!("dmb ishst", options(nostack, preserves_flags)) }
}

/// Completes stores to tables and orders them before what follows. All
/// accesses, not only stores: the ASID of a space is read after this.
#[inline(always)]
pub fn barrier() {
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) }
}

#[inline(always)]
fn barrier_stores() {
    // SAFETY: a barrier.
    unsafe { asm!("dsb ishst", options(nostack, preserves_flags)) }
}

#[inline(always)]
fn synchronize() {
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack, preserves_flags)) }
}

#[inline(always)]
fn invalidate_page(operand: u64) {
    // SAFETY: forgets a cached translation; tables are not touched.
    unsafe { asm!("tlbi vale1is, {}", in(reg) operand, options(nostack)) }
}

#[inline(always)]
fn invalidate_space(operand: u64) {
    // SAFETY: forgets cached translations; tables are not touched.
    unsafe { asm!("tlbi aside1is, {}", in(reg) operand, options(nostack)) }
}

#[inline(always)]
fn invalidate_kernel_page(operand: u64) {
    // SAFETY: forgets a cached translation; tables are not touched.
    unsafe { asm!("tlbi vaale1is, {}", in(reg) operand, options(nostack)) }
}

fn invalidate_this_cpu() {
    // SAFETY: forgets cached translations; tables are not touched.
    unsafe { asm!("tlbi vmalle1", options(nostack)) }
}
