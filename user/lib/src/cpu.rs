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

/// A read of an identification register that EL0 may not read itself: the
/// kernel answers, or sends `SIGILL`.
macro_rules! identity {
    ($(#[$doc:meta])* $name:ident $register:literal) => {
        $(#[$doc])*
        pub fn $name() -> u64 {
            let value;
            // SAFETY: it traps; the kernel changes no other register.
            unsafe {
                asm!(
                    concat!("mrs {}, ", $register),
                    out(reg) value,
                    options(nomem, nostack, preserves_flags),
                );
            }
            value
        }
    };
}

identity! {
    /// `MIDR_EL1`: which processor it is.
    main_id "S3_0_C0_C0_0"
}
identity! {
    /// `MPIDR_EL1`: its place among others.
    affinity "S3_0_C0_C0_5"
}
identity! {
    /// `ID_AA64ISAR0_EL1`: instructions it has.
    instructions "S3_0_C0_C6_0"
}
identity! {
    /// `ID_AA64PFR1_EL1`: more features.
    features "S3_0_C0_C4_1"
}
identity! {
    /// A register that the kernel does not answer for.
    unanswered "S3_0_C0_C1_0"
}

/// Sets the flag that keeps the time of instructions from depending on data
/// (`DIT`). The CPU must have it.
pub fn keep_time() {
    // SAFETY: sets a flag of the program's own.
    unsafe { asm!("msr S3_3_C4_C2_5, {}", in(reg) 1_u64 << 24) }
}

/// Whether that flag is set. The CPU must have it.
pub fn keeps_time() -> bool {
    let value: u64;
    // SAFETY: reads a flag of the program's own.
    unsafe { asm!("mrs {}, S3_3_C4_C2_5", out(reg) value) }
    value >> 24 & 1 != 0
}
