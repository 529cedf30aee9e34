//! What the files of `/sys/power` take and show.

use kernel_abi::Errno;

use crate::freezer::power::{
    Choice, MemSleep, SleepState, TestLevel, Word, parse, parse_count,
    parse_timeout_ms,
};
use crate::freezer::stats::{FailedStep, FreezeStats, SuspendStats};
use crate::freezer::wakeup::Wakeups;
use crate::freezer::{Outcome, Phase, Record, Seconds};

const STATES: &[SleepState] =
    &[SleepState::Freeze, SleepState::Mem, SleepState::Disk];

/// spec: M1
#[test]
fn state_shows_what_the_machine_can_do() {
    let choice = Choice { supported: STATES, chosen: None };
    assert_eq!(choice.to_string(), "freeze mem disk\n");
}

/// spec: M1
#[test]
fn state_takes_an_exact_word() {
    for text in ["mem", "mem\n", "mem\nrest"] {
        assert_eq!(parse(text.as_bytes(), STATES), Ok(SleepState::Mem));
    }
    for text in ["standby", "MEM", "memx", " mem", "mem ", "me", "", "\n"] {
        assert_eq!(parse(text.as_bytes(), STATES), Err(Errno::EINVAL));
    }
}

/// spec: M2
#[test]
fn mem_sleep_shows_its_choice_in_brackets() {
    let supported = &[MemSleep::S2Idle][..];
    let choice = Choice { supported, chosen: Some(MemSleep::S2Idle) };
    assert_eq!(choice.to_string(), "[s2idle]\n");
    assert_eq!(parse(b"deep", supported), Err(Errno::EINVAL));
    let choice = Choice { supported: MemSleep::ALL, ..choice };
    assert_eq!(choice.to_string(), "[s2idle] shallow deep\n");
}

/// spec: M3
#[test]
fn pm_test_shows_and_takes_its_levels() {
    let show = |chosen| {
        Choice { supported: TestLevel::ALL, chosen: Some(chosen) }.to_string()
    };
    assert_eq!(
        show(TestLevel::None),
        "[none] core processors platform devices freezer\n"
    );
    assert_eq!(
        show(TestLevel::Freezer),
        "none core processors platform devices [freezer]\n"
    );
    for &level in TestLevel::ALL {
        let text = format!("{}\n", level.word());
        assert_eq!(parse(text.as_bytes(), TestLevel::ALL), Ok(level));
    }
    assert_eq!(parse(b"freeze", TestLevel::ALL), Err(Errno::EINVAL));
}

/// spec: L1
#[test]
fn pm_freeze_timeout_is_decimal_milliseconds() {
    assert_eq!(parse_timeout_ms(b"20000\n"), Ok(20_000));
    assert_eq!(parse_timeout_ms(b"0"), Ok(0));
    assert_eq!(parse_timeout_ms(b"4294967295"), Ok(u32::MAX));
    for text in ["", "\n", "x", "-1", "1x", "0x10", " 1", "4294967296", "1 "] {
        let answer = parse_timeout_ms(text.as_bytes());
        assert_eq!(answer, Err(Errno::EINVAL), "{text:?}");
    }
}

/// spec: M4
#[test]
fn wakeup_count_takes_a_number() {
    assert_eq!(parse_count(b"17\n"), Ok(17));
    assert_eq!(parse_count(b" 17 rest"), Ok(17));
    assert_eq!(parse_count(b"0"), Ok(0));
    for text in ["", "x", "-1", "4294967296"] {
        assert_eq!(parse_count(text.as_bytes()), Err(Errno::EINVAL));
    }
}

/// spec: M4
#[test]
fn a_stale_wakeup_count_is_refused() {
    let mut wakeups = Wakeups::new();
    wakeups.event();
    assert_eq!(wakeups.read(), Some(1));
    assert_eq!(wakeups.arm(0), Err(Errno::EINVAL));
    assert!(!wakeups.is_pending(), "not armed");
    assert_eq!(wakeups.arm(1), Ok(()));
    wakeups.event();
    assert_eq!(wakeups.arm(1), Err(Errno::EINVAL));
    assert!(!wakeups.is_pending(), "a refused write disarms");
}

/// spec: M4
#[test]
fn a_reader_waits_while_an_event_is_in_progress() {
    let mut wakeups = Wakeups::new();
    wakeups.begin();
    assert_eq!(wakeups.read(), None);
    assert_eq!(wakeups.arm(0), Err(Errno::EINVAL));
    wakeups.end();
    assert_eq!(wakeups.read(), Some(1));
}

/// spec: M4 L4
#[test]
fn an_event_after_arming_stops_one_transition() {
    let mut wakeups = Wakeups::new();
    wakeups.arm(0).unwrap();
    wakeups.clear();
    assert!(!wakeups.is_pending());
    wakeups.begin();
    assert!(wakeups.is_pending());
    wakeups.end();
    assert!(wakeups.is_pending(), "asked again, the same answer");
    wakeups.disarm();
    wakeups.clear();
    assert!(!wakeups.is_pending(), "the next transition starts afresh");
}

/// spec: M4
#[test]
fn events_do_not_matter_unless_armed() {
    let mut wakeups = Wakeups::new();
    wakeups.event();
    assert!(!wakeups.is_pending());
    wakeups.abort();
    assert!(wakeups.is_pending(), "an abort always does");
    wakeups.clear();
    assert!(!wakeups.is_pending());
}

/// (freezer-spec M6)
#[test]
fn suspend_stats_count_by_step() {
    let mut stats = SuspendStats::default();
    stats.record(Ok(()));
    stats.record(Err((FailedStep::Freeze, Errno::EBUSY)));
    stats.record(Err((FailedStep::Suspend, Errno::EIO)));
    assert_eq!((stats.success, stats.fail), (1, 2));
    assert_eq!((stats.failed_freeze, stats.failed_suspend), (1, 1));
    assert_eq!(stats.last_failed, Some((FailedStep::Suspend, Errno::EIO)));
}

/// spec: L7
#[test]
fn freeze_stats_add_both_phases() {
    let user = Record {
        phase: Phase::User,
        outcome: Outcome::Frozen,
        elapsed_ns: 12_345,
        ended_ns: 50_000,
        awake: 3,
        signalled: 2,
        woken: 0,
        kicked: 2,
        refusing: 0,
        busy_works: 0,
    };
    let kernel = Record {
        phase: Phase::Kernel,
        outcome: Outcome::TimedOut,
        elapsed_ns: 20_000_000_000,
        signalled: 1,
        woken: 1,
        kicked: 0,
        refusing: 1,
        ..user
    };
    let mut stats = FreezeStats::default();
    assert!(stats.to_string().starts_with("outcome none\n"));
    stats.record(&kernel, 0);
    stats.record(&user, 43);
    assert!(stats.to_string().contains("kernel_us 0.000\n"), "a new freeze");
    stats.record(&kernel, 43);
    stats.record_thaw(70_000, 1_002);
    assert_eq!(
        stats.to_string(),
        "outcome failed\nuser_us 12.345\nkernel_us 20000000.000\n\
         thaw_us 1.002\nfrozen_at_ns 50000\nthawed_at_ns 70000\n\
         awake 6\nasleep 40\nsweeps 2\nsignalled 3\nwoken 1\nipis 2\nrefusing 1\n"
    );
}

/// spec: L5 L6
#[test]
fn seconds_have_three_places() {
    assert_eq!(Seconds(0).to_string(), "0.000");
    assert_eq!(Seconds(1_999_999).to_string(), "0.001");
    assert_eq!(Seconds(20_003_000_000).to_string(), "20.003");
}
