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
//! trap that is asked of a frozen thread is pending until the thaw (spec: G8).
//!
//! Read next: `process/ptrace.rs` of the kernel, which carries this out.

use kernel_abi::Errno;
use kernel_abi::ptrace::{EVENT_STOP, O_EXITKILL, O_MASK, O_TRACESYSGOOD};
use kernel_abi::signal::{SI_USER, SIGSTOP, SIGTRAP, SigInfo};

use super::deliver::Delivery;
use super::set::SignalSet;
use super::state::{SignalState, Thread, ThreadKey};
use super::stop::Notice;

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

struct Stop {
    what: TraceStop,
    is_reported: bool,
    is_listening: bool,
}

/// What is kept of a traced thread.
pub(super) struct Trace {
    style: Style,
    options: u32,
    resume: Resume,
    stop: Option<Stop>,
    /// The tracer is gone; kept until the thread has left its stop.
    is_released: bool,
    /// Asked to trap (Linux's `JOBCTL_TRAP_STOP`).
    trap_pending: bool,
    /// A group stop began or ended (Linux's `JOBCTL_TRAP_NOTIFY`).
    notify_pending: bool,
    message: u64,
    /// The signal with which the tracer let it go on; 0 for none.
    signal: u32,
    info: Option<SigInfo>,
}

