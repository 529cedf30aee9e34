//! What GICv2 and GICv3 have in common.

use core::arch::asm;
use core::fmt;

/// The first INTID that means "no interrupt" or "not for you".
pub const SPECIAL: u32 = 1020;
/// Priority of everything; the middle of either security view.
pub const PRIORITY: u8 = 0xa0;

/// Why the controller cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GicError {
    /// Its registers do not fit in the device window.
    NotMapped,
    /// No redistributor belongs to the CPU with this affinity.
    NoRedistributor(u64),
    /// The registers do not answer as a controller of this version would.
    NotThere,
}

impl fmt::Display for GicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GicError::NotMapped => f.write_str("registers out of range"),
            GicError::NoRedistributor(affinity) => {
                write!(f, "no redistributor for CPU {affinity:#x}")
            }
            GicError::NotThere => f.write_str("no controller at its address"),
        }
    }
}

/// Orders earlier stores before the interrupt that tells of them.
#[inline(always)]
pub fn publish() {
    // SAFETY: a barrier.
    unsafe { asm!("dsb ishst", options(nostack, preserves_flags)) };
}
