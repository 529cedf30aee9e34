//! Group stop and continue.

use kernel_abi::Errno;
use kernel_abi::signal::{
    SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGTSTP, SIGTTIN, SIGUSR1,
};

use super::{block, handle, process, send};
use crate::signal::state::{SignalState, ThreadKey};
use crate::signal::{Delivery, Everybody, Notice, SignalSet, Style};

/// Sends a stop signal and lets every thread take part.
fn stop_all(state: &mut SignalState, keys: &[ThreadKey], signal: u32) {
    let first = send(state, signal).thread.unwrap();
    assert!(matches!(state.dequeue(first), Delivery::Stop { .. }));
    assert!(state.begin_stop(first, signal));
    let mut notice = state.participate(first);
    for &key in keys.iter().filter(|&&key| key != first) {
        assert_eq!(notice, None);
        assert_eq!(state.dequeue(key), Delivery::JoinStop);
        notice = state.participate(key);
    }
    assert_eq!(notice, Some(Notice::Stopped(signal)));
}

#[test]
fn a_process_stops_when_its_last_thread_does() {
    let (mut state, keys) = process(3);
    stop_all(&mut state, &keys, SIGSTOP);
    assert!(keys.iter().all(|&key| state.is_stopped(key)));
    assert_eq!(state.wait_stopped(false), Some(SIGSTOP));
    assert_eq!(state.wait_stopped(true), Some(SIGSTOP));
    assert_eq!(state.wait_stopped(true), None);
}

#[test]
fn terminal_stops_ask_whether_the_group_is_orphaned() {
    for (signal, expected) in
        [(SIGSTOP, false), (SIGTSTP, true), (SIGTTIN, true)]
    {
        let (mut state, keys) = process(1);
        let _ = send(&mut state, signal);
        let Delivery::Stop { unless_orphaned, .. } = state.dequeue(keys[0])
        else {
            panic!("no stop");
        };
        assert_eq!(unless_orphaned, expected);
    }
}

#[test]
fn sigcont_ends_a_stop_and_is_reported_once() {
    // spec: G5
    let (mut state, keys) = process(2);
    stop_all(&mut state, &keys, SIGSTOP);
    let sent = send(&mut state, SIGCONT);
    assert_eq!(sent.everybody, Everybody::Resume);
    assert_eq!(sent.notice, Some(Notice::Continued));
    assert!(!keys.iter().any(|&key| state.is_stopped(key)));
    assert_eq!(state.wait_stopped(true), None);
    assert!(state.wait_continued(false));
    assert!(state.wait_continued(true));
    assert!(!state.wait_continued(true));
    assert_eq!(send(&mut state, SIGCONT).notice, None);
}

#[test]
fn sigcont_works_blocked_ignored_and_handled() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGCONT, 0, SignalSet::EMPTY);
    block(&mut state, keys[0], &[SIGCONT]);
    stop_all(&mut state, &keys, SIGSTOP);
    assert_eq!(send(&mut state, SIGCONT).everybody, Everybody::Resume);
    assert!(!state.is_stopped(keys[0]));
    block(&mut state, keys[0], &[]);
    assert!(matches!(state.dequeue(keys[0]), Delivery::Handler(_)));
}

#[test]
fn stop_signals_and_sigcont_cancel_each_other() {
    let (mut state, keys) = process(1);
    block(&mut state, keys[0], &[SIGTSTP, SIGCONT]);
    let _ = send(&mut state, SIGTSTP);
    let _ = send(&mut state, SIGCONT);
    assert_eq!(state.pending(keys[0]), SignalSet::one(SIGCONT));
    let _ = send(&mut state, SIGTSTP);
    assert_eq!(state.pending(keys[0]), SignalSet::one(SIGTSTP));
}

#[test]
fn sigcont_between_taking_and_stopping_wins() {
    let (mut state, keys) = process(1);
    let _ = send(&mut state, SIGTSTP);
    assert!(matches!(state.dequeue(keys[0]), Delivery::Stop { .. }));
    let _ = send(&mut state, SIGCONT);
    assert!(!state.begin_stop(keys[0], SIGTSTP));
    assert_eq!(state.dequeue(keys[0]), Delivery::Nothing);
}

#[test]
fn sigcont_during_a_stop_reports_the_stop_and_the_end_of_it() {
    let (mut state, keys) = process(2);
    let first = send(&mut state, SIGSTOP).thread.unwrap();
    let _ = state.dequeue(first);
    assert!(state.begin_stop(first, SIGSTOP));
    let others: Vec<_> = state.others_to_stop(first).collect();
    assert_eq!(others, [keys[1]]);
    assert_eq!(state.participate(first), None);
    let sent = send(&mut state, SIGCONT);
    assert_eq!(sent.notice, Some(Notice::Stopped(SIGSTOP)));
    assert_eq!(state.dequeue(keys[1]), Delivery::Nothing);
    assert_eq!(state.participate(keys[1]), None);
    assert!(state.wait_continued(true));
}

