//! Taking: order, masks, handlers, the pending flag, waiting.

use kernel_abi::signal::{
    SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SI_USER, SIGHUP, SIGINT, SIGSEGV,
    SIGTERM, SIGUSR1, SIGUSR2, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, SigInfo,
    SigStack,
};

use super::{block, handle, process, send, send_to};
use crate::signal::state::{SignalState, ThreadKey};
use crate::signal::{Delivery, Everybody, Handler, SignalSet, Target};

fn next_handler(state: &mut SignalState, key: ThreadKey) -> Handler {
    match state.dequeue(key) {
        Delivery::Handler(handler) => handler,
        other => panic!("{other:?}"),
    }
}

#[test]
fn faults_come_first_then_the_thread_s_own_by_number() {
    let (mut state, keys) = process(1);
    for signal in [SIGUSR1, SIGHUP, SIGSEGV, SIGINT] {
        handle(&mut state, signal, 0, SignalSet::EMPTY);
    }
    let _ = send(&mut state, SIGHUP);
    let _ = send_to(&mut state, keys[0], SIGUSR1);
    let _ = send_to(&mut state, keys[0], SIGINT);
    let _ = state.force(keys[0], &SigInfo::fault(SIGSEGV, 1, 0));
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(next_handler(&mut state, keys[0]).signal);
    }
    assert_eq!(order, [SIGSEGV, SIGINT, SIGUSR1, SIGHUP]);
    assert_eq!(state.dequeue(keys[0]), Delivery::Nothing);
}

#[test]
fn a_handler_blocks_its_signal_and_its_mask() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGUSR1, 0, SignalSet::of(&[SIGUSR2, SIGTERM]));
    block(&mut state, keys[0], &[SIGHUP]);
    let _ = send(&mut state, SIGUSR1);
    let handler = next_handler(&mut state, keys[0]);
    assert_eq!(handler.old_mask, SignalSet::one(SIGHUP));
    let _ = state.handler_entered(keys[0], &handler);
    let expected = SignalSet::of(&[SIGHUP, SIGUSR1, SIGUSR2, SIGTERM]);
    assert_eq!(state.blocked(keys[0]), expected);
    let _ = send(&mut state, SIGUSR1);
    assert_eq!(state.dequeue(keys[0]), Delivery::Nothing);
}

#[test]
fn sa_nodefer_leaves_the_signal_open() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGUSR1, SA_NODEFER, SignalSet::EMPTY);
    let _ = send(&mut state, SIGUSR1);
    let handler = next_handler(&mut state, keys[0]);
    let _ = state.handler_entered(keys[0], &handler);
    assert_eq!(state.blocked(keys[0]), SignalSet::EMPTY);
}

#[test]
fn sa_resethand_handles_once() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGUSR1, SA_RESETHAND, SignalSet::EMPTY);
    let _ = send(&mut state, SIGUSR1);
    assert_eq!(next_handler(&mut state, keys[0]).action.handler, 0x1000);
    assert_eq!(send(&mut state, SIGUSR1).everybody, Everybody::Kill);
}

#[test]
fn a_suspended_mask_returns_with_the_handler_or_without() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    block(&mut state, keys[0], &[SIGUSR1]);
    let _ = state.suspend_with(keys[0], SignalSet::EMPTY);
    let _ = send(&mut state, SIGUSR1);
    let handler = next_handler(&mut state, keys[0]);
    assert_eq!(handler.old_mask, SignalSet::one(SIGUSR1));
    let _ = state.handler_entered(keys[0], &handler);
    let _ = state.restore_mask(keys[0]);
    assert_eq!(state.blocked(keys[0]), SignalSet::one(SIGUSR1));
    let _ = state.suspend_with(keys[0], SignalSet::one(SIGHUP));
    let _ = state.restore_mask(keys[0]);
    assert_eq!(state.blocked(keys[0]), SignalSet::one(SIGUSR1));
}

#[test]
fn what_a_suspended_mask_let_through_finds_another_thread() {
    let (mut state, keys) = process(2);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    let set = SignalSet::one(SIGUSR1);
    block(&mut state, keys[0], &[SIGUSR1]);
    let _ = state.suspend_with(keys[0], SignalSet::EMPTY);
    assert_eq!(send(&mut state, SIGUSR1).thread, Some(keys[0]));
    assert_eq!(state.restore_mask(keys[0]), set);
    assert_eq!(state.takers(set).collect::<Vec<_>>(), [keys[1]]);
    assert_eq!(state.restore_mask(keys[0]), SignalSet::EMPTY);
}

#[test]
fn a_waiter_is_told_of_signals_it_blocks_and_takes_them() {
    let (mut state, keys) = process(2);
    block(&mut state, keys[0], &[SIGUSR1]);
    block(&mut state, keys[1], &[SIGUSR1]);
    state.wait_for(keys[1], SignalSet::one(SIGUSR1));
    let sent = send(&mut state, SIGUSR1);
    assert_eq!(sent.thread, Some(keys[1]));
    assert_eq!(sent.everybody, Everybody::Nothing);
    assert_eq!(state.dequeue(keys[1]), Delivery::Nothing);
    let set = SignalSet::one(SIGUSR1);
    let taken = state.take_pending(keys[1], set).unwrap();
    assert_eq!((taken.signo, taken.pid()), (SIGUSR1 as i32, 42));
    assert_eq!(state.end_wait(keys[1]), SignalSet::EMPTY);
    assert!(!state.needs_attention(keys[1]));
}

