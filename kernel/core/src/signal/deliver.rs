//! A thread on its way to user mode takes its signals.
//!
//! Linux: `get_signal`, `signal_delivered`. The caller has done
//! `try_to_freeze` first, once, before it asks here (SPECIFICATION.md U4).

use kernel_abi::signal::{
    SA_NODEFER, SA_RESETHAND, SI_TIMER, SIG_DFL, SIG_IGN, SIGSEGV, SIGSTOP,
    SS_AUTODISARM, SigAction, SigInfo,
};

use super::action::DefaultAction;
use super::send::Sent;
use super::set::SignalSet;
use super::state::{NO_STACK, SignalState, ThreadKey};

/// What a thread has to do before it runs user code.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Go on; restore a saved mask.
    Nothing,
    /// Build a frame, then call [`SignalState::handler_entered`].
    Handler(Handler),
    /// The process stops: call [`SignalState::begin_stop`], unless
    /// `unless_orphaned` and the process group is orphaned; then ask again.
    Stop {
        /// The signal that stops.
        signal: u32,
        /// Terminal stops have no effect on an orphaned process group.
        unless_orphaned: bool,
    },
    /// Another thread started a group stop: take part.
    JoinStop,
    /// The thread is traced, and a group stop or its tracer asks it to trap
    /// ([`Reason::Asked`](super::Reason::Asked)).
    Trap,
    /// The thread is traced: its tracer decides about this signal, in a stop;
    /// then call [`SignalState::after_report`].
    Report(SigInfo),
    /// A timer's signal had no effect, but counts as taken; then ask again.
    Ignored(SigInfo),
    /// End the process with this signal, by [`SignalState::begin_exit`].
    Terminate {
        /// The signal that kills.
        signal: u32,
        /// Whether the status says that a core was dumped.
        core: bool,
    },
    /// The process is ending with this wait status: exit.
    Exit(u32),
}

/// A call of a handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    /// The signal.
    pub signal: u32,
    /// Its disposition as it was.
    pub action: SigAction,
    /// What goes into the frame.
    pub info: SigInfo,
    /// The mask to return to after the handler.
    pub old_mask: SignalSet,
}

impl SignalState {
    /// Takes signals until one has an effect.
    pub fn dequeue(&mut self, key: ThreadKey) -> Delivery {
        loop {
            if let Some(status) = self.exit {
                return Delivery::Exit(status);
            }
            if self.thread(key).doomed {
                return Delivery::Exit(0);
            }
            let thread = self.thread(key);
            if thread.is_asked_to_stop() {
                return match self.is_traced(key) {
                    true => Delivery::Trap,
                    false => Delivery::JoinStop,
                };
            }
            let open = !self.blocked(key);
            let Some(info) = self.take(key, open) else {
                return Delivery::Nothing;
            };
            let is_traced = self.is_traced(key);
            if is_traced || SignalSet::STOP.contains(info.signo as u32) {
                // Whether it will stop may depend on the tracer; a SIGCONT
                // meanwhile takes this back.
                self.thread_mut(key).stop_dequeued = true;
            }
            if is_traced {
                return Delivery::Report(info);
            }
            if let Some(delivery) = self.act(key, info) {
                return delivery;
            }
            if info.code == SI_TIMER {
                return Delivery::Ignored(info);
            }
        }
    }

    fn take(&mut self, key: ThreadKey, set: SignalSet) -> Option<SigInfo> {
        let own = self.thread_mut(key).pending.take(set);
        own.or_else(|| self.pending.take(set))
    }

    /// Takes a pending signal of `set` without its effect (`signalfd`,
    /// `rt_sigtimedwait`).
    pub fn take_pending(
        &mut self,
        key: ThreadKey,
        set: SignalSet,
    ) -> Option<SigInfo> {
        self.take(key, set.without(SignalSet::UNBLOCKABLE))
    }

    /// `rt_sigtimedwait`: signals of `set` wake the thread even if blocked,
    /// until [`SignalState::end_wait`].
    pub fn wait_for(&mut self, key: ThreadKey, set: SignalSet) {
        self.thread_mut(key).waiting_for = set.without(SignalSet::UNBLOCKABLE);
    }

    /// `rt_sigtimedwait` is over. Signals of the process that this thread
    /// would have taken until now are returned, as by
    /// [`SignalState::set_blocked`].
    #[must_use]
    pub fn end_wait(&mut self, key: ThreadKey) -> SignalSet {
        let shared = self.pending.set();
        let thread = self.thread_mut(key);
        let waited_for = core::mem::take(&mut thread.waiting_for);
        shared & waited_for & thread.blocked
    }

    pub(super) fn act(
        &mut self,
        key: ThreadKey,
        info: SigInfo,
    ) -> Option<Delivery> {
        let signal = info.signo as u32;
        let action = self.actions.get(signal);
        match action.handler {
            SIG_IGN => None,
            SIG_DFL => self.act_by_default(signal),
            _ => {
                if action.flags & SA_RESETHAND != 0 {
                    self.actions.reset(signal);
                }
                let thread = self.thread(key);
                let old_mask = thread.saved_mask.unwrap_or(thread.blocked);
                let handler = Handler { signal, action, info, old_mask };
                Some(Delivery::Handler(handler))
            }
        }
    }

    fn act_by_default(&self, signal: u32) -> Option<Delivery> {
        if self.is_init && !SignalSet::UNBLOCKABLE.contains(signal) {
            return None;
        }
        match DefaultAction::of(signal) {
            DefaultAction::Ignore | DefaultAction::Continue => None,
            DefaultAction::Stop => {
                let unless_orphaned = signal != SIGSTOP;
                Some(Delivery::Stop { signal, unless_orphaned })
            }
            DefaultAction::Terminate => {
                Some(Delivery::Terminate { signal, core: false })
            }
            DefaultAction::Core => {
                Some(Delivery::Terminate { signal, core: true })
            }
        }
    }

    /// The frame is on the stack: the handler's mask holds from now on.
    /// Returns signals of the process that this thread now blocks, as
    /// [`SignalState::set_blocked`] does.
    #[must_use]
    pub fn handler_entered(
        &mut self,
        key: ThreadKey,
        handler: &Handler,
    ) -> SignalSet {
        let mut mask = SignalSet(handler.action.mask);
        if handler.action.flags & SA_NODEFER == 0 {
            mask = mask | SignalSet::one(handler.signal);
        }
        let thread = self.thread_mut(key);
        thread.saved_mask = None;
        if thread.alternative.flags & SS_AUTODISARM != 0 {
            thread.alternative = NO_STACK;
        }
        let blocked = thread.blocked | mask;
        self.set_blocked(key, blocked)
    }

    /// The frame could not be written, or read back: `SIGSEGV`, without a
    /// handler if it was the handler of `SIGSEGV` that failed.
    pub fn frame_failed(&mut self, key: ThreadKey, signal: u32) -> Sent {
        if signal == SIGSEGV {
            self.actions.reset(SIGSEGV);
        }
        self.force(key, &SigInfo::kernel(SIGSEGV))
    }
}
