//! The interrupt mask of this CPU (`DAIF.I`).
//!
//! Only IRQ is ever unmasked: FIQs belong to firmware, and debug exceptions
//! in the kernel are not used.

use core::arch::asm;

/// The mask as [`mask`] found it.
#[derive(Clone, Copy, Debug)]
pub struct Flags(u64);

/// Masks interrupts and returns what [`restore`] needs.
#[inline(always)]
pub fn mask() -> Flags {
    let flags = read();
    disable();
    flags
}

/// Goes back to the mask that [`mask`] found.
#[inline(always)]
pub fn restore(flags: Flags) {
    // SAFETY: `flags` came from `read` on this or another CPU, so it holds
    // only DAIF bits. A memory clobber keeps guarded accesses before it.
    unsafe { asm!("msr daif, {}", in(reg) flags.0, options(nostack)) };
}

/// Unmasks interrupts.
#[inline(always)]
pub fn enable() {
    // SAFETY: touches the mask only; handlers keep every register.
    unsafe { asm!("msr daifclr, #2", options(nostack)) };
}

/// Masks interrupts.
#[inline(always)]
pub fn disable() {
    // SAFETY: touches the mask only.
    unsafe { asm!("msr daifset, #2", options(nostack)) };
}

#[inline(always)]
fn read() -> Flags {
    let flags;
    // SAFETY: reads a register without side effects.
    unsafe {
        asm!("mrs {}, daif", out(reg) flags,
            options(nomem, nostack, preserves_flags));
    }
    Flags(flags)
}
