//! Single instructions that programs measure and wait with.

use core::arch::asm;

/// Tells the CPU that this is a waiting loop (`yield`).
#[inline(always)]
pub fn relax() {
    // SAFETY: a hint; it changes no state.
    unsafe { asm!("yield", options(nomem, nostack, preserves_flags)) }
}

/// The virtual counter, after everything before it in the program.
#[inline(always)]
pub fn counter() -> u64 {
    let value;
    // SAFETY: reads a counter that EL0 may read; `isb` orders it.
    unsafe {
        asm!("isb", "mrs {}, cntvct_el0", out(reg) value, options(nostack));
    }
    value
}

/// Counter ticks in a second.
pub fn counter_frequency() -> u64 {
    let value;
    // SAFETY: reads a constant register.
    unsafe {
        asm!("mrs {}, cntfrq_el0", out(reg) value, options(nomem, nostack));
    }
    value
}

/// An instruction that no CPU has; the process gets `SIGILL`.
pub fn undefined_instruction() {
    // SAFETY: `udf` changes nothing; it raises an exception.
    unsafe { asm!("udf #0", options(nomem, nostack, preserves_flags)) }
}
