//! Which field of which register makes which capability, and its name.

use super::register::Register;
use super::register::Register::{
    Isar0, Isar1, Isar2, Mmfr0, Mmfr1, Mmfr2, Pfr0,
};

/// A field whose value, if it is `least` or more, makes a capability.
pub(super) struct Row {
    /// 0 for `AT_HWCAP`, 1 for `AT_HWCAP2`.
    pub word: usize,
    pub bit: u32,
    pub register: Register,
    pub shift: u32,
    pub least: i8,
}

/// A capability's name in `/proc/cpuinfo`.
pub(super) struct Named {
    pub word: usize,
    pub bit: u32,
    pub name: &'static str,
}

/// What the kernel does itself: a stream of events wakes `wfe` (`evtstrm`),
/// and identification registers can be read (`cpuid`).
pub(super) const ALWAYS: [u64; 2] = [1 << 2 | 1 << 11, 0];

macro_rules! rows {
    ($($word:literal $bit:literal $name:literal
        $($register:ident $shift:literal $least:literal)?;)*) => {
        pub(super) static ROWS: &[Row] = &[$($(Row {
            word: $word,
            bit: $bit,
            register: $register,
            shift: $shift,
            least: $least,
        },)?)*];
        pub(super) static NAMES: &[Named] = &[$(
            Named { word: $word, bit: $bit, name: $name },
        )*];
    };
}

rows! {
    0 0 "fp" Pfr0 16 0;
    0 1 "asimd" Pfr0 20 0;
    0 2 "evtstrm";
    0 3 "aes" Isar0 4 1;
    0 4 "pmull" Isar0 4 2;
    0 5 "sha1" Isar0 8 1;
    0 6 "sha2" Isar0 12 1;
    0 7 "crc32" Isar0 16 1;
    0 8 "atomics" Isar0 20 2;
    0 9 "fphp" Pfr0 16 1;
    0 10 "asimdhp" Pfr0 20 1;
    0 11 "cpuid";
    0 12 "asimdrdm" Isar0 28 1;
    0 13 "jscvt" Isar1 12 1;
    0 14 "fcma" Isar1 16 1;
    0 15 "lrcpc" Isar1 20 1;
    0 16 "dcpop" Isar1 0 1;
    0 17 "sha3" Isar0 32 1;
    0 18 "sm3" Isar0 36 1;
    0 19 "sm4" Isar0 40 1;
    0 20 "asimddp" Isar0 44 1;
    0 21 "sha512" Isar0 12 2;
    0 23 "asimdfhm" Isar0 48 1;
    0 24 "dit" Pfr0 48 1;
    0 25 "uscat" Mmfr2 32 1;
    0 26 "ilrcpc" Isar1 20 2;
    0 27 "flagm" Isar0 52 1;
    0 29 "sb" Isar1 36 1;
    1 0 "dcpodp" Isar1 0 2;
    1 7 "flagm2" Isar0 52 2;
    1 8 "frint" Isar1 32 1;
    1 13 "i8mm" Isar1 52 1;
    1 14 "bf16" Isar1 44 1;
    1 15 "dgh" Isar1 48 1;
    1 16 "rng" Isar0 60 1;
    1 19 "ecv" Mmfr0 60 1;
    1 20 "afp" Mmfr1 44 1;
    1 21 "rpres" Isar2 4 1;
    1 31 "wfxt" Isar2 0 2;
    1 32 "ebf16" Isar1 44 2;
}
