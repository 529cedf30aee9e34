//! Tracing: stops that a tracer hears of by `wait4` and ends.
//!
//! ```text
//!              begin_trace_stop           resume, release
//!   running ─────────────────────> stopped ───────────────> running
//!                                   │    ^
//!                            listen │    │ interrupt, group stop, SIGCONT:
//!                                   v    │ it runs as far as its next trap
//!                                 listening
//! ```
//!
//! | stop | what `wait4` gives | cause |
//! |---|---|---|
//! | before a signal acts | the signal | [`Cause::Signal`] |
//! | before and after a system call | `SIGTRAP`, or with 0x80 | [`Cause::Entry`], [`Cause::Exit`] |
//! | fork, exec, exit | `SIGTRAP` and the event | [`Cause::Event`] |
//! | group stop, interrupt | the stop signal; if seized, and event 128 | [`Cause::Group`] |
//!
//! A trace stop is a skip wait: the thread counts as frozen where it is. A
//! trap that is asked of a frozen thread is pending until the thaw, unless
//! cgroup v2 froze it (SPECIFICATION.md G8, B3).
//!
//! Here is the thread's side; read next `trace/request.rs`, the tracer's, and
//! `kernel/linux/process/src/ptrace.rs`, which carries both out.

use kernel_abi::ptrace::{EVENT_STOP, O_EXITKILL, O_TRACESYSGOOD};
use kernel_abi::signal::{SI_USER, SIGSTOP, SIGTRAP, SigInfo};

use super::deliver::Delivery;
use super::group_stop::Notice;
use super::set::SignalSet;
use super::state::{SignalState, Thread, ThreadKey};
use super::trace_stop::{Cause, Resume, Stop, Style, Trace, TraceStop};

mod request;

/// Why a thread stops for its tracer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// This happened, and is shown.
    Happened(TraceStop),
    /// [`Delivery::Trap`]: a group stop or an interrupt, of thread `id` of
    /// `user`. What it shows is settled when the stop begins: `SIGCONT` may
    /// have come since, and shown a group stop that is over, a tracer would
    /// listen for a `SIGCONT` that never comes.
    Asked {
        /// The thread.
        id: u32,
        /// Its real user.
        user: u32,
    },
}

/// A thread has stopped for its tracer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// What the tracer is told.
    pub what: TraceStop,
    /// What the parent is told: the group has stopped.
    pub notice: Option<Notice>,
}

impl Thread {
    fn live_trace(&self) -> Option<&Trace> {
        self.trace.as_deref().filter(|trace| !trace.is_released)
    }

    fn live_trace_mut(&mut self) -> Option<&mut Trace> {
        self.trace.as_deref_mut().filter(|trace| !trace.is_released)
    }

    pub(super) fn in_trace_stop(&self) -> bool {
        self.trace.as_ref().is_some_and(|trace| trace.stop.is_some())
    }

    fn has_trap(&self) -> bool {
        self.live_trace().is_some_and(|trace| {
            trace.stop.is_none() && (trace.trap_pending || trace.notify_pending)
        })
    }

    /// Whether the group's stop or the tracer asks it to stop.
    pub(super) fn is_asked_to_stop(&self) -> bool {
        self.stop_pending || self.has_trap()
    }

    /// Tells the tracer of a seized thread that the group's stop changed.
    pub(super) fn notify_trace(&mut self) {
        if let Some(trace) = self.trace.as_mut() {
            trace.notify();
        }
    }
}

/// What the tracer decided in a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// A signal to act on; 0 for none.
    pub signal: u32,
    /// What the stop showed, as the tracer left it.
    pub info: Option<SigInfo>,
}

impl SignalState {
    /// Whether a thread is traced.
    pub fn is_traced(&self, key: ThreadKey) -> bool {
        self.thread(key).live_trace().is_some()
    }

    /// Whether any thread of the process is traced.
    pub(super) fn has_traced_thread(&self) -> bool {
        let mut threads = self.threads.iter().flatten();
        threads.any(|thread| thread.live_trace().is_some())
    }

    /// Whether a thread is traced, and asked to trap: the next thing that it
    /// takes is [`Delivery::Trap`], or its end.
    pub fn is_asked_to_trap(&self, key: ThreadKey) -> bool {
        self.is_traced(key) && self.thread(key).is_asked_to_stop()
    }

    /// How a thread is traced, and its options.
    pub fn trace_settings(&self, key: ThreadKey) -> Option<(Style, u32)> {
        let trace = self.thread(key).live_trace()?;
        Some((trace.style, trace.options))
    }

    /// How far a traced thread goes.
    pub fn resume_mode(&self, key: ThreadKey) -> Option<Resume> {
        Some(self.thread(key).live_trace()?.resume)
    }

