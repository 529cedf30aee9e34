//! What a tracer hears of, and decides.

use kernel_abi::Errno;
use kernel_abi::ptrace::{EVENT_STOP, O_EXITKILL, O_TRACESYSGOOD};
use kernel_abi::signal::{
    SI_USER, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGTRAP, SIGUSR1,
    SigInfo,
};

use super::{block, handle, info, process, send, send_to};
use crate::signal::state::{SignalState, ThreadKey};
use crate::signal::{
    Begun, Cause, Delivery, Everybody, Notice, Reason, Resume, SignalSet,
    Style, TraceStop,
};

mod lost;

const TRACER: [u32; 2] = [7, 1000];

/// The thread is asked to stop.
const ASKED: Reason = Reason::Asked { id: 42, user: 0 };

fn traced(style: Style) -> (SignalState, ThreadKey) {
    let (mut state, keys) = process(1);
    assert_eq!(state.attach(keys[0], style, 0), Ok(false));
    (state, keys[0])
}

/// The thread stops before a signal acts.
fn stop_at_signal(state: &mut SignalState, key: ThreadKey) -> SigInfo {
    let Delivery::Report(info) = state.dequeue(key) else {
        panic!("nothing to report")
    };
    let what = TraceStop::signal(info);
    let begun = state.begin_trace_stop(key, Reason::Happened(what), 0);
    assert_eq!(begun, Some(Begun { what, notice: None }));
    info
}

fn trap(state: &mut SignalState, key: ThreadKey) -> Option<Notice> {
    assert_eq!(state.dequeue(key), Delivery::Trap);
    state.begin_trace_stop(key, ASKED, 0).expect("it is traced").notice
}

/// The tracer lets it go on; what the thread does then.
fn go_on(
    state: &mut SignalState,
    key: ThreadKey,
    signal: u32,
) -> Option<Delivery> {
    state.resume(key, Resume::Continue, signal.into()).unwrap();
    let decision = state.end_trace_stop(key);
    assert_eq!(decision.signal, signal);
    state.after_report(key, decision, TRACER)
}

#[test]
fn a_tracer_hears_of_a_signal_first_and_decides() {
    let (mut state, key) = traced(Style::Attached);
    // It would kill, but the tracer is asked before.
    assert_eq!(send(&mut state, SIGTERM).everybody, Everybody::Nothing);
    stop_at_signal(&mut state, key);
    assert!(state.is_trace_stopped(key));
    assert_eq!(state.report_trace(key, false), Some(SIGTERM));
    assert_eq!(state.report_trace(key, true), Some(SIGTERM));
    assert_eq!(state.report_trace(key, true), None);
    assert_eq!(go_on(&mut state, key, 0), None);
    assert_eq!(state.dequeue(key), Delivery::Nothing);
    let _ = send(&mut state, SIGTERM);
    stop_at_signal(&mut state, key);
    let kill = Delivery::Terminate { signal: SIGTERM, core: false };
    assert_eq!(go_on(&mut state, key, SIGTERM), Some(kill));
}

#[test]
fn an_exchanged_signal_comes_from_the_tracer() {
    let (mut state, key) = traced(Style::Attached);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    let _ = send(&mut state, SIGTERM);
    stop_at_signal(&mut state, key);
    let Some(Delivery::Handler(handler)) = go_on(&mut state, key, SIGUSR1)
    else {
        panic!("no handler")
    };
    let expected = SigInfo::from_user(SIGUSR1, SI_USER, 7, 1000);
    assert_eq!(handler.info, expected);
}

#[test]
fn a_signal_that_is_blocked_by_then_waits() {
    let (mut state, key) = traced(Style::Attached);
    let _ = send(&mut state, SIGTERM);
    let taken = stop_at_signal(&mut state, key);
    block(&mut state, key, &[SIGTERM]);
    assert_eq!(go_on(&mut state, key, taken.signo as u32), None);
    assert!(state.pending(key).contains(SIGTERM));
}

#[test]
fn a_tracer_hears_of_ignored_signals_too() {
    let (mut state, key) = traced(Style::Attached);
    let _ = send(&mut state, SIGCHLD);
    stop_at_signal(&mut state, key);
    assert_eq!(go_on(&mut state, key, SIGCHLD), None);
}

#[test]
fn the_tracer_may_change_what_the_signal_tells() {
    let (mut state, key) = traced(Style::Attached);
    handle(&mut state, SIGTERM, 0, SignalSet::EMPTY);
    let _ = send(&mut state, SIGTERM);
    let mut told = stop_at_signal(&mut state, key);
    assert_eq!(state.trace_info(key), Ok(told));
    told.fields[1] = 99;
    assert_eq!(state.set_trace_info(key, told), Ok(()));
    let Some(Delivery::Handler(handler)) = go_on(&mut state, key, SIGTERM)
    else {
        panic!("no handler")
    };
    assert_eq!(handler.info.fields[1], 99);
}

