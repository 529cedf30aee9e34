//! What a tracer asks of a thread that it traces, and how tracing begins and
//! ends.

use alloc::boxed::Box;

use kernel_abi::Errno;
use kernel_abi::ptrace::{EVENT_STOP, O_MASK};
use kernel_abi::signal::{SIGSTOP, SigInfo};

use crate::signal::state::{SignalState, ThreadKey};
use crate::signal::trace_stop::{Cause, Resume, Style, Trace, TraceStop};

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
        thread.trace = Some(Box::new(Trace {
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
            // It was let go on with a signal and has not run yet: that is
            // kept until it has left its stop.
            None if trace.signal != 0 => {}
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