impl Trace {
    fn is_listening(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.is_listening)
    }

    /// The group stop of a seized thread began or ended: it traps again.
    fn notify(&mut self) {
        if self.style == Style::Seized && !self.is_released {
            self.notify_pending = true;
            self.stop_listening();
        }
    }

    fn stop_listening(&mut self) {
        if self.is_listening() {
            self.stop = None;
        }
    }
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

    pub(super) fn has_trap(&self) -> bool {
        self.live_trace().is_some_and(|trace| {
            trace.stop.is_none() && (trace.trap_pending || trace.notify_pending)
        })
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
    /// Begins to trace a thread. True if it was stopped: the caller wakes it
    /// from that sleep, so that it traps.
    ///
    /// # Errors
    /// `EPERM` if it is traced already or about to end.
    pub fn attach(
        &mut self,
        key: ThreadKey,
        style: Style,
        options: u32,
    ) -> Result<bool, Errno> {
        if self.is_dying(key) || self.is_traced(key) {
            return Err(Errno::EPERM);
        }
        let thread = self.thread_mut(key);
        let was_stopped = core::mem::take(&mut thread.stopped);
        // One that was released and has not left its stop keeps what the
        // last tracer decided.
        let old = thread.trace.take();
        let (signal, info) = old.map_or((0, None), |it| (it.signal, it.info));
        thread.trace = Some(alloc::boxed::Box::new(Trace {
            style,
            options,
            resume: Resume::Continue,
            stop: None,
            is_released: false,
            trap_pending: was_stopped,
            notify_pending: false,
            message: 0,
            signal,
            info,
        }));
        Ok(was_stopped)
    }

    /// A child of thread `from` of `parent`, which is `key` here, is traced
    /// as its parent and traps before it runs.
    pub fn inherit_trace(&mut self, key: ThreadKey, settings: (Style, u32)) {
        let (style, options) = settings;
        if self.attach(key, style, options).is_err() {
            return;
        }
        let thread = self.thread_mut(key);
        match style {
            Style::Attached => thread.pending.add_bare(SIGSTOP),
            Style::Seized => {
                if let Some(trace) = thread.trace.as_mut() {
                    trace.trap_pending = true;
                }
            }
        }
    }

    /// How a thread is traced, and its options.
    pub fn trace_settings(&self, key: ThreadKey) -> Option<(Style, u32)> {
        let trace = self.thread(key).live_trace()?;
        Some((trace.style, trace.options))
    }

    /// Whether a thread is traced.
    pub fn is_traced(&self, key: ThreadKey) -> bool {
        self.thread(key).live_trace().is_some()
    }

    /// Whether any thread of the process is traced.
    pub(super) fn has_traced_thread(&self) -> bool {
        let mut threads = self.threads.iter().flatten();
        threads.any(|thread| thread.live_trace().is_some())
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

    /// `PTRACE_SETOPTIONS`.
    ///
    /// # Errors
    /// `EINVAL` for unknown bits, `ESRCH` if it is not stopped.
    pub fn set_trace_options(
        &mut self,
        key: ThreadKey,
        options: u32,
    ) -> Result<(), Errno> {
        if options & !O_MASK != 0 {
            return Err(Errno::EINVAL);
        }
        self.stopped_trace(key)?.options = options;
        Ok(())
    }

    /// Whether a thread dies with its tracer.
    pub fn dies_with_tracer(&self, key: ThreadKey) -> bool {
        self.has_trace_option(key, O_EXITKILL)
    }

    /// What a group stop or an interrupt shows, of thread `id` of `user`.
    pub fn trap(&self, key: ThreadKey, id: u32, user: u32) -> TraceStop {
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
    /// [`SignalState::end_trace_stop`]. `None` if it is not traced, or about
    /// to end. The notice is for the parent: the group has stopped.
    #[must_use]
    pub fn begin_trace_stop(
        &mut self,
        key: ThreadKey,
        what: TraceStop,
        message: u64,
    ) -> Option<Option<Notice>> {
        if self.is_dying(key) {
            return None;
        }
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
        Some(if joins { self.stop.one_less() } else { None })
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
            let pending = &mut self.thread_mut(key).pending;
            if pending.add(signal, &info).is_err() {
                pending.add_bare(signal);
            }
            return None;
        }
        self.act(key, info)
    }

    fn stopped_trace(&mut self, key: ThreadKey) -> Result<&mut Trace, Errno> {
        let is_stopped = self.is_trace_stopped(key);
        let trace = self.thread_mut(key).live_trace_mut();
        trace
            .filter(|trace| is_stopped && !trace.is_listening())
            .ok_or(Errno::ESRCH)
    }

    /// The stop that a thread is in.
    ///
    /// # Errors
    /// `ESRCH` if it is in none, or listens.
    pub fn trace_stop(&mut self, key: ThreadKey) -> Result<TraceStop, Errno> {
        let trace = self.stopped_trace(key)?;
        trace.stop.as_ref().map(|stop| stop.what).ok_or(Errno::ESRCH)
    }

    /// Lets a stopped thread go on; the caller wakes it.
    ///
    /// # Errors
    /// `EIO` for a signal out of range, `ESRCH` if it is not stopped.
    pub fn resume(
        &mut self,
        key: ThreadKey,
        how: Resume,
        signal: u64,
    ) -> Result<(), Errno> {
        let signal = valid_signal(signal)?;
        let trace = self.stopped_trace(key)?;
        trace.resume = how;
        trace.signal = signal;
        trace.stop = None;
        Ok(())
    }

    /// `PTRACE_DETACH`.
    ///
    /// # Errors
    /// As [`SignalState::resume`].
    pub fn detach(&mut self, key: ThreadKey, signal: u64) -> Result<(), Errno> {
        let signal = valid_signal(signal)?;
        self.stopped_trace(key)?;
        self.release(key, Some(signal));
        Ok(())
    }

    /// The thread is traced no longer. It goes on, with a signal, and takes
    /// part in a group stop that is in effect. The caller flags it, and
    /// wakes it from a trace stop. Without a signal, when the tracer is gone,
    /// one that the tracer has not heard of acts.
    pub fn release(&mut self, key: ThreadKey, signal: Option<u32>) {
        let group = self.stop.signal().is_some() && self.exit.is_none();
        let Some(thread) = self.threads[key.0 as usize].as_mut() else {
            return;
        };
        let Some(trace) = thread.trace.as_mut() else { return };
        trace.is_released = true;
        match trace.stop.take() {
            None => thread.trace = None,
            Some(stop) => {
                let unheard =
                    stop.what.cause == Cause::Signal && !stop.is_reported;
                let kept = if unheard { stop.what.code } else { 0 };
                trace.signal = signal.unwrap_or(kept);
            }
        }
        if group && !thread.stop_pending && !thread.stopped {
            thread.stop_pending = true;
            self.stop.one_more();
        }
    }

    /// `PTRACE_INTERRUPT`: the caller flags the thread and wakes it, also if
    /// it listens.
    ///
    /// # Errors
    /// `EIO` if it was not seized.
    pub fn interrupt(&mut self, key: ThreadKey) -> Result<(), Errno> {
        let trace = self.thread_mut(key).live_trace_mut();
        let trace = trace.ok_or(Errno::ESRCH)?;
        if trace.style != Style::Seized {
            return Err(Errno::EIO);
        }
        trace.trap_pending = true;
        trace.stop_listening();
        Ok(())
    }

    /// `PTRACE_LISTEN`. If the group's stop changed meanwhile the thread
    /// traps again: the caller wakes it.
    ///
    /// # Errors
    /// `EIO` if it was not seized or is in another kind of stop, `ESRCH`.
    pub fn listen(&mut self, key: ThreadKey) -> Result<(), Errno> {
        let trace = self.stopped_trace(key)?;
        let is_seized = trace.style == Style::Seized;
        let stop = trace.stop.as_mut().ok_or(Errno::ESRCH)?;
        if !is_seized || stop.what.code >> 8 != EVENT_STOP {
            return Err(Errno::EIO);
        }
        stop.is_listening = true;
        if trace.notify_pending {
            trace.stop_listening();
        }
        Ok(())
    }

    /// What `wait4` tells of a trace stop, once.
    pub fn report_trace(
        &mut self,
        key: ThreadKey,
        consume: bool,
    ) -> Option<u32> {
        if !self.is_trace_stopped(key) {
            return None;
        }
        let trace = self.thread_mut(key).live_trace_mut()?;
        let stop = trace.stop.as_mut().filter(|stop| !stop.is_reported)?;
        stop.is_reported = consume;
        Some(stop.what.code)
    }

    /// `PTRACE_GETEVENTMSG`.
    ///
    /// # Errors
    /// `ESRCH` if it is not stopped.
    pub fn trace_message(&mut self, key: ThreadKey) -> Result<u64, Errno> {
        Ok(self.stopped_trace(key)?.message)
    }

    /// `PTRACE_GETSIGINFO`.
    ///
    /// # Errors
    /// `EINVAL` in a group stop, `ESRCH` if it is not stopped.
    pub fn trace_info(&mut self, key: ThreadKey) -> Result<SigInfo, Errno> {
        self.stopped_trace(key)?.info.ok_or(Errno::EINVAL)
    }

    /// `PTRACE_SETSIGINFO`.
    ///
    /// # Errors
    /// As [`SignalState::trace_info`].
    pub fn set_trace_info(
        &mut self,
        key: ThreadKey,
        info: SigInfo,
    ) -> Result<(), Errno> {
        let trace = self.stopped_trace(key)?;
        let place = trace.info.as_mut().ok_or(Errno::EINVAL)?;
        *place = info;
        Ok(())
    }
}

fn valid_signal(signal: u64) -> Result<u32, Errno> {
    match u32::try_from(signal) {
        Ok(signal @ 0..=64) => Ok(signal),
        _ => Err(Errno::EIO),
    }
}
