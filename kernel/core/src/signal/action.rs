//! What a process does with each signal.

use alloc::boxed::Box;

use kernel_abi::Errno;
use kernel_abi::signal::{
    SA_NOCLDSTOP, SA_NOCLDWAIT, SIG_DFL, SIG_IGN, SIGCHLD, SIGCONT, SIGRTMAX,
    SigAction,
};

use super::set::SignalSet;

/// What happens when a signal has no handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefaultAction {
    /// Nothing.
    Ignore,
    /// Nothing more; the sending itself has continued the process.
    Continue,
    /// The process stops.
    Stop,
    /// The process ends.
    Terminate,
    /// The process ends, and says so in its status.
    Core,
}

impl DefaultAction {
    /// The default action of `signal`.
    pub const fn of(signal: u32) -> Self {
        if signal == SIGCONT {
            DefaultAction::Continue
        } else if SignalSet::IGNORED_BY_DEFAULT.contains(signal) {
            DefaultAction::Ignore
        } else if SignalSet::STOP.contains(signal) {
            DefaultAction::Stop
        } else if SignalSet::DUMPS_CORE.contains(signal) {
            DefaultAction::Core
        } else {
            DefaultAction::Terminate
        }
    }
}

/// How a parent wants to hear of a child's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChildExitPolicy {
    /// The child goes at once, no `wait` sees it.
    pub reap: bool,
    /// `SIGCHLD` is sent.
    pub signal: bool,
}

/// The dispositions of all signals; copied by `fork`. They are large, and stand
/// apart so that whatever holds them moves cheaply.
#[derive(Clone)]
pub struct Actions(Box<[SigAction; SIGRTMAX as usize]>);

impl Default for Actions {
    fn default() -> Self {
        let default = SigAction { handler: SIG_DFL, ..SigAction::default() };
        Actions(Box::new([default; SIGRTMAX as usize]))
    }
}

impl Actions {
    /// The disposition of `signal`, the default for numbers out of range.
    pub fn get(&self, signal: u32) -> SigAction {
        let index = (signal as usize).wrapping_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }

    /// Sets a disposition and returns the old one.
    ///
    /// # Errors
    /// `EINVAL` for numbers out of range and what cannot be caught.
    pub(super) fn set(
        &mut self,
        signal: u32,
        mut action: SigAction,
    ) -> Result<SigAction, Errno> {
        if SignalSet::UNBLOCKABLE.contains(signal) {
            return Err(Errno::EINVAL);
        }
        let slot = self.slot(signal).ok_or(Errno::EINVAL)?;
        let mask = SignalSet(action.mask).without(SignalSet::UNBLOCKABLE);
        action.mask = mask.0;
        Ok(core::mem::replace(slot, action))
    }

    fn slot(&mut self, signal: u32) -> Option<&mut SigAction> {
        self.0.get_mut((signal as usize).wrapping_sub(1))
    }

    /// Back to the default action, keeping the rest (`SA_RESETHAND`).
    pub(super) fn reset(&mut self, signal: u32) {
        if let Some(slot) = self.slot(signal) {
            slot.handler = SIG_DFL;
        }
    }

    /// `execve`: handlers are gone, what was ignored stays ignored.
    pub(super) fn exec(&mut self) {
        for slot in self.0.iter_mut() {
            let handler =
                if slot.handler == SIG_IGN { SIG_IGN } else { SIG_DFL };
            *slot = SigAction { handler, ..SigAction::default() };
        }
    }

    /// Whether `signal` has no effect, by choice or by default.
    pub fn is_ignored(&self, signal: u32) -> bool {
        match self.get(signal).handler {
            SIG_IGN => true,
            SIG_DFL => SignalSet::IGNORED_BY_DEFAULT.contains(signal),
            _ => false,
        }
    }

    /// Whether `signal` ends the process without a core dump.
    pub(super) fn is_fatal(&self, signal: u32) -> bool {
        self.get(signal).handler == SIG_DFL
            && DefaultAction::of(signal) == DefaultAction::Terminate
    }

    /// What this process, as a parent, wants when a child ends.
    pub fn child_exit_policy(&self) -> ChildExitPolicy {
        let action = self.get(SIGCHLD);
        let ignored = action.handler == SIG_IGN;
        ChildExitPolicy {
            reap: ignored || action.flags & SA_NOCLDWAIT != 0,
            signal: !ignored,
        }
    }

    /// Whether this process, as a parent, gets `SIGCHLD` for stops.
    pub fn wants_stop_notice(&self) -> bool {
        let action = self.get(SIGCHLD);
        action.handler != SIG_IGN && action.flags & SA_NOCLDSTOP == 0
    }
}