#[test]
fn what_came_for_a_wait_that_ends_finds_another_thread() {
    let (mut state, keys) = process(3);
    let set = SignalSet::of(&[SIGUSR1, SIGHUP]);
    for &key in &keys {
        block(&mut state, key, &[SIGUSR1]);
    }
    state.wait_for(keys[0], set);
    state.wait_for(keys[2], set);
    assert_eq!(send(&mut state, SIGUSR1).thread, Some(keys[0]));
    let lost = state.end_wait(keys[0]);
    // What it does not block it takes itself.
    assert_eq!(lost, SignalSet::one(SIGUSR1));
    assert_eq!(state.takers(lost).collect::<Vec<_>>(), [keys[2]]);
}

#[test]
fn exec_forgets_handlers_and_keeps_the_rest() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGUSR1, 0, SignalSet::EMPTY);
    block(&mut state, keys[0], &[SIGUSR1, SIGHUP]);
    let _ = send(&mut state, SIGUSR1);
    state.exec(keys[0]);
    assert_eq!(state.actions().get(SIGUSR1).handler, 0);
    assert_eq!(state.pending(keys[0]), SignalSet::one(SIGUSR1));
    assert_eq!(state.ignored_and_caught(), [SignalSet::EMPTY; 2]);
}

#[test]
fn exec_forgets_signals_of_timers() {
    let (mut state, keys) = process(1);
    block(&mut state, keys[0], &[SIGUSR1, SIGHUP, 40, 41]);
    let from_timer = |number| SigInfo::timer(number, number, 0, 3);
    let from_user = |number| SigInfo::new(number, SI_USER);
    let sent = [
        (Target::Process, from_timer(SIGUSR1)),
        (Target::Process, from_user(SIGHUP)),
        (Target::Process, from_timer(40)),
        (Target::Thread(keys[0]), from_timer(41)),
        (Target::Thread(keys[0]), from_user(41)),
        (Target::Thread(keys[0]), from_timer(40)),
    ];
    for (target, info) in sent {
        let _ = state.send(target, &info, false).unwrap();
    }
    state.exec(keys[0]);
    let left = SignalSet::one(SIGHUP) | SignalSet::one(41);
    assert_eq!(state.pending(keys[0]), left);
    let taken = state.take_pending(keys[0], left).unwrap();
    assert_eq!((taken.signo, taken.code), (41, SI_USER));
    let taken = state.take_pending(keys[0], left).unwrap();
    assert_eq!((taken.signo, taken.code), (SIGHUP as i32, SI_USER));
}

#[test]
fn a_frame_that_cannot_be_written_kills() {
    let (mut state, keys) = process(1);
    handle(&mut state, SIGSEGV, 0, SignalSet::EMPTY);
    let _ = state.frame_failed(keys[0], SIGUSR1);
    assert_eq!(next_handler(&mut state, keys[0]).signal, SIGSEGV);
    let _ = state.frame_failed(keys[0], SIGSEGV);
    let expected = Delivery::Terminate { signal: SIGSEGV, core: true };
    assert_eq!(state.dequeue(keys[0]), expected);
}

const STACK: SigStack = SigStack::new(0x10000, 0, 0x4000);

#[test]
fn handlers_that_ask_for_it_run_on_the_alternative_stack() {
    let (mut state, keys) = process(1);
    let key = keys[0];
    assert_eq!(state.stack_top(key, 0x900, SA_ONSTACK), 0x900);
    state.set_alternative_stack(key, 0x900, &STACK).unwrap();
    assert_eq!(state.stack_top(key, 0x900, 0), 0x900);
    assert_eq!(state.stack_top(key, 0x900, SA_ONSTACK), 0x14000);
    assert_eq!(state.stack_top(key, 0x13000, SA_ONSTACK), 0x13000);
    assert_eq!(state.alternative_stack(key, 0x900).flags, 0);
    assert_eq!(state.alternative_stack(key, 0x13000).flags, SS_ONSTACK);
}

#[test]
fn the_alternative_stack_is_checked() {
    use kernel_abi::Errno;
    let (mut state, keys) = process(1);
    let mut set =
        |sp, stack| state.set_alternative_stack(keys[0], sp, &stack).err();
    let small = SigStack::new(0x10000, 0, 100);
    assert_eq!(set(0, small), Some(Errno::ENOMEM));
    assert_eq!(set(0, SigStack::new(0, 64, 0)), Some(Errno::EINVAL));
    assert_eq!(set(0, STACK), None);
    assert_eq!(set(0x13000, STACK), Some(Errno::EPERM));
    assert_eq!(set(0, SigStack::new(0, SS_DISABLE, 0)), None);
    let now = state.alternative_stack(keys[0], 0x13000);
    assert_eq!((now.flags, now.size), (SS_DISABLE, 0));
}

#[test]
fn a_stack_that_disarms_itself_is_gone_while_the_handler_runs() {
    let (mut state, keys) = process(1);
    let flags = SS_AUTODISARM;
    let stack = SigStack { flags, ..STACK };
    state.set_alternative_stack(keys[0], 0, &stack).unwrap();
    handle(&mut state, SIGUSR1, SA_ONSTACK, SignalSet::EMPTY);
    let _ = send(&mut state, SIGUSR1);
    let handler = next_handler(&mut state, keys[0]);
    assert_eq!(state.stack_top(keys[0], 0, SA_ONSTACK), 0x14000);
    let _ = state.handler_entered(keys[0], &handler);
    assert_eq!(state.alternative_stack(keys[0], 0).flags, SS_DISABLE);
}
