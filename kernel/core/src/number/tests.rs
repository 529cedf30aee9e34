//! The promises about numbers.

use kernel_abi::Errno;

use super::{
    parse_any_base, parse_bool, parse_decimal, parse_signed, parse_size, trim,
};

#[test]
fn decimal_numbers_may_end_with_one_newline() {
    // spec: L1
    assert_eq!(parse_decimal(b"20000"), Ok(20000));
    assert_eq!(parse_decimal(b"+7\n"), Ok(7));
    assert_eq!(parse_decimal(b"18446744073709551615"), Ok(u64::MAX));
    for bad in ["", "\n", "-1", " 1", "1 ", "1\n\n", "x", "1x", "0x10", "+"] {
        let parsed = parse_decimal(bad.as_bytes());
        assert_eq!(parsed, Err(Errno::EINVAL), "{bad:?}");
    }
    let parsed = parse_decimal(b"18446744073709551616");
    assert_eq!(parsed, Err(Errno::ERANGE));
    assert_eq!(parse_decimal(b"99999999999999999999x"), Err(Errno::EINVAL));
}

#[test]
fn other_bases_have_prefixes() {
    assert_eq!(parse_any_base(b"0x1F\n"), Ok(31));
    assert_eq!(parse_any_base(b"017"), Ok(15));
    assert_eq!(parse_any_base(b"0"), Ok(0));
    assert_eq!(parse_any_base(b"0x"), Err(Errno::EINVAL));
    assert_eq!(parse_any_base(b"08"), Err(Errno::EINVAL));
}

#[test]
fn signed_numbers_reach_both_ends() {
    assert_eq!(parse_signed(b"-9223372036854775808"), Ok(i64::MIN));
    assert_eq!(parse_signed(b"9223372036854775807\n"), Ok(i64::MAX));
    assert_eq!(parse_signed(b"9223372036854775808"), Err(Errno::ERANGE));
    assert_eq!(parse_signed(b"-9223372036854775809"), Err(Errno::ERANGE));
    assert_eq!(parse_signed(b"--1"), Err(Errno::EINVAL));
    assert_eq!(parse_signed(b"-+1"), Err(Errno::EINVAL));
    assert_eq!(parse_signed(b"-010"), Ok(-8));
    assert_eq!(parse_signed(b"+0x10"), Ok(16));
}

#[test]
fn sizes_have_suffixes() {
    assert_eq!(parse_size(b"128M"), Ok(128 << 20));
    assert_eq!(parse_size(b"0x10k"), Ok(16384));
    assert_eq!(parse_size(b"4096\n"), Ok(4096));
    assert_eq!(parse_size(b"16777216T"), Err(Errno::ERANGE));
    assert_eq!(parse_size(b"M"), Err(Errno::EINVAL));
}

#[test]
fn yes_and_no_have_many_forms() {
    for yes in ["1", "y", "Y", "on", "yes\n", "ON"] {
        assert_eq!(parse_bool(yes.as_bytes()), Ok(true), "{yes}");
    }
    for no in ["0", "n", "off\n", "No"] {
        assert_eq!(parse_bool(no.as_bytes()), Ok(false), "{no}");
    }
    for bad in ["", "o", "2", "x"] {
        assert_eq!(parse_bool(bad.as_bytes()), Err(Errno::EINVAL), "{bad}");
    }
}

#[test]
fn blanks_can_be_trimmed() {
    assert_eq!(trim(b" \tFROZEN \n"), b"FROZEN");
    assert_eq!(trim(b"\n"), b"");
}
