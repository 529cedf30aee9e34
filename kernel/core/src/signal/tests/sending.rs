//! Sending: what is ignored, queued, dropped, and who is told.

use std::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::signal::{
    SI_QUEUE, SI_USER, SIG_IGN, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL,
    SIGQUIT, SIGRTMIN, SIGSEGV, SIGSTOP, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGWINCH, SigAction, SigInfo,
};

use super::{block, handle, info, process, send, send_to};
use crate::memory::quota::{Quota, UNLIMITED};
use crate::signal::Room;
use crate::signal::state::SignalState;
use crate::signal::{Actions, Delivery, Everybody, SignalSet, Target, status};

#[test]
fn ignored_signals_leave_no_trace() {
    let (mut state, keys) = process(1);
    let ignore = SigAction { handler: SIG_IGN, ..SigAction::default() };
    state.set_action(SIGUSR1, ignore).unwrap();
    for signal in [SIGUSR1, SIGCHLD, SIGWINCH] {
        assert_eq!(send(&mut state, signal).thread, None);
        assert_eq!(state.pending_sets(keys[0])[1], SignalSet::EMPTY);
    }
}

#[test]
fn a_blocked_signal_waits_even_if_ignored() {
    let (mut state, keys) = process(1);
    block(&mut state, keys[0], &[SIGCHLD]);
    assert_eq!(send(&mut state, SIGCHLD).thread, None);
    assert_eq!(state.pending(keys[0]), SignalSet::one(SIGCHLD));
    assert!(!state.needs_attention(keys[0]));
    handle(&mut state, SIGCHLD, 0, SignalSet::EMPTY);
    block(&mut state, keys[0], &[]);
    assert!(state.needs_attention(keys[0]));
    assert!(matches!(state.dequeue(keys[0]), Delivery::Handler(_)));
}

#[test]
fn starting_to_ignore_a_signal_discards_it() {
    let (mut state, keys) = process(1);
    block(&mut state, keys[0], &[SIGUSR1]);
    let _ = send(&mut state, SIGUSR1);
    let _ = send_to(&mut state, keys[0], SIGUSR1);
    let ignore = SigAction { handler: SIG_IGN, ..SigAction::default() };
    state.set_action(SIGUSR1, ignore).unwrap();
    assert_eq!(state.pending(keys[0]), SignalSet::EMPTY);
}

#[test]
fn ordinary_signals_coalesce_and_real_time_ones_queue() {
    let (mut state, keys) = process(1);
    block(&mut state, keys[0], &[SIGUSR1, SIGRTMIN]);
    for pid in 1..=3 {
        for signal in [SIGUSR1, SIGRTMIN] {
            let info = SigInfo::from_user(signal, SI_QUEUE, pid, 0);
            let _ = state.send(Target::Process, &info, false).unwrap();
        }
    }
    let mut take = |signal| {
        let set = SignalSet::one(signal);
        state.take_pending(keys[0], set).map(|info| info.pid())
    };
    assert_eq!(take(SIGUSR1), Some(1));
    assert_eq!(take(SIGUSR1), None);
    assert_eq!([take(SIGRTMIN), take(SIGRTMIN)], [Some(1), Some(2)]);
    assert_eq!([take(SIGRTMIN), take(SIGRTMIN)], [Some(3), None]);
}

#[test]
fn what_waits_for_nobody_does_not_count() {
    let (mut state, keys) = process(2);
    let user = Arc::new(Quota::new(UNLIMITED));
    state.set_room(Room { user: user.clone(), most: 100 });
    for key in &keys {
        block(&mut state, *key, &[SIGRTMIN]);
    }
    let value = SigInfo::new(SIGRTMIN, SI_QUEUE);
    let _ = state.send(Target::Process, &value, false).unwrap();
    let _ = state.remove_thread(keys[0]);
    assert_eq!(user.used(), 1);
    let departure = state.remove_thread(keys[1]);
    assert!(departure.retarget.is_empty());
    assert_eq!(user.used(), 0);
}

