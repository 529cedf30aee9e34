//! Stop and continue: the sleep of a stopped thread.
//!
//! A stopped thread counts as frozen where it is; continued while freezing
//! holds, it parks in the refrigerator before it runs on; thawed, it is
//! still stopped (freezer-spec G4, G5, G6, S3).

use super::{notify, send};
use crate::{CurrentThread, tree};
use kernel_task::{sleep, state};

/// Acts on a stop signal that the thread took.
pub(super) fn begin(thread: CurrentThread, signal: u32, unless_orphaned: bool) {
    let process = &thread.process;
    if unless_orphaned && tree::lock().is_orphaned(process.group(), 0) {
        return;
    }
    let mut signals = process.signals.lock();
    if !signals.state.begin_stop(thread.key, signal) {
        return;
    }
    for key in signals.state.others_to_stop(thread.key) {
        if let Some(task) = signals.task(key) {
            send::attract(task);
            send::end_listening(&signals, key, task);
        }
    }
    if signals.state.is_traced(thread.key) {
        // Asked again for its signals, it traps.
        return;
    }
    drop(signals);
    take_part(thread);
}

/// The thread stops, and sleeps until the stop is over or the process ends.
pub(super) fn take_part(thread: CurrentThread) {
    let process = &thread.process;
    let begin = || {
        let notice = process.signals.lock().state.participate(thread.key);
        if let Some(notice) = notice {
            notify::parent_of_notice(process, notice);
        }
        true
    };
    sleep::sleep_while(
        "do_signal_stop",
        state::STOPPED | state::WAKEKILL,
        begin,
        || process.signals.lock().state.is_stopped(thread.key),
    );
}
