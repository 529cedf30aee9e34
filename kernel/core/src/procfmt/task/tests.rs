//! `stat` and `status` as Linux writes them.

use super::{Identity, Memory, Signals, Stat, State, Status};
use crate::capability::{Capabilities, Capability};
use crate::task_state::{
    DEAD, INTERRUPTIBLE, KILLABLE, PARKED, RUNNING, STOPPED, TRACED,
    UNINTERRUPTIBLE, WAKEKILL, WAKING,
};

fn who() -> Identity<'static> {
    Identity {
        pid: 15931,
        tgid: 15931,
        ppid: 15916,
        pgrp: 15916,
        session: 3430,
        comm: b"a b) c",
        state: State::Running,
        threads: 1,
    }
}

#[test]
fn stat_has_the_52_fields_of_linux() {
    let stat = Stat {
        tpgid: -1,
        flags: 4_194_304,
        minor_faults: [102, 0],
        start: 309_559,
        size: 3_133_440,
        resident: 411,
        resident_limit: u64::MAX,
        code: [1001, 1002],
        stack: 1003,
        signals: Signals {
            pending: 1,
            blocked: 2 | 1 << 40,
            ignored: 4,
            caught: 8,
            shared: 0,
        },
        waits: true,
        exit_signal: 17,
        cpu: 1,
        data: [1004, 1005, 1006],
        arguments: [1007, 1008],
        environment: [1009, 1010],
        exit_code: 9,
        ..Stat::default()
    };
    let mut out = Vec::new();
    stat.render(&who(), &mut out);
    let expected = "15931 (a b) c) R 15916 15916 3430 0 -1 4194304 102 0 0 \
        0 0 0 0 0 20 0 1 0 309559 3133440 411 18446744073709551615 1001 \
        1002 1003 0 0 1 2 4 8 1 0 0 17 1 0 0 0 0 0 1004 1005 1006 1007 1008 \
        1009 1010 9\n";
    let line = String::from_utf8(out).unwrap();
    assert_eq!(line, expected);
    let after = line.rsplit_once(')').unwrap().1;
    assert_eq!(after.split_ascii_whitespace().count(), 50);
}

#[test]
fn a_frozen_task_shows_d_whatever_it_sleeps_in() {
    // spec: U7 G4 S4
    let letter = |state, is_frozen| State::of(state, is_frozen).letter();
    for state in [RUNNING, WAKING, INTERRUPTIBLE, STOPPED, TRACED, KILLABLE] {
        assert_eq!(letter(state, true), 'D', "{state:#x}");
    }
    assert_eq!(letter(PARKED, true), 'P');
    assert_eq!(letter(DEAD, true), 'Z');
}

#[test]
fn a_state_has_linux_letters() {
    let letter = |state| State::of(state, false).letter();
    let states = [RUNNING, WAKING, INTERRUPTIBLE, UNINTERRUPTIBLE, KILLABLE];
    assert_eq!(states.map(letter), ['R', 'R', 'S', 'D', 'D']);
    let states = [STOPPED, STOPPED | WAKEKILL, TRACED, TRACED | WAKEKILL];
    assert_eq!(states.map(letter), ['T', 'T', 't', 't']);
    assert_eq!([PARKED, DEAD].map(letter), ['P', 'Z']);
    let letters = [State::Dead, State::Parked, State::Idle];
    assert_eq!(letters.map(State::letter), ['X', 'P', 'I']);
}

fn status(memory: Option<Memory>) -> Status<'static> {
    Status {
        umask: 0o22,
        uids: [0, 1, 2, 3],
        gids: [4; 4],
        groups: &[5, 6],
        keeps_rights: false,
        fd_slots: 64,
        memory,
        queued: [0, 1024],
        signals: Signals { caught: 0x10, ..Signals::default() },
        capabilities: Capabilities {
            effective: Capability::from_bits_retain(0xff),
            ..Capabilities::default()
        },
        cpus: 0xf,
        switches: [7, 8],
        tracer: 7,
    }
}

#[test]
fn status_has_the_lines_of_linux() {
    let memory = Memory { anonymous: 100, file: 20, ..Memory::default() };
    let mut out = Vec::new();
    status(Some(memory)).render(&who(), &mut out);
    let text = String::from_utf8(out).unwrap();
    for line in [
        "Name:\ta b) c",
        "Umask:\t0022",
        "State:\tR (running)",
        "Tgid:\t15931",
        "TracerPid:\t7",
        "Uid:\t0\t1\t2\t3",
        "Groups:\t5 6 ",
        "VmRSS:\t     120 kB",
        "SigQ:\t0/1024",
        "SigCgt:\t0000000000000010",
        "CapEff:\t00000000000000ff",
        "Cpus_allowed:\tf",
        "Cpus_allowed_list:\t0-3",
        "nonvoluntary_ctxt_switches:\t8",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}

#[test]
fn kernel_threads_have_no_memory_lines() {
    let mut out = Vec::new();
    status(None).render(&who(), &mut out);
    assert!(!String::from_utf8(out).unwrap().contains("Vm"));
}

#[test]
fn a_name_cannot_break_a_status_line() {
    let who = Identity { comm: b"x\ny\\", ..who() };
    let mut out = Vec::new();
    status(None).render(&who, &mut out);
    assert!(out.starts_with(b"Name:\tx\\012y\\134\nUmask"));
}
