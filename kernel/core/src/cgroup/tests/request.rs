//! What is written to files.

use kernel_abi::Errno;

use crate::cgroup::request::{
    StateRequest, parse_flag, parse_state, parse_switch, parse_task,
};

/// spec: V3
#[test]
fn a_state_is_one_of_two_words() {
    for text in [&b"FROZEN"[..], b"FROZEN\n", b" FROZEN ", b"\t\nFROZEN\n"] {
        assert_eq!(parse_state(text), Ok(StateRequest::Freeze));
    }
    assert_eq!(parse_state(b"THAWED\n"), Ok(StateRequest::Thaw));
    for text in [
        &b"FREEZING"[..],
        b"frozen",
        b"FROZENX",
        b"FROZEN5",
        b"1",
        b"\n",
        b"",
        b"THAWED 5",
        b"FROZEN FROZEN",
        b"FROZEN -1",
        b"FROZEN\0",
    ] {
        assert_eq!(parse_state(text), Err(Errno::EINVAL), "{text:?}");
    }
}

#[test]
fn a_state_may_have_a_time() {
    let within = |text| parse_state(text);
    assert_eq!(within(b"FROZEN 500\n"), Ok(StateRequest::FreezeWithin(500)));
    assert_eq!(within(b"FROZEN 0"), Ok(StateRequest::FreezeWithin(0)));
    assert_eq!(within(b"FROZEN  20ms"), Ok(StateRequest::FreezeWithin(20)));
    let large = b"FROZEN 99999999999999999999";
    assert_eq!(within(large), Err(Errno::ERANGE));
}

/// spec: V9 Y4
#[test]
fn a_task_is_a_number() {
    assert_eq!(parse_task(b"12\n"), Ok(Some(12)));
    assert_eq!(parse_task(b" 12 "), Ok(Some(12)));
    assert_eq!(parse_task(b"0"), Ok(None));
    assert_eq!(parse_task(b"010\n"), Ok(Some(8)));
    assert_eq!(parse_task(b"0x10"), Ok(Some(16)));
    for text in [&b"x"[..], b"", b"12x", b"-1", b"1 2", b"4294967296"] {
        assert_eq!(parse_task(text), Err(Errno::EINVAL), "{text:?}");
    }
}

/// spec: B1
#[test]
fn a_switch_is_nought_or_one() {
    assert_eq!(parse_switch(b"1\n"), Ok(true));
    assert_eq!(parse_switch(b"0"), Ok(false));
    assert_eq!(parse_switch(b"2"), Err(Errno::ERANGE));
    assert_eq!(parse_switch(b"-1"), Err(Errno::ERANGE));
    assert_eq!(parse_switch(b"on"), Err(Errno::EINVAL));
    assert_eq!(parse_flag(b"7\n"), Ok(true));
    assert_eq!(parse_flag(b"0\n"), Ok(false));
    assert_eq!(parse_flag(b"-1"), Err(Errno::EINVAL));
}