#[test]
fn a_full_queue_refuses_values_but_never_loses_a_signal() {
    let (mut state, keys) = process(1);
    let user = Arc::new(Quota::new(UNLIMITED));
    state.set_room(Room { user: user.clone(), most: 100 });
    block(&mut state, keys[0], &[SIGRTMIN, SIGUSR1]);
    let value = SigInfo::new(SIGRTMIN, SI_QUEUE);
    // Another process of the user has some.
    assert!(user.take(60));
    for _ in 60..100 {
        let _ = state.send(Target::Process, &value, false).unwrap();
    }
    let refused = state.send(Target::Process, &value, false);
    assert_eq!(refused, Err(Errno::EAGAIN));
    // What is told of what was taken: there is room for one more again.
    assert!(state.take_pending(keys[0], SignalSet::one(SIGRTMIN)).is_some());
    assert_eq!(user.used(), 99);
    let _ = state.send(Target::Process, &value, false).unwrap();
    let _ = send(&mut state, SIGUSR1);
    let taken = state.take_pending(keys[0], SignalSet::one(SIGUSR1));
    assert_eq!(taken, Some(SigInfo::new(SIGUSR1, SI_USER)));
    drop(state);
    assert_eq!(user.used(), 60, "what waits for nobody counts no more");
}

#[test]
fn numbers_out_of_range_are_refused() {
    let (mut state, _) = process(1);
    for signo in [0, 65, -1, i32::MIN] {
        let info = SigInfo { signo, ..info(1) };
        let sent = state.send(Target::Process, &info, true);
        assert_eq!(sent, Err(Errno::EINVAL));
    }
}

#[test]
fn a_fatal_signal_ends_all_threads_at_once() {
    for signal in [SIGKILL, SIGTERM, SIGHUP, SIGRTMIN] {
        let (mut state, keys) = process(3);
        let sent = send(&mut state, signal);
        assert_eq!(sent.everybody, Everybody::Kill);
        for key in keys {
            assert!(state.is_dying(key));
            assert_eq!(state.dequeue(key), Delivery::Exit(signal));
        }
        assert_eq!(state.exit_status(), Some(status::killed(signal, false)));
    }
}

#[test]
fn a_fatal_signal_that_is_blocked_waits() {
    let (mut state, keys) = process(1);
    block(&mut state, keys[0], &[SIGTERM, SIGKILL, SIGSTOP]);
    assert_eq!(state.blocked(keys[0]), SignalSet::one(SIGTERM));
    assert_eq!(send(&mut state, SIGTERM).everybody, Everybody::Nothing);
    assert_eq!(send(&mut state, SIGKILL).everybody, Everybody::Kill);
}

#[test]
fn a_core_signal_is_left_to_the_thread() {
    let (mut state, keys) = process(1);
    let sent = send(&mut state, SIGQUIT);
    assert_eq!(sent.thread, Some(keys[0]));
    let expected = Delivery::Terminate { signal: SIGQUIT, core: true };
    assert_eq!(state.dequeue(keys[0]), expected);
}

#[test]
fn the_thread_that_does_not_block_is_told() {
    let (mut state, keys) = process(3);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    handle(&mut state, SIGUSR2, 0, SignalSet::EMPTY);
    block(&mut state, keys[0], &[SIGUSR1]);
    let _ = send_to(&mut state, keys[1], SIGUSR2);
    assert_eq!(send(&mut state, SIGUSR1).thread, Some(keys[2]));
}

#[test]
fn a_signal_nobody_could_take_goes_to_the_first_that_unblocks_it() {
    let (mut state, keys) = process(2);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    block(&mut state, keys[0], &[SIGUSR1]);
    block(&mut state, keys[1], &[SIGUSR1]);
    assert_eq!(send(&mut state, SIGUSR1).thread, None);
    block(&mut state, keys[1], &[]);
    assert!(state.needs_attention(keys[1]));
    assert!(!state.needs_attention(keys[0]));
}

#[test]
fn what_a_leaving_or_blocking_thread_might_have_taken_finds_another() {
    let (mut state, keys) = process(2);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    assert_eq!(send(&mut state, SIGUSR1).thread, Some(keys[0]));
    let set = state.set_blocked(keys[0], SignalSet::one(SIGUSR1));
    assert_eq!(set, SignalSet::one(SIGUSR1));
    assert_eq!(state.takers(set).collect::<Vec<_>>(), [keys[1]]);
    block(&mut state, keys[0], &[]);
    let departure = state.remove_thread(keys[0]);
    assert_eq!(departure.retarget, SignalSet::one(SIGUSR1));
}

