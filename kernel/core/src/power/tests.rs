//! What the files of `/sys/power` take and show.

use kernel_abi::Errno;

use super::console::Seconds;
use super::stats::{FailedStep, Failure, FreezeStats, SuspendStats, Thaw};
use super::wakeup::{Source, Wakeups};
use super::{
    Choice, MemSleep, SleepState, TestLevel, Word, parse, parse_count,
    parse_timeout_ms,
};
use crate::freezer::{Outcome, Phase, Record};

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

/// An event that is over as soon as it begins.
fn event(wakeups: &mut Wakeups) {
    wakeups.event(Source::Console, 0, 0);
}

/// spec: M4
#[test]
fn a_stale_wakeup_count_is_refused() {
    let mut wakeups = Wakeups::new();
    event(&mut wakeups);
    assert_eq!(wakeups.read(0), Ok(1));
    assert_eq!(wakeups.arm(0, 0), Err(Errno::EINVAL));
    assert!(!wakeups.is_pending(0), "not armed");
    assert_eq!(wakeups.arm(1, 0), Ok(()));
    event(&mut wakeups);
    assert_eq!(wakeups.arm(1, 0), Err(Errno::EINVAL));
    assert!(!wakeups.is_pending(0), "a refused write disarms");
}

/// spec: M4
#[test]
fn a_reader_waits_while_an_event_is_in_progress() {
    let mut wakeups = Wakeups::new();
    wakeups.event(Source::Clock, 1000, 50);
    assert_eq!(wakeups.read(1000), Err(1050));
    assert_eq!(wakeups.read(1049), Err(1050));
    assert_eq!(wakeups.arm(0, 1049), Err(Errno::EINVAL));
    assert_eq!(wakeups.arm(1, 1049), Err(Errno::EINVAL));
    assert_eq!(wakeups.read(1050), Ok(1));
    assert_eq!(wakeups.arm(1, 1050), Ok(()));
}

/// spec: M4
#[test]
fn an_event_that_goes_on_is_one_event() {
    let mut wakeups = Wakeups::new();
    wakeups.event(Source::Console, 0, 50);
    wakeups.event(Source::Console, 40, 50);
    assert_eq!(wakeups.read(60), Err(90), "the second prolongs the first");
    wakeups.event(Source::Console, 80, 5);
    assert_eq!(wakeups.read(85), Err(90), "and never shortens it");
    assert_eq!(wakeups.read(90), Ok(1));
    wakeups.event(Source::Console, 100, 50);
    assert_eq!(wakeups.read(150), Ok(2));
    assert_eq!(wakeups.reported(), 4);
}

/// spec: M4
#[test]
fn sources_have_events_of_their_own() {
    let mut wakeups = Wakeups::new();
    wakeups.event(Source::Console, 0, 50);
    wakeups.event(Source::Clock, 10, 100);
    assert_eq!(wakeups.read(20), Err(110), "until the last is over");
    assert_eq!(wakeups.read(70), Err(110));
    assert_eq!(wakeups.read(110), Ok(2));
}

/// spec: M4 L4
#[test]
fn an_event_after_arming_stops_one_transition() {
    let mut wakeups = Wakeups::new();
    wakeups.arm(0, 0).unwrap();
    wakeups.clear();
    assert!(!wakeups.is_pending(0));
    wakeups.event(Source::Clock, 10, 50);
    assert!(wakeups.is_pending(20), "in progress");
    assert!(wakeups.is_pending(90), "asked again, the same answer");
    wakeups.disarm();
    wakeups.clear();
    assert!(!wakeups.is_pending(90), "the next transition starts afresh");
}

/// spec: M4 L4
#[test]
fn an_event_that_began_and_ended_unseen_stops_it_too() {
    let mut wakeups = Wakeups::new();
    wakeups.arm(0, 0).unwrap();
    wakeups.event(Source::Clock, 10, 50);
    assert!(wakeups.is_pending(1000));
}

/// spec: M4
#[test]
fn events_do_not_matter_unless_armed() {
    let mut wakeups = Wakeups::new();
    event(&mut wakeups);
    wakeups.event(Source::Clock, 0, 50);
    assert!(!wakeups.is_pending(10));
}

/// spec: M4
#[test]
fn a_report_is_told_from_those_before() {
    let mut wakeups = Wakeups::new();
    wakeups.event(Source::Console, 0, 50);
    let before = wakeups.reported();
    assert_eq!(wakeups.read(50), Ok(1));
    assert_eq!(wakeups.reported(), before, "the end of one is no other");
    wakeups.event(Source::Console, 60, 50);
    assert_ne!(wakeups.reported(), before);
}

/// spec: M6
#[test]
fn suspend_stats_count_by_step() {
    let mut stats = SuspendStats::default();
    let failure = |step, errno| Err(Failure { step, errno });
    stats.record(Ok(()));
    stats.record(failure(Some(FailedStep::Freeze), Errno::EBUSY));
    stats.record(failure(Some(FailedStep::Suspend), Errno::EIO));
    assert_eq!((stats.success, stats.fail), (1, 2));
    assert_eq!((stats.failed_freeze, stats.failed_suspend), (1, 1));
    assert_eq!(stats.last_errno, Some(Errno::EIO));
    assert_eq!(stats.last_step, Some(FailedStep::Suspend));
}

/// spec: M6
#[test]
fn a_suspend_refused_before_its_first_step_is_a_failure() {
    let mut stats = SuspendStats::default();
    let step = Some(FailedStep::Freeze);
    stats.record(Err(Failure { step, errno: Errno::EBUSY }));
    stats.record(Err(Failure { step: None, errno: Errno::EAGAIN }));
    assert_eq!((stats.fail, stats.failed_freeze), (2, 1));
    assert_eq!(stats.last_errno, Some(Errno::EAGAIN));
    assert_eq!(stats.last_step, step, "the last that there was");
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
    stats.record_thaw(Thaw {
        began_ns: 70_000,
        log_ns: 500,
        elapsed_ns: 1_502,
    });
    assert_eq!(
        stats.to_string(),
        "outcome failed\nuser_us 12.345\nkernel_us 20000000.000\n\
         thaw_us 1.002\nthaw_log_us 0.500\nfrozen_at_ns 50000\nthawed_at_ns 70000\n\
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