    /// Whether the options of a traced thread contain `option`.
    pub fn has_trace_option(&self, key: ThreadKey, option: u32) -> bool {
        let trace = self.thread(key).live_trace();
        trace.is_some_and(|trace| trace.options & option != 0)
    }

    /// The code of a system-call stop.
    pub fn system_call_code(&self, key: ThreadKey) -> u32 {
        match self.has_trace_option(key, O_TRACESYSGOOD) {
            true => SIGTRAP | 0x80,
            false => SIGTRAP,
        }
    }

    /// Whether a thread dies with its tracer.
    pub fn dies_with_tracer(&self, key: ThreadKey) -> bool {
        self.has_trace_option(key, O_EXITKILL)
    }

    /// What a group stop or an interrupt shows, of thread `id` of `user`.
    fn asked(&self, key: ThreadKey, id: u32, user: u32) -> TraceStop {
        let signal = self.stop.signal();
        let style = self.trace_settings(key).map(|(style, _)| style);
        if style == Some(Style::Seized) {
            let signal = signal.unwrap_or(SIGTRAP);
            let code = signal | EVENT_STOP << 8;
            return TraceStop::trap(Cause::Group, code, id, user);
        }
        let code = signal.unwrap_or(SIGSTOP);
        TraceStop { cause: Cause::Group, code, info: None }
    }

    /// The thread stops now for its tracer: it sleeps until
    /// [`SignalState::is_trace_stopped`] is false, then calls
    /// [`SignalState::end_trace_stop`]. `None` if it is not traced, about to
    /// end, or no longer asked to stop.
    #[must_use]
    pub fn begin_trace_stop(
        &mut self,
        key: ThreadKey,
        reason: Reason,
        message: u64,
    ) -> Option<Begun> {
        if self.is_dying(key) {
            return None;
        }
        let what = match reason {
            Reason::Happened(what) => what,
            Reason::Asked { id, user }
                if self.thread(key).is_asked_to_stop() =>
            {
                self.asked(key, id, user)
            }
            Reason::Asked { .. } => return None,
        };
        let thread = self.thread_mut(key);
        let trace = thread.live_trace_mut()?;
        trace.trap_pending = false;
        if what.code >> 8 == EVENT_STOP {
            trace.notify_pending = false;
        }
        trace.message = message;
        trace.signal = 0;
        trace.info = what.info;
        trace.stop =
            Some(Stop { what, is_reported: false, is_listening: false });
        let joins = what.cause == Cause::Group
            && core::mem::take(&mut thread.stop_pending);
        let notice = if joins { self.stop.one_less() } else { None };
        Some(Begun { what, notice })
    }

    /// Whether the thread sleeps in a trace stop.
    pub fn is_trace_stopped(&self, key: ThreadKey) -> bool {
        self.thread(key).in_trace_stop() && !self.is_dying(key)
    }

    /// The thread has left its stop; what the tracer decided.
    pub fn end_trace_stop(&mut self, key: ThreadKey) -> Decision {
        let thread = self.thread_mut(key);
        let Some(trace) = thread.trace.as_mut() else {
            return Decision { signal: 0, info: None };
        };
        trace.stop = None;
        let signal = core::mem::take(&mut trace.signal);
        let info = trace.info.take();
        if trace.is_released {
            thread.trace = None;
        }
        Decision { signal, info }
    }

    /// Acts on a signal that the thread took, and about which nobody could be
    /// asked. `None`: ask again. The tracer is lost, and it acts as it came; or
    /// the thread is about to end, and the signal is for the others.
    pub fn after_no_report(
        &mut self,
        key: ThreadKey,
        info: SigInfo,
    ) -> Option<Delivery> {
        let signal = info.signo as u32;
        if self.is_dying(key) {
            self.pending.add_bare(signal);
            return None;
        }
        let decision = Decision { signal, info: Some(info) };
        self.after_report(key, decision, [0; 2])
    }

    /// Acts on a signal that the thread took, as the tracer decided. `None`:
    /// ask again. `tracer` is its process and its user, the sender of a
    /// signal that it exchanged.
    pub fn after_report(
        &mut self,
        key: ThreadKey,
        decision: Decision,
        tracer: [u32; 2],
    ) -> Option<Delivery> {
        let signal = decision.signal;
        if SignalSet::one(signal).is_empty() {
            return None;
        }
        let [pid, uid] = tracer;
        let info = decision.info.filter(|info| info.signo as u32 == signal);
        let info = info
            .unwrap_or_else(|| SigInfo::from_user(signal, SI_USER, pid, uid));
        if self.blocked(key).contains(signal) {
            // A full queue keeps the number.
            let room = self.room.clone();
            let pending = &mut self.thread_mut(key).pending;
            if pending.add(signal, &info, &room).is_err() {
                pending.add_bare(signal);
            }
            return None;
        }
        self.act(key, info)
    }
}
