//! Who called whom, by frame records.
//!
//! The kernel is compiled with frame pointers: `x29` points to a pair of
//! words, the caller's `x29` and the return address, up to a zero. The walk
//! goes only upwards, within one stack's worth of bytes, over addresses that
//! the MMU lets it read: a broken stack ends it instead of faulting.

use core::arch::asm;

use super::image;

const LIMIT: usize = 32;
/// More than any kernel stack; an emergency stack links to another one.
const STACK_SPAN: usize = 64 * 1024;

/// Return addresses from the frame record at `start` on.
pub fn walk(start: usize) -> impl Iterator<Item = usize> {
    let mut record = start;
    core::iter::from_fn(move || {
        let (next, address) = read_record(record)?;
        let is_above = next > record && next - record < STACK_SPAN;
        record = if is_above { next } else { 0 };
        // The address after the call may be in the next function already.
        image::text().contains(&address).then(|| address - 4)
    })
    .take(LIMIT)
}

/// The two words of a frame record, if they can be read.
fn read_record(address: usize) -> Option<(usize, usize)> {
    if !address.is_multiple_of(16) || !is_readable(address) {
        return None;
    }
    let record = address as *const [usize; 2];
    // SAFETY: aligned, in one page, and the MMU says it is readable kernel
    // memory; volatile, as its owner may run on another CPU.
    let [next, return_address] = unsafe { record.read_volatile() };
    Some((next, return_address))
}

/// Whether the kernel may read at `address`, which must be its own.
fn is_readable(address: usize) -> bool {
    if address >> 48 != 0xffff {
        return false;
    }
    let result: u64;
    // SAFETY: asks the MMU; changes no register but PAR_EL1.
    unsafe {
        asm!("at s1e1r, {}", "isb", "mrs {}, par_el1",
            in(reg) address, out(reg) result, options(nostack));
    }
    result & 1 == 0
}
