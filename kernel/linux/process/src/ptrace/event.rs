//! Where a traced thread stops by itself: at system calls, and when it forks,
//! executes another program or ends.
//!
//! A thread that nobody traces takes none of these paths but for one look at
//! whether it has a tracer, in `fork`, `execve` and `exit`; its system calls
//! do not even look, see `trace_system_calls` in
//! `arch`.

use kernel_abi::Errno;
use kernel_abi::ptrace::{
    EVENT_CLONE, EVENT_EXEC, EVENT_EXIT, EVENT_FORK, EVENT_VFORK,
    EVENT_VFORK_DONE, SYSCALL_INFO_ENTRY, SYSCALL_INFO_EXIT,
};
use kernel_abi::signal::{SIGTRAP, SigInfo, TRAP_TRACE};
use kernel_core::signal::{Cause, Resume, Style, Target};

use super::stop::{NO_SYSTEM_CALL, notify_tracer, set_mode};
use crate::signal::{act, send};
use crate::{CurrentThread, current};
use kernel_machine::arch::step;
use kernel_machine::arch::thread::work;
use kernel_machine::arch::trap::TrapFrame;
use kernel_task::TaskId;

/// The register that tells entry from exit in a system-call stop, as on
/// Linux: 0 or 1.
const DIRECTION: usize = 7;

/// A system call of a traced thread begins. The number to carry out; `None`
/// if the tracer wants none, and `x0` is the result then.
pub fn entry(frame: &mut TrapFrame) -> Option<usize> {
    step::end();
    let thread = current();
    let number = frame.x[8] as i32;
    let mode = thread.process.signals.lock().state.resume_mode(thread.key);
    match mode {
        Some(Resume::SystemCall) => at_entry(&thread, frame, number),
        Some(Resume::Step) => Some(number as usize),
        _ => {
            set_mode(&thread);
            Some(number as usize)
        }
    }
}

fn at_entry(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    number: i32,
) -> Option<usize> {
    if number == NO_SYSTEM_CALL {
        frame.x[0] = Errno::ENOSYS.to_return() as u64;
    }
    let message = u64::from(SYSCALL_INFO_ENTRY);
    let number = at_call(thread, frame, Cause::Entry, message, number);
    let is_killed = thread.task().fatal_signal_pending();
    (number != NO_SYSTEM_CALL && !is_killed).then_some(number as usize)
}

/// A system call of a traced thread has ended, with its result in the frame.
pub fn exit(frame: &mut TrapFrame) {
    let thread = current();
    let mode = thread.process.signals.lock().state.resume_mode(thread.key);
    match mode {
        Some(Resume::SystemCall) => {
            let number = frame.x[8] as i32;
            let message = u64::from(SYSCALL_INFO_EXIT);
            at_call(&thread, frame, Cause::Exit, message, number);
        }
        Some(Resume::Step) => stepped(&thread, frame),
        _ => {}
    }
}

fn at_call(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    cause: Cause,
    message: u64,
    number: i32,
) -> i32 {
    let code = thread.process.signals.lock().state.system_call_code(thread.key);
    let saved = frame.x[DIRECTION];
    frame.x[DIRECTION] = u64::from(cause == Cause::Exit);
    let (signal, number) =
        notify_tracer(thread, frame, (cause, code), message, number);
    frame.x[DIRECTION] = saved;
    if signal != 0 {
        send::to_current(signal);
    }
    number
}

/// The instruction that the tracer asked for was executed.
pub fn stepped(thread: &CurrentThread, frame: &mut TrapFrame) {
    let is_asked = thread.task().pending_work() & work::STEP != 0;
    let mode = thread.process.signals.lock().state.resume_mode(thread.key);
    if is_asked && mode == Some(Resume::Step) {
        send::force_current(&SigInfo::fault(SIGTRAP, TRAP_TRACE, frame.pc));
    } else {
        // Its tracer has ended meanwhile; or that of another task did, which
        // left this CPU without a look at the flag that is gone.
        step::end();
        set_mode(thread);
        frame.pstate &= !step::STEP_FLAG;
    }
}

/// A handler was entered; a step ends at its first instruction.
pub fn handler_entered(thread: &CurrentThread, frame: &mut TrapFrame) {
    if thread.task().pending_work() & work::STEP == 0 {
        return;
    }
    let kind = (Cause::Event, SIGTRAP);
    let (signal, _) = notify_tracer(thread, frame, kind, 0, NO_SYSTEM_CALL);
    if signal != 0 {
        send::to_current(signal);
    }
}

/// What `clone` makes, by its event. `None` if the tracer does not want to
/// hear of it.
pub fn of_clone(is_vfork: bool, is_fork: bool) -> Option<u32> {
    let event = match (is_vfork, is_fork) {
        (true, _) => EVENT_VFORK,
        (false, true) => EVENT_FORK,
        (false, false) => EVENT_CLONE,
    };
    wants(&current(), event).then_some(event)
}

fn wants(thread: &CurrentThread, event: u32) -> bool {
    thread.tracing.tracer().is_some() && {
        let signals = thread.process.signals.lock();
        signals.state.has_trace_option(thread.key, 1 << event)
    }
}

/// Stops with `event` and its message.
pub fn happened(frame: &mut TrapFrame, event: u32, message: u64) {
    let thread = current();
    let kind = (Cause::Event, SIGTRAP | event << 8);
    let number = frame.x[8] as i32;
    notify_tracer(&thread, frame, kind, message, number);
}

/// The child of a vfork lets its parent go on.
pub fn vfork_done(frame: &mut TrapFrame, child: TaskId) {
    if wants(&current(), EVENT_VFORK_DONE) {
        happened(frame, EVENT_VFORK_DONE, child.into());
    }
}

/// The thread, which was `old_id`, runs another program.
pub fn executed(frame: &mut TrapFrame, old_id: TaskId) {
    let thread = current();
    if thread.tracing.tracer().is_none() {
        return;
    }
    let settings =
        thread.process.signals.lock().state.trace_settings(thread.key);
    if wants(&thread, EVENT_EXEC) {
        happened(frame, EVENT_EXEC, old_id.into());
    } else if matches!(settings, Some((Style::Attached, _))) {
        let info = SigInfo::kernel(SIGTRAP);
        let mut signals = thread.process.signals.lock();
        let target = Target::Thread(thread.key);
        if let Ok(sent) = signals.state.send(target, &info, false) {
            act::carry_out(&signals, &sent);
        }
    }
}

/// The thread is about to end with this wait status.
pub fn exiting(frame: &mut TrapFrame, status: u32) {
    if wants(&current(), EVENT_EXIT) {
        happened(frame, EVENT_EXIT, status.into());
    }
}