#[test]
fn a_thread_that_exits_is_not_waited_for() {
    let (mut state, keys) = process(2);
    let first = send(&mut state, SIGSTOP).thread.unwrap();
    let _ = state.dequeue(first);
    assert!(state.begin_stop(first, SIGSTOP));
    assert_eq!(state.participate(first), None);
    let departure = state.remove_thread(keys[1]);
    assert_eq!(departure.notice, Some(Notice::Stopped(SIGSTOP)));
}

#[test]
fn no_thread_is_born_into_a_stop() {
    let (mut state, _) = process(2);
    let first = send(&mut state, SIGSTOP).thread.unwrap();
    let _ = state.dequeue(first);
    assert!(state.begin_stop(first, SIGSTOP));
    let born = state.add_thread(SignalSet::EMPTY);
    assert_eq!(born, Err(Errno::ERESTARTNOINTR));
}

#[test]
fn sigkill_ends_a_stopped_process() {
    let (mut state, keys) = process(2);
    stop_all(&mut state, &keys, SIGSTOP);
    assert_eq!(send(&mut state, SIGKILL).everybody, Everybody::Kill);
    assert!(!state.is_stopped(keys[0]));
    assert_eq!(state.wait_stopped(true), None);
    assert_eq!(state.dequeue(keys[1]), Delivery::Exit(SIGKILL));
}

#[test]
fn other_signals_wait_until_a_stopped_process_goes_on() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    stop_all(&mut state, &keys, SIGSTOP);
    assert_eq!(send(&mut state, SIGUSR1).thread, None);
    let sent = send(&mut state, SIGTERM);
    assert_eq!((sent.thread, sent.everybody), (None, Everybody::Nothing));
    let _ = send(&mut state, SIGCONT);
    assert!(matches!(state.dequeue(keys[0]), Delivery::Handler(_)));
    let expected = Delivery::Terminate { signal: SIGTERM, core: false };
    assert_eq!(state.dequeue(keys[0]), expected);
}

#[test]
fn a_process_can_be_stopped_again() {
    let (mut state, keys) = process(2);
    for signal in [SIGSTOP, SIGTSTP] {
        stop_all(&mut state, &keys, signal);
        assert_eq!(state.wait_stopped(true), Some(signal));
        let _ = send(&mut state, SIGCONT);
    }
}

#[test]
fn exec_does_not_lose_a_stop_that_is_under_way() {
    for continues in [false, true] {
        let (mut state, keys) = process(3);
        let first = send(&mut state, SIGTSTP).thread.unwrap();
        let _ = state.dequeue(first);
        assert!(state.begin_stop(first, SIGTSTP));
        assert_eq!(state.participate(first), None);
        assert!(state.begin_exec(keys[1]));
        assert!(!state.is_stopped(first));
        for key in [keys[0], keys[2]] {
            assert_eq!(state.dequeue(key), Delivery::Exit(0));
            assert_eq!(state.remove_thread(key).notice, None);
        }
        if continues {
            let notice = send(&mut state, SIGCONT).notice;
            assert_eq!(notice, Some(Notice::Stopped(SIGTSTP)));
            assert_eq!(state.dequeue(keys[1]), Delivery::Nothing);
        } else {
            assert_eq!(state.dequeue(keys[1]), Delivery::JoinStop);
            let notice = state.participate(keys[1]);
            assert_eq!(notice, Some(Notice::Stopped(SIGTSTP)));
        }
    }
}

#[test]
fn exec_does_not_lose_a_stop_signal_that_another_thread_took() {
    for continues in [false, true] {
        let (mut state, keys) = process(2);
        let first = send(&mut state, SIGSTOP).thread.unwrap();
        assert!(matches!(state.dequeue(first), Delivery::Stop { .. }));
        assert!(state.begin_exec(keys[1]));
        if continues {
            let _ = send(&mut state, SIGCONT);
        }
        assert!(!state.begin_stop(first, SIGSTOP));
        let kept = if continues { &[][..] } else { &[SIGSTOP] };
        let departure = state.remove_thread(first);
        assert_eq!(departure.retarget, SignalSet::of(kept));
        let next = state.dequeue(keys[1]);
        assert_eq!(matches!(next, Delivery::Stop { .. }), !continues);
    }
}

#[test]
fn exec_of_one_that_is_not_asked_to_stop_ends_the_stop() {
    let (mut state, keys) = process(2);
    stop_all(&mut state, &keys, SIGSTOP);
    assert_eq!(state.attach(keys[1], Style::Seized, 0), Ok(true));
    assert!(state.begin_exec(keys[1]));
    assert_eq!(state.wait_stopped(true), None);
}
