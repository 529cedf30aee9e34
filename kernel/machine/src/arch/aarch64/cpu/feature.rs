//! What the CPUs have: read once on each, and kept as far as all have it.

use core::arch::asm;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::sync::atomic::{AtomicBool, AtomicU64};

use kernel_core::cpu_feature::{Features, REGISTERS, Register};

/// What all CPUs that have run say, in the order of [`Register::ALL`].
static COMMON: [AtomicU64; REGISTERS] =
    [const { AtomicU64::new(0) }; REGISTERS];
/// The first CPU has written to [`COMMON`].
static IS_KNOWN: AtomicBool = AtomicBool::new(false);

/// Takes what this CPU has into what all have. Others come after the first
/// one, which starts them. A CPU that comes late and has less is told of to
/// programs that start from then on.
pub(super) fn note() {
    let own = Features::of(Register::ALL.map(read)).values();
    let is_first = !IS_KNOWN.swap(true, AcqRel);
    for (at, register) in Register::ALL.into_iter().enumerate() {
        if is_first {
            COMMON[at].store(own[at], Relaxed);
            continue;
        }
        let common = |known| Some(register.common(known, own[at]));
        // The closure never refuses.
        let _ = COMMON[at].fetch_update(AcqRel, Acquire, common);
    }
}

/// What all CPUs have.
pub fn all_have() -> Features {
    Features::of(COMMON.each_ref().map(|value| value.load(Relaxed)))
}

macro_rules! register {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: an identification register; reading has no effect, and one
        // that the CPU does not know reads as zero (Arm ARM D17.1.3).
        unsafe {
            asm!(concat!("mrs {}, ", $name), out(reg) value,
                options(nomem, nostack, preserves_flags));
        }
        value
    }};
}

fn read(register: Register) -> u64 {
    match register {
        Register::Isar0 => register!("S3_0_C0_C6_0"),
        Register::Isar1 => register!("S3_0_C0_C6_1"),
        Register::Isar2 => register!("S3_0_C0_C6_2"),
        Register::Pfr0 => register!("S3_0_C0_C4_0"),
        Register::Pfr1 => register!("S3_0_C0_C4_1"),
        Register::Dfr0 => register!("S3_0_C0_C5_0"),
        Register::Mmfr0 => register!("S3_0_C0_C7_0"),
        Register::Mmfr1 => register!("S3_0_C0_C7_1"),
        Register::Mmfr2 => register!("S3_0_C0_C7_2"),
        Register::Isar5 => register!("S3_0_C0_C2_5"),
        Register::Mvfr0 => register!("S3_0_C0_C3_0"),
        Register::Mvfr1 => register!("S3_0_C0_C3_1"),
    }
}