#[test]
fn a_kill_is_not_asked_about_and_ends_a_stop() {
    let (mut state, key) = traced(Style::Seized);
    let _ = send(&mut state, SIGTERM);
    stop_at_signal(&mut state, key);
    assert_eq!(send(&mut state, SIGKILL).everybody, Everybody::Kill);
    assert!(!state.is_trace_stopped(key));
    assert_eq!(state.report_trace(key, true), None);
    assert_eq!(state.resume(key, Resume::Continue, 0), Err(Errno::ESRCH));
    let _ = state.end_trace_stop(key);
    assert_eq!(state.dequeue(key), Delivery::Exit(SIGKILL));
}

#[test]
fn a_thread_that_runs_can_be_asked_nothing() {
    let (mut state, key) = traced(Style::Seized);
    assert_eq!(state.trace_message(key), Err(Errno::ESRCH));
    assert_eq!(state.trace_stop(key), Err(Errno::ESRCH));
    assert_eq!(state.listen(key), Err(Errno::ESRCH));
    assert_eq!(state.detach(key, 0), Err(Errno::ESRCH));
    assert_eq!(state.attach(key, Style::Seized, 0), Err(Errno::EPERM));
    assert_eq!(state.resume(key, Resume::Step, 65), Err(Errno::EIO));
}

#[test]
fn an_interrupt_is_for_seized_threads_and_shows_event_stop() {
    // spec: G8
    let (mut state, key) = traced(Style::Attached);
    assert_eq!(state.interrupt(key), Err(Errno::EIO));
    let (mut state, key) = traced(Style::Seized);
    assert!(!state.needs_attention(key));
    assert_eq!(state.interrupt(key), Ok(()));
    assert!(state.needs_attention(key));
    // It is not stopped before it takes the trap, which a frozen one does
    // after the thaw.
    assert_eq!(state.report_trace(key, true), None);
    assert_eq!(trap(&mut state, key), None);
    let code = SIGTRAP | EVENT_STOP << 8;
    assert_eq!(state.report_trace(key, true), Some(code));
    assert_eq!(state.trace_info(key).map(|it| it.code), Ok(code as i32));
}

/// Stops a process of one traced thread with its group.
fn stop_group(state: &mut SignalState, key: ThreadKey) {
    let _ = send(state, SIGSTOP);
    stop_at_signal(state, key);
    let decided = go_on(state, key, SIGSTOP);
    assert!(matches!(decided, Some(Delivery::Stop { .. })));
    assert!(state.begin_stop(key, SIGSTOP));
    assert_eq!(trap(state, key), Some(Notice::Stopped(SIGSTOP)));
}

#[test]
fn a_group_stop_of_a_seized_thread_can_be_listened_to() {
    let (mut state, key) = traced(Style::Seized);
    stop_group(&mut state, key);
    let code = SIGSTOP | EVENT_STOP << 8;
    assert_eq!(state.report_trace(key, true), Some(code));
    assert_eq!(state.listen(key), Ok(()));
    assert!(state.is_trace_stopped(key));
    assert_eq!(state.trace_message(key), Err(Errno::ESRCH));
    // The end of the stop is a trap of its own.
    let sent = send(&mut state, SIGCONT);
    assert_eq!(sent.notice, Some(Notice::Continued));
    assert!(!state.is_trace_stopped(key));
    let _ = state.end_trace_stop(key);
    assert_eq!(trap(&mut state, key), None);
    let code = SIGTRAP | EVENT_STOP << 8;
    assert_eq!(state.report_trace(key, true), Some(code));
}

#[test]
fn a_group_stop_of_an_attached_thread_shows_no_signal() {
    let (mut state, key) = traced(Style::Attached);
    stop_group(&mut state, key);
    assert_eq!(state.report_trace(key, true), Some(SIGSTOP));
    assert_eq!(state.trace_info(key), Err(Errno::EINVAL));
    assert_eq!(state.listen(key), Err(Errno::EIO));
}

#[test]
fn a_group_stop_that_is_over_by_then_is_not_shown() {
    // spec: G8
    let (mut state, keys) = process(1);
    let key = keys[0];
    let _ = send(&mut state, SIGSTOP);
    assert!(matches!(state.dequeue(key), Delivery::Stop { .. }));
    assert!(state.begin_stop(key, SIGSTOP));
    let _ = state.participate(key);
    // As strace begins: seize, interrupt, continue; the thread is as far as
    // here when the last two come.
    assert_eq!(state.attach(key, Style::Seized, 0), Ok(true));
    assert_eq!(state.dequeue(key), Delivery::Trap);
    assert_eq!(state.interrupt(key), Ok(()));
    let _ = send(&mut state, SIGCONT);
    assert!(state.begin_trace_stop(key, ASKED, 0).is_some());
    // To a stop by SIGSTOP it would answer with PTRACE_LISTEN, for ever.
    let code = SIGTRAP | EVENT_STOP << 8;
    assert_eq!(state.report_trace(key, true), Some(code));
}

