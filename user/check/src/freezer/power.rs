//! The files in `/sys/power` and what belongs to them: grammar, errors and
//! effects.

use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use user_lib::linux::O_WRONLY;
use user_lib::time::{self, Time};
use user_lib::{Errno, cpu, file};

use super::{
    FAILED, LEVEL, STATE, SUCCESS, TIMEOUT, ensure_refused, freeze, now_ms,
    number, prepare, words,
};
use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_some_round, tests};
use user_lib::child::Child;

tests! {
    states_are_shown_and_others_refused
    a_write_takes_all_of_its_bytes
    only_one_transition_goes_on_at_a_time
    test_levels_have_their_grammar
    levels_beyond_suspend_to_idle_are_refused
    a_test_lasts_as_long_as_its_delay
    the_time_out_has_its_grammar
    every_success_is_counted
    events_are_handled_before_and_after_a_freeze
}

/// Every suspend that did not come about.
const FAILURES: &str = "/sys/power/suspend_stats/fail";
const LAST_ERRNO: &str = "/sys/power/suspend_stats/last_failed_errno";
const EVENT: &str = "/sys/kernel/hub/event";

// spec: M1 M2
fn states_are_shown_and_others_refused() -> Outcome {
    ensure_eq!(file::text(STATE)?, "freeze mem\n");
    let wrong = ["standby", "disk", "Mem", "me", "memo", " mem", "mem ", "\n"];
    ensure_refused(STATE, &wrong)?;
    let kinds = "/sys/power/mem_sleep";
    ensure_eq!(file::text(kinds)?, "[s2idle]\n");
    ensure_refused(kinds, &["deep", "shallow", "[s2idle]"])?;
    ensure_eq!(file::overwrite(kinds, b"s2idle\n"), Ok(()));
    Ok(())
}

// spec: M1
fn a_write_takes_all_of_its_bytes() -> Outcome {
    prepare(0)?;
    let state = file::open(STATE, O_WRONLY, 0)?;
    let before = number(SUCCESS)?;
    ensure_eq!(file::write(state, b""), Ok(0));
    ensure_eq!(number(SUCCESS)?, before);
    ensure_eq!(file::write(state, b"mem\n"), Ok(4));
    ensure_eq!(file::write(state, b"freeze\nrest"), Ok(11));
    ensure_eq!(number(SUCCESS)?, before + 2);
    Ok(())
}

/// Who comes while another's freeze begins is told so, or is frozen and has
/// its turn later.
// spec: M1 C6 M6
fn only_one_transition_goes_on_at_a_time() -> Outcome {
    let [gate, done, refused] = words()?;
    prepare(0)?;
    let before = number(SUCCESS)?;
    let failures = number(FAILURES)?;
    let mut children = Vec::new();
    for _ in 0..4 {
        children.push(Child::start(|| {
            while gate.load(Ordering::Acquire) == 0 {
                cpu::relax();
            }
            for _ in 0..5 {
                let counter = match file::overwrite(STATE, b"mem") {
                    Ok(()) => done,
                    Err(Errno::EBUSY) => refused,
                    Err(_) => return 1,
                };
                counter.fetch_add(1, Ordering::Release);
            }
            0
        })?);
    }
    gate.store(1, Ordering::Release);
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    let (done, refused) =
        (done.load(Ordering::Acquire), refused.load(Ordering::Acquire));
    ensure_eq!(done + refused, 20);
    ensure!(done > 0);
    ensure_eq!(number(SUCCESS)?, before + done);
    ensure_eq!(number(FAILURES)?, failures + refused);
    Ok(())
}

// spec: M3
fn test_levels_have_their_grammar() -> Outcome {
    let words = ["none", "core", "processors", "platform", "devices"];
    for word in words {
        file::overwrite(LEVEL, word.as_bytes())?;
        let text = file::text(LEVEL)?;
        ensure!(text.contains(&format!("[{word}]")));
        ensure_eq!(text.matches('[').count(), 1);
    }
    ensure_refused(LEVEL, &["freezers", "FREEZER", " none", "0", "\n"])?;
    file::overwrite(LEVEL, b"none\n")?;
    let all = "[none] core processors platform devices freezer\n";
    ensure_eq!(file::text(LEVEL)?, all);
    Ok(())
}

/// A refusal is counted, though no step was reached.
// spec: M3 M6
fn levels_beyond_suspend_to_idle_are_refused() -> Outcome {
    prepare(0)?;
    let (failures, in_freeze) = (number(FAILURES)?, number(FAILED)?);
    for level in ["core", "processors"] {
        file::overwrite(LEVEL, level.as_bytes())?;
        let result = file::overwrite(STATE, b"freeze");
        ensure_eq!(result, Err(Errno::EAGAIN));
    }
    ensure_eq!(number(FAILURES)?, failures + 2);
    ensure_eq!(number(FAILED)?, in_freeze);
    ensure_eq!(file::text(LAST_ERRNO)?, "-11\n");
    for level in ["platform", "devices", "freezer"] {
        file::overwrite(LEVEL, level.as_bytes())?;
        ensure_eq!(file::overwrite(STATE, b"freeze"), Ok(()));
    }
    Ok(())
}

// spec: M3
fn a_test_lasts_as_long_as_its_delay() -> Outcome {
    for seconds in [0, 1] {
        in_some_round(|| {
            let start = now_ms();
            freeze(seconds)?;
            let taken = now_ms() - start;
            ensure!(taken >= seconds * 1000);
            Ok(taken < seconds * 1000 + 800)
        })?;
    }
    Ok(())
}

// spec: L1
fn the_time_out_has_its_grammar() -> Outcome {
    for good in ["0", "1500\n", "4294967295"] {
        file::overwrite(TIMEOUT, good.as_bytes())?;
        let shown = file::text(TIMEOUT)?;
        ensure_eq!(shown.trim(), good.trim());
    }
    let wrong = ["-1", "1x", "0x10", "4294967296", "\n", "twenty", "1 2"];
    ensure_refused(TIMEOUT, &wrong)?;
    ensure_eq!(file::text(TIMEOUT)?, "4294967295\n");
    file::overwrite(TIMEOUT, b"20000").map_err(Failure::from)
}

// spec: M6
fn every_success_is_counted() -> Outcome {
    let (success, failed) = (number(SUCCESS)?, number(FAILED)?);
    for round in 1..=3 {
        freeze(0)?;
        ensure_eq!(number(SUCCESS)?, success + round);
    }
    ensure_eq!(number(FAILED)?, failed);
    Ok(())
}

/// Sends the hub thread an event, and waits until it is handled.
fn send_event() -> Outcome {
    let handled = number(EVENT)?;
    file::overwrite(EVENT, b"1")?;
    while number(EVENT)? != handled + 1 {
        time::sleep(Time::from_millis(1));
    }
    Ok(())
}

// spec: K1 K2 D8
fn events_are_handled_before_and_after_a_freeze() -> Outcome {
    for _ in 0..5 {
        send_event()?;
        freeze(0)?;
        send_event()?;
    }
    // One that is sent right before the freeze is not lost either.
    let handled = number(EVENT)?;
    prepare(0)?;
    for round in 1..=10 {
        file::overwrite(EVENT, b"1")?;
        file::overwrite(STATE, b"mem")?;
        while number(EVENT)? != handled + round {
            time::sleep(Time::from_millis(1));
        }
    }
    Ok(())
}
