//! What becomes of a thread whose tracer ends or lets it go.

use kernel_abi::signal::{SIGCONT, SIGSTOP, SIGTERM, SIGUSR1};

use super::{process, send, send_to, stop_at_signal, traced};
use crate::signal::{Decision, Delivery, Reason, Resume, Style, TraceStop};

#[test]
fn a_lost_tracer_leaves_what_it_has_not_heard_of() {
    for (hears, expected) in [(false, SIGTERM), (true, 0)] {
        let (mut state, key) = traced(Style::Attached);
        let _ = send(&mut state, SIGTERM);
        stop_at_signal(&mut state, key);
        if hears {
            assert_eq!(state.report_trace(key, true), Some(SIGTERM));
        }
        state.release(key, None);
        assert!(!state.is_traced(key));
        assert!(!state.is_trace_stopped(key));
        assert_eq!(state.end_trace_stop(key).signal, expected);
        let nothing = Decision { signal: 0, info: None };
        assert_eq!(state.end_trace_stop(key), nothing);
    }
}

#[test]
fn a_signal_acts_if_the_tracer_is_lost_before_the_stop() {
    let (mut state, key) = traced(Style::Attached);
    let _ = send(&mut state, SIGTERM);
    let Delivery::Report(info) = state.dequeue(key) else {
        panic!("nothing to report")
    };
    state.release(key, None);
    let reason = Reason::Happened(TraceStop::signal(info));
    assert_eq!(state.begin_trace_stop(key, reason, 0), None);
    let kill = Delivery::Terminate { signal: SIGTERM, core: false };
    assert_eq!(state.after_no_report(key, info), Some(kill));
}

#[test]
fn sigcont_takes_a_stop_signal_back_though_the_tracer_is_lost() {
    for continues in [false, true] {
        let (mut state, key) = traced(Style::Attached);
        let _ = send(&mut state, SIGSTOP);
        let Delivery::Report(info) = state.dequeue(key) else {
            panic!("nothing to report")
        };
        state.release(key, None);
        if continues {
            let _ = send(&mut state, SIGCONT);
        }
        let decided = state.after_no_report(key, info);
        assert!(matches!(decided, Some(Delivery::Stop { .. })));
        assert_eq!(state.begin_stop(key, SIGSTOP), !continues);
    }
}

#[test]
fn what_a_lost_tracer_decided_holds() {
    let (mut state, key) = traced(Style::Attached);
    let _ = send(&mut state, SIGTERM);
    stop_at_signal(&mut state, key);
    let signal = SIGUSR1.into();
    assert_eq!(state.resume(key, Resume::Continue, signal), Ok(()));
    state.release(key, None);
    assert!(!state.is_traced(key));
    assert_eq!(state.attach(key, Style::Seized, 0), Ok(false));
    state.release(key, None);
    assert_eq!(state.end_trace_stop(key).signal, SIGUSR1);
    let nothing = Decision { signal: 0, info: None };
    assert_eq!(state.end_trace_stop(key), nothing);
    // Without a signal to keep, nothing is left of the tracing at once.
    assert_eq!(state.attach(key, Style::Attached, 0), Ok(false));
    state.release(key, None);
    assert_eq!(state.end_trace_stop(key), nothing);
}

#[test]
fn one_that_left_its_tracer_can_be_attached_before_it_runs() {
    let (mut state, key) = traced(Style::Attached);
    let _ = send(&mut state, SIGTERM);
    stop_at_signal(&mut state, key);
    assert_eq!(state.detach(key, SIGUSR1.into()), Ok(()));
    assert_eq!(state.attach(key, Style::Seized, 0), Ok(false));
    assert_eq!(state.end_trace_stop(key).signal, SIGUSR1);
    assert!(state.is_traced(key));
}

#[test]
fn a_thread_that_an_exec_ends_leaves_its_signal_to_the_new_program() {
    let (mut state, keys) = process(2);
    assert_eq!(state.attach(keys[1], Style::Attached, 0), Ok(false));
    let _ = send_to(&mut state, keys[1], SIGTERM);
    let Delivery::Report(info) = state.dequeue(keys[1]) else {
        panic!("nothing to report")
    };
    assert!(state.begin_exec(keys[0]));
    let reason = Reason::Happened(TraceStop::signal(info));
    assert_eq!(state.begin_trace_stop(keys[1], reason, 0), None);
    // It does not end the process, in which the exec goes on.
    assert_eq!(state.after_no_report(keys[1], info), None);
    assert_eq!(state.dequeue(keys[1]), Delivery::Exit(0));
    let kill = Delivery::Terminate { signal: SIGTERM, core: false };
    assert_eq!(state.dequeue(keys[0]), kill);
}