#[test]
fn an_attached_thread_does_not_trap_for_a_stop_that_is_over() {
    let (mut state, key) = traced(Style::Attached);
    let _ = send(&mut state, SIGSTOP);
    stop_at_signal(&mut state, key);
    assert!(go_on(&mut state, key, SIGSTOP).is_some());
    assert!(state.begin_stop(key, SIGSTOP));
    assert_eq!(state.dequeue(key), Delivery::Trap);
    let _ = send(&mut state, SIGCONT);
    assert_eq!(state.begin_trace_stop(key, ASKED, 0), None);
    assert!(!state.is_trace_stopped(key));
}

#[test]
fn sigcont_in_a_trace_stop_takes_the_stop_signal_back() {
    let (mut state, key) = traced(Style::Attached);
    let _ = send(&mut state, SIGSTOP);
    stop_at_signal(&mut state, key);
    let _ = send(&mut state, SIGCONT);
    let decided = go_on(&mut state, key, SIGSTOP);
    assert!(matches!(decided, Some(Delivery::Stop { .. })));
    assert!(!state.begin_stop(key, SIGSTOP));
}

#[test]
fn a_stopped_thread_that_is_attached_traps() {
    // spec: G8
    let (mut state, keys) = process(1);
    let key = keys[0];
    let _ = send(&mut state, SIGSTOP);
    assert!(matches!(state.dequeue(key), Delivery::Stop { .. }));
    assert!(state.begin_stop(key, SIGSTOP));
    let _ = state.participate(key);
    assert_eq!(state.attach(key, Style::Attached, 0), Ok(true));
    assert!(!state.is_stopped(key));
    assert_eq!(trap(&mut state, key), None);
    assert_eq!(state.report_trace(key, true), Some(SIGSTOP));
    // Let go, it is a stopped thread again.
    assert_eq!(state.detach(key, 0), Ok(()));
    assert!(!state.is_trace_stopped(key));
    assert_eq!(state.end_trace_stop(key).signal, 0);
    assert_eq!(state.dequeue(key), Delivery::JoinStop);
    assert_eq!(state.participate(key), None);
    assert!(state.is_stopped(key));
}

#[test]
fn a_thread_that_is_attached_on_its_way_to_a_group_stop_traps() {
    // spec: G8
    for style in [Style::Attached, Style::Seized] {
        let (mut state, keys) = process(2);
        let first = send(&mut state, SIGSTOP).thread.unwrap();
        assert!(matches!(state.dequeue(first), Delivery::Stop { .. }));
        assert!(state.begin_stop(first, SIGSTOP));
        assert_eq!(state.dequeue(keys[1]), Delivery::JoinStop);
        for &key in &keys {
            assert_eq!(state.attach(key, style, 0), Ok(false));
            assert_eq!(state.participate(key), None);
            assert!(!state.is_stopped(key));
        }
        assert_eq!(trap(&mut state, keys[0]), None);
        let stopped = Some(Notice::Stopped(SIGSTOP));
        assert_eq!(trap(&mut state, keys[1]), stopped);
    }
}

#[test]
fn options_say_how_system_calls_and_the_end_look() {
    let (mut state, key) = traced(Style::Seized);
    assert_eq!(state.system_call_code(key), SIGTRAP);
    let stop = TraceStop::trap(Cause::Entry, SIGTRAP, 42, 0);
    let reason = Reason::Happened(stop);
    assert!(state.begin_trace_stop(key, reason, 5).is_some());
    assert_eq!(state.trace_message(key), Ok(5));
    assert_eq!(state.set_trace_options(key, 1 << 31), Err(Errno::EINVAL));
    let options = O_TRACESYSGOOD | O_EXITKILL;
    assert_eq!(state.set_trace_options(key, options), Ok(()));
    assert_eq!(state.system_call_code(key), SIGTRAP | 0x80);
    assert!(state.dies_with_tracer(key));
    assert_eq!(state.resume(key, Resume::SystemCall, 0), Ok(()));
    assert_eq!(state.resume_mode(key), Some(Resume::SystemCall));
}

#[test]
fn a_child_is_traced_like_its_parent_and_traps_first() {
    for style in [Style::Attached, Style::Seized] {
        let (mut state, keys) = process(1);
        state.inherit_trace(keys[0], (style, O_EXITKILL));
        assert_eq!(state.trace_settings(keys[0]), Some((style, O_EXITKILL)));
        assert!(state.needs_attention(keys[0]));
        match (style, state.dequeue(keys[0])) {
            (Style::Attached, Delivery::Report(info)) => {
                assert_eq!(info.signo as u32, SIGSTOP);
            }
            (Style::Seized, Delivery::Trap) => {}
            (_, other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_stopped_thread_gets_no_signal_meant_for_the_process() {
    let (mut state, keys) = process(2);
    assert_eq!(state.attach(keys[0], Style::Seized, 0), Ok(false));
    let _ = send_to(&mut state, keys[0], SIGUSR1);
    stop_at_signal(&mut state, keys[0]);
    handle(&mut state, SIGTERM, 0, SignalSet::EMPTY);
    assert_eq!(send(&mut state, SIGTERM).thread, Some(keys[1]));
    let told = state.trace_info(keys[0]);
    assert_eq!(told, Ok(info(SIGUSR1)));
}
