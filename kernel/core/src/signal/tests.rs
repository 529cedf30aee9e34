//! The promises of signal handling.

mod rules;
mod sending;
mod stopping;
mod taking;
mod tracing;

use kernel_abi::signal::{SI_USER, SigAction, SigInfo};

use super::state::{SignalState, ThreadKey};
use super::{Actions, Room, Sent, SignalSet, Target};

/// A process with `count` threads.
fn process(count: usize) -> (SignalState, Vec<ThreadKey>) {
    let mut state =
        SignalState::new(Actions::default(), false, Room::default());
    let keys = (0..count)
        .map(|_| state.add_thread(SignalSet::EMPTY).unwrap())
        .collect();
    (state, keys)
}

fn info(signal: u32) -> SigInfo {
    SigInfo::from_user(signal, SI_USER, 42, 0)
}

fn send(state: &mut SignalState, signal: u32) -> Sent {
    state.send(Target::Process, &info(signal), false).unwrap()
}

fn send_to(state: &mut SignalState, key: ThreadKey, signal: u32) -> Sent {
    state.send(Target::Thread(key), &info(signal), false).unwrap()
}

fn handle(state: &mut SignalState, signal: u32, flags: u64, mask: SignalSet) {
    let action =
        SigAction { handler: 0x1000, flags, restorer: 0, mask: mask.0 };
    state.set_action(signal, action).unwrap();
}

fn block(state: &mut SignalState, key: ThreadKey, signals: &[u32]) {
    let _ = state.set_blocked(key, SignalSet::of(signals));
}
