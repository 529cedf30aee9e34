//! The registers are those of QEMU's processors; what programs are told of
//! them was read on Linux 6.1 on the same ones, of which `MAX` loses SVE,
//! pointer authentication and branch targets here.

use super::{Features, REGISTERS, Read, Register};

/// Values by register; the rest is 0.
fn features(values: &[(Register, u64)]) -> Features {
    let mut all = [0; REGISTERS];
    for (register, value) in values {
        all[*register as usize] = *value;
    }
    Features::of(all)
}

fn cortex_a72() -> Features {
    features(&[
        (Register::Isar0, 0x1_1120),
        (Register::Pfr0, 0x2222),
        (Register::Dfr0, 0x1030_5106),
        (Register::Mmfr0, 0x1124),
        (Register::Isar5, 0x1_1121),
        (Register::Mvfr0, 0x1011_0222),
        (Register::Mvfr1, 0x1211_1111),
    ])
}

fn cortex_a76() -> Features {
    features(&[
        (Register::Isar0, 0x0000_1000_1021_1120),
        (Register::Isar1, 0x0010_0001),
        (Register::Pfr0, 0x1100_0000_1111_1112),
        (Register::Pfr1, 0x10),
    ])
}

/// Of 2022, with what Linux tells of it.
fn max() -> Features {
    features(&[
        (Register::Isar0, 0x1221_1111_1021_2120),
        (Register::Isar1, 0x0011_1111_0121_1052),
        (Register::Pfr0, 0x1201_1011_1111_0011),
        (Register::Pfr1, 0x321),
    ])
}

fn names(features: &Features) -> String {
    features.names().collect::<Vec<_>>().join(" ")
}

#[test]
fn programs_are_told_what_linux_tells() {
    let a72 = cortex_a72();
    assert_eq!(a72.capabilities(), [0x8ff, 0]);
    assert_eq!(names(&a72), "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid");
    let a76 = cortex_a76();
    assert_eq!(a76.capabilities(), [0x11_9fff, 0]);
    assert_eq!(
        names(&a76),
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp \
         cpuid asimdrdm lrcpc dcpop asimddp"
    );
}

#[test]
fn what_the_kernel_does_nothing_for_is_not_told() {
    const SVE: u64 = 1 << 22;
    const STORE_BYPASS: u64 = 1 << 28;
    const POINTER_AUTHENTICATION: u64 = 3 << 30;
    const BRANCH_TARGETS: u64 = 1 << 17;
    let [one, two] = max().capabilities();
    let untold = SVE | STORE_BYPASS | POINTER_AUTHENTICATION;
    assert_eq!(one, 0xfdff_ffff & !untold);
    const SVE_2: u64 = 0x1e7e;
    assert_eq!(two, 0x3_ffff & !SVE_2 & !BRANCH_TARGETS);
    assert_eq!(read(&max(), 4, 1), Some(0));
    assert_eq!(read(&max(), 4, 4), Some(0));
}

fn read(features: &Features, m: u32, op2: u32) -> Option<u64> {
    let read = Read::decode(0xd538_0003 | m << 8 | op2 << 5)?;
    assert_eq!(read.target, 3);
    features.answer(read, 0x410f_d083)
}

#[test]
fn registers_read_as_on_linux() {
    let a72 = cortex_a72();
    assert_eq!(read(&a72, 0, 0), Some(0x410f_d083));
    assert_eq!(read(&a72, 0, 5), Some(0x8000_0000));
    assert_eq!(read(&a72, 0, 6), Some(0));
    assert_eq!(read(&a72, 0, 1), None);
    assert_eq!(read(&a72, 1, 0), None);
    assert_eq!(read(&a72, 8, 0), None);
    assert_eq!(read(&a72, 2, 5), Some(0x1_1120));
    assert_eq!(read(&a72, 3, 0), Some(0x200));
    assert_eq!(read(&a72, 3, 1), Some(0x1001_1100));
    assert_eq!(read(&a72, 4, 0), Some(0x11));
    assert_eq!(read(&a72, 5, 0), Some(6));
    assert_eq!(read(&a72, 6, 0), Some(0x1_1120));
    assert_eq!(read(&a72, 7, 0), Some(0x111_ff00_0000));
    assert_eq!(read(&a72, 7, 7), Some(0));
    let a76 = cortex_a76();
    assert_eq!(read(&a76, 4, 0), Some(0x11_0011));
    assert_eq!(read(&a76, 6, 0), Some(0x0000_1000_1021_1120));
    assert_eq!(read(&a76, 6, 1), Some(0x0010_0001));
}

#[test]
fn other_instructions_are_not_reads_of_registers() {
    // `udf #0`, `msr` to a register, `mrs` of the counter's frequency.
    assert_eq!(Read::decode(0), None);
    assert_eq!(Read::decode(0xd518_0000), None);
    let counter = Read::decode(0xd53b_e000).unwrap();
    assert_eq!(max().answer(counter, 0), None);
}

#[test]
fn unequal_processors_have_what_both_have() {
    let (one, other) = (cortex_a72().values(), cortex_a76().values());
    let mut both = [0; REGISTERS];
    for (at, register) in Register::ALL.iter().enumerate() {
        assert_eq!(*register as usize, at);
        both[at] = register.common(one[at], other[at]);
    }
    assert_eq!(Features::of(both).capabilities(), [0x8ff, 0]);
}

#[test]
fn no_floating_point_is_less_than_some() {
    let none = 0xff_0000;
    assert_eq!(Register::Pfr0.common(none, 0x11_0000), none);
    let features = features(&[(Register::Pfr0, none)]);
    assert_eq!(features.capabilities()[0] & 0b11, 0);
}
