//! What is kept of a traced thread, and what its stops show.
//!
//! Read next: `trace.rs`, which changes it.

use kernel_abi::signal::SigInfo;

/// How tracing began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// `PTRACE_ATTACH`, `PTRACE_TRACEME`: with the signals of old.
    Attached,
    /// `PTRACE_SEIZE`: with events only.
    Seized,
}

/// How far a thread goes after a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// To the next signal or event.
    Continue,
    /// To the begin or end of a system call.
    SystemCall,
    /// For one instruction.
    Step,
}

/// What a trace stop is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A signal is about to act.
    Signal,
    /// A system call is about to begin.
    Entry,
    /// A system call has ended.
    Exit,
    /// One of the `PTRACE_EVENT_*` that options ask for.
    Event,
    /// A group stop, or an interrupt by the tracer.
    Group,
}

/// What a tracer may ask about a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceStop {
    /// Why.
    pub cause: Cause,
    /// What `wait4` shows above its lowest byte.
    pub code: u32,
    /// The signal, if the stop has one to show.
    pub info: Option<SigInfo>,
}

impl TraceStop {
    /// Before this signal acts.
    pub fn signal(info: SigInfo) -> Self {
        let code = info.signo as u32;
        TraceStop { cause: Cause::Signal, code, info: Some(info) }
    }

    /// A trap without a signal, of thread `id` of user `user`.
    pub fn trap(cause: Cause, code: u32, id: u32, user: u32) -> Self {
        let info = SigInfo::from_user(code & 0x7f, code as i32, id, user);
        TraceStop { cause, code, info: Some(info) }
    }
}

/// A stop that the thread is in.
pub(super) struct Stop {
    pub(super) what: TraceStop,
    pub(super) is_reported: bool,
    pub(super) is_listening: bool,
}

/// What is kept of a traced thread.
pub(super) struct Trace {
    pub(super) style: Style,
    pub(super) options: u32,
    pub(super) resume: Resume,
    pub(super) stop: Option<Stop>,
    /// The tracer is gone; kept until the thread has left its stop.
    pub(super) is_released: bool,
    /// Asked to trap (Linux's `JOBCTL_TRAP_STOP`).
    pub(super) trap_pending: bool,
    /// A group stop began or ended (Linux's `JOBCTL_TRAP_NOTIFY`).
    pub(super) notify_pending: bool,
    pub(super) message: u64,
    /// The signal with which the tracer let it go on; 0 for none, and unless
    /// the thread is about to leave a stop.
    pub(super) signal: u32,
    pub(super) info: Option<SigInfo>,
}

impl Trace {
    pub(super) fn is_listening(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.is_listening)
    }

    /// The group stop of a seized thread began or ended: it traps again.
    pub(super) fn notify(&mut self) {
        if self.style == Style::Seized && !self.is_released {
            self.notify_pending = true;
            self.stop_listening();
        }
    }

    pub(super) fn stop_listening(&mut self) {
        if self.is_listening() {
            self.stop = None;
        }
    }
}
