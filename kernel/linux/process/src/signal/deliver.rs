//! On the way back to user mode: freeze, then take signals.
//!
//! The machine's exit path calls [`return_to_user`] in a loop, with
//! interrupts enabled, for as long as the task's work word is not empty. What
//! follows is Linux's order: [`try_to_freeze`] is the first act, once, before
//! any signal is looked at (SPECIFICATION.md U4); then signals are taken until
//! one calls a handler or ends the process; if none called a handler, an
//! interrupted system call begins anew.

use kernel_core::signal::{Delivery, Handler, status};

use super::{act, frame, restart, stop};
use crate::{CurrentThread, current, exit, ptrace, timer};
use kernel_machine::arch::thread::work;
use kernel_machine::arch::trap::TrapFrame;
use kernel_task::refrigerator::{FREEZER, FreezerHost, try_to_freeze};
use kernel_task::stretch::{self, Place};
use kernel_task::{self as task, scheduler};

/// Does the work that waits for the current task before it may run user
/// code. Returns when it looked once; the caller looks again.
pub fn return_to_user(frame: &mut TrapFrame) {
    stretch::begin(Place::WORK);
    let pending = task::current().pending_work();
    if pending & work::RESCHEDULE != 0 {
        scheduler::schedule();
    }
    if pending & work::TIME != 0 {
        task::current().clear_work(work::TIME);
        timer::cpu::look(&current());
    }
    if pending & (work::SIGNAL | work::FREEZE) != 0 {
        take_signals(frame);
    }
    stretch::end();
}

/// Linux's `do_notify_resume` and `get_signal`.
fn take_signals(frame: &mut TrapFrame) {
    try_to_freeze();
    let thread = current();
    if !thread.task().signal_pending() {
        return;
    }
    loop {
        if thread.task().freezer.is_trapping() && end_vain_trap(&thread) {
            // It was let go on for a trap alone: it looks at no signal now.
            try_to_freeze();
        }
        // It is changed in place: it is large, and copies cost.
        let mut delivery =
            thread.process.signals.lock().state.dequeue(thread.key);
        if let Delivery::Report(info) = delivery {
            match ptrace::stop::report_signal(&thread, frame, info) {
                Some(decided) => delivery = decided,
                None => continue,
            }
        }
        match delivery {
            Delivery::Nothing => {
                restart::without_handler(&thread, frame);
                settle(&thread);
                return;
            }
            Delivery::Handler(handler) => {
                call_handler(&thread, frame, &handler);
                return;
            }
            Delivery::Stop { signal, unless_orphaned } => {
                stop::begin(thread, signal, unless_orphaned);
            }
            Delivery::JoinStop => stop::take_part(thread),
            Delivery::Trap => ptrace::stop::trap(&thread, frame),
            Delivery::Terminate { signal, core: _ } => {
                // Whatever the signal asks for: no core is dumped.
                let status = status::killed(signal, false);
                ptrace::event::exiting(frame, status);
                exit::exit_group(status);
            }
            Delivery::Ignored(info) => timer::taken(&thread.process, &info),
            Delivery::Report(_) => {}
            Delivery::Exit(status) => exit::exit_thread(status),
        }
    }
}

/// Ends the leave that the thread has to go on and trap, unless its tracer asks
/// it to: under the lock under which tracers do. Whether it has ended it.
fn end_vain_trap(thread: &CurrentThread) -> bool {
    let signals = thread.process.signals.lock();
    let is_vain = !signals.state.is_asked_to_trap(thread.key);
    if is_vain {
        FREEZER.end_trap(&FreezerHost, &*thread.task());
    }
    is_vain
}

/// No handler runs: a mask saved by `rt_sigsuspend` or `ppoll` returns.
fn settle(thread: &CurrentThread) {
    let mut signals = thread.process.signals.lock();
    let lost = signals.state.restore_mask(thread.key);
    act::retarget(&signals, lost);
    signals.recalculate(thread.key, &thread.task());
}

/// Makes user mode continue in the handler.
fn call_handler(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    handler: &Handler,
) {
    timer::taken(&thread.process, &handler.info);
    restart::with_handler(thread, frame, handler.action.flags);
    let built = frame::build(thread, frame, handler);
    let mut signals = thread.process.signals.lock();
    if built.is_ok() {
        let lost = signals.state.handler_entered(thread.key, handler);
        act::retarget(&signals, lost);
    } else {
        let sent = signals.state.frame_failed(thread.key, handler.signal);
        act::carry_out(&signals, &sent);
    }
    signals.recalculate(thread.key, &thread.task());
    drop(signals);
    if built.is_ok() {
        ptrace::event::handler_entered(thread, frame);
    }
}