#[test]
fn a_thread_that_exits_takes_no_signal_but_can_be_killed() {
    let (mut state, keys) = process(2);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    let set = SignalSet::one(SIGUSR1);
    assert_eq!(send(&mut state, SIGUSR1).thread, Some(keys[0]));
    assert_eq!(state.begin_leaving(keys[0]), set);
    assert_eq!(state.takers(set).collect::<Vec<_>>(), [keys[1]]);
    assert_eq!(send(&mut state, SIGUSR1).thread, Some(keys[1]));
    assert_eq!(send_to(&mut state, keys[0], SIGUSR1).thread, None);
    // Nobody takes it, so it does not end the process.
    block(&mut state, keys[1], &[SIGTERM]);
    assert_eq!(send(&mut state, SIGTERM).everybody, Everybody::Nothing);
    assert_eq!(state.begin_leaving(keys[0]), SignalSet::EMPTY);
    assert_eq!(send(&mut state, SIGKILL).everybody, Everybody::Kill);
}

#[test]
fn process_one_gets_only_what_it_handles() {
    let mut state = SignalState::new(Actions::default(), true, Room::default());
    let key = state.add_thread(SignalSet::EMPTY).unwrap();
    for signal in [SIGKILL, SIGSTOP, SIGTERM, SIGTSTP, SIGQUIT, SIGHUP] {
        let sent = send(&mut state, signal);
        assert_eq!((sent.thread, sent.everybody), (None, Everybody::Nothing));
        assert_eq!(state.dequeue(key), Delivery::Nothing);
    }
    handle(&mut state, SIGHUP, 0, SignalSet::EMPTY);
    let _ = send(&mut state, SIGHUP);
    assert!(matches!(state.dequeue(key), Delivery::Handler(_)));
}

#[test]
fn a_blocked_signal_to_process_one_has_no_effect_when_unblocked() {
    let mut state = SignalState::new(Actions::default(), true, Room::default());
    let key = state.add_thread(SignalSet::one(SIGTERM)).unwrap();
    let _ = send(&mut state, SIGTERM);
    block(&mut state, key, &[]);
    assert_eq!(state.dequeue(key), Delivery::Nothing);
}

#[test]
fn a_fault_cannot_be_blocked_or_ignored() {
    for is_init in [false, true] {
        let mut state =
            SignalState::new(Actions::default(), is_init, Room::default());
        let key = state.add_thread(SignalSet::one(SIGSEGV)).unwrap();
        let fault = SigInfo::fault(SIGSEGV, 1, 0xdead);
        assert_eq!(state.force(key, &fault).thread, Some(key));
        let expected = Delivery::Terminate { signal: SIGSEGV, core: true };
        assert_eq!(state.dequeue(key), expected);
    }
}

#[test]
fn a_handler_of_a_fault_gets_its_address() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGSEGV, 0, SignalSet::EMPTY);
    let _ = state.force(keys[0], &SigInfo::fault(SIGSEGV, 1, 0xdead));
    let Delivery::Handler(handler) = state.dequeue(keys[0]) else {
        panic!("no handler");
    };
    assert_eq!(handler.info.fields[0], 0xdead);
    let _ = state.handler_entered(keys[0], &handler);
    // A second fault inside the handler, which blocks the signal, kills.
    let _ = state.force(keys[0], &SigInfo::fault(SIGSEGV, 1, 0xbeef));
    let expected = Delivery::Terminate { signal: SIGSEGV, core: true };
    assert_eq!(state.dequeue(keys[0]), expected);
}

#[test]
fn nothing_more_arrives_while_the_process_ends() {
    let (mut state, keys) = process(1);
    assert_eq!(state.begin_exit(status::exited(3)), Everybody::Kill);
    assert_eq!(state.begin_exit(status::exited(4)), Everybody::Nothing);
    assert_eq!(send(&mut state, SIGINT).thread, None);
    assert_eq!(state.dequeue(keys[0]), Delivery::Exit(0x300));
    assert_eq!(state.add_thread(SignalSet::EMPTY), Err(Errno::ERESTARTNOINTR));
}

#[test]
fn exec_ends_the_other_threads_only() {
    let (mut state, keys) = process(3);
    assert!(state.begin_exec(keys[1]));
    assert!(!state.begin_exec(keys[2]));
    assert_eq!(state.dequeue(keys[0]), Delivery::Exit(0));
    assert_eq!(state.dequeue(keys[1]), Delivery::Nothing);
    let _ = state.remove_thread(keys[0]);
    let _ = state.remove_thread(keys[2]);
    assert_eq!(state.thread_count(), 1);
    assert_eq!(send(&mut state, SIGCONT).thread, None);
}
