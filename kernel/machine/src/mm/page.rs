//! The contents of frames, through the linear map; see `page.s`.

use core::arch::{asm, global_asm};
use core::ptr;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameNumber;

use crate::arch;

global_asm!(include_str!("page.s"));

unsafe extern "C" {
    fn mm_zero_page(page: *mut u8);
    fn mm_copy_page(to: *mut u8, from: *const u8);
}

/// Where the linear map shows physical address 0.
pub const LINEAR_BASE: usize = 0xffff_0000_0000_0000;
/// Where the linear map shows a byte of RAM.
#[inline(always)]
pub fn linear(physical: u64) -> *mut u8 {
    ptr::with_exposed_provenance_mut(LINEAR_BASE + physical as usize)
}

/// Where the linear map shows a frame.
#[inline(always)]
pub fn pointer(frame: FrameNumber) -> *mut u8 {
    linear(physical(frame))
}

/// Physical address of a frame.
#[inline(always)]
pub const fn physical(frame: FrameNumber) -> u64 {
    (frame as u64) * PAGE_SIZE as u64
}

/// The frame that a page-aligned physical address belongs to.
#[inline(always)]
pub const fn number(physical: u64) -> FrameNumber {
    (physical / PAGE_SIZE as u64) as FrameNumber
}

/// The frame that a byte of the linear map is in, and where in that it is.
#[inline(always)]
pub fn place(byte: *mut u8) -> (FrameNumber, usize) {
    let physical = byte.expose_provenance() - LINEAR_BASE;
    (number(physical as u64), physical % PAGE_SIZE)
}

/// Fills a frame with zero bytes.
///
/// # Safety
/// The caller owns the frame, and no reference to its bytes exists.
#[inline(always)]
pub unsafe fn zero(frame: FrameNumber) {
    // SAFETY: the linear map shows the whole frame; the caller owns it.
    unsafe { mm_zero_page(pointer(frame)) }
}

/// Copies one frame's contents to another.
///
/// # Safety
/// The caller owns `to`, holds a reference to `from`, and they differ.
#[inline(always)]
pub unsafe fn copy(to: FrameNumber, from: FrameNumber) {
    // SAFETY: the linear map shows both frames; the caller holds them. A
    // program may store to `from` meanwhile; then either value is right.
    unsafe { mm_copy_page(pointer(to), pointer(from)) }
}

/// Copies bytes out of a frame.
///
/// # Panics
/// If `offset` and the length do not lie in one frame.
///
/// # Safety
/// The caller holds a reference to the frame.
#[inline]
pub unsafe fn read(frame: FrameNumber, offset: usize, bytes: &mut [u8]) {
    assert!(offset <= PAGE_SIZE && bytes.len() <= PAGE_SIZE - offset);
    let from = pointer(frame).wrapping_add(offset);
    // SAFETY: inside the frame (checked above), which the caller holds, and
    // no Rust reference covers frames that are shared.
    unsafe { ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) }
}

/// Copies bytes into a frame.
///
/// # Panics
/// If `offset` and the length do not lie in one frame.
///
/// # Safety
/// The caller holds a reference to the frame, and may change it.
#[inline]
pub unsafe fn write(frame: FrameNumber, offset: usize, bytes: &[u8]) {
    assert!(offset <= PAGE_SIZE && bytes.len() <= PAGE_SIZE - offset);
    let to = pointer(frame).wrapping_add(offset);
    // SAFETY: inside the frame (checked above), which the caller holds, and
    // no Rust reference covers frames that are shared.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
}

/// Makes what was stored to a frame visible to instruction fetch on all CPUs
/// (Arm ARM B2.4.4).
pub fn sync_instructions(frame: FrameNumber) {
    let start = pointer(frame).addr();
    let end = start + PAGE_SIZE;
    let (data_line, instruction_line) = arch::cpu::cache_lines();
    (start..end).step_by(data_line).for_each(clean_data_line);
    barrier();
    if HAS_ALIASES.load(Relaxed) {
        drop_all_instructions();
    } else {
        (start..end).step_by(instruction_line).for_each(drop_instructions);
    }
    barrier();
    instruction_barrier();
}

/// Some CPU's instruction cache finds lines by virtual address, so that a
/// program's alias of a frame is not dropped with the linear map's.
static HAS_ALIASES: AtomicBool = AtomicBool::new(false);

/// Looks at this CPU's instruction cache.
pub fn init_cpu() {
    if arch::cpu::has_instruction_aliases() {
        HAS_ALIASES.store(true, Relaxed);
    }
}

fn clean_data_line(address: usize) {
    // SAFETY: cleans a line of the linear map; no content changes.
    unsafe { asm!("dc cvau, {}", in(reg) address, options(nostack)) }
}

fn drop_instructions(address: usize) {
    // SAFETY: drops cached instructions; they are fetched again.
    unsafe { asm!("ic ivau, {}", in(reg) address, options(nostack)) }
}

fn drop_all_instructions() {
    // SAFETY: drops cached instructions; they are fetched again.
    unsafe { asm!("ic ialluis", options(nostack)) }
}

fn barrier() {
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack)) }
}

fn instruction_barrier() {
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack)) }
}
