//! Signals that were sent and not yet taken, with what is known of each.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::signal::{SI_TIMER, SI_USER, SIGRTMIN, SigInfo};

use super::set::SignalSet;

/// At most this many descriptions wait in one queue.
pub const MAX_QUEUED: usize = 1024;

/// A queue of pending signals, of a thread or of a whole process.
///
/// An ordinary signal is there once, however often it was sent; a real-time
/// signal as often as it was sent, but once for each timer that sends it: the
/// description counts how often the timer has expired since. When memory or
/// room is short, an ordinary signal loses its description, never itself.
#[derive(Default)]
pub struct Pending {
    set: SignalSet,
    infos: Vec<SigInfo>,
}

impl Pending {
    /// Nothing pending.
    pub const fn new() -> Self {
        Pending { set: SignalSet::EMPTY, infos: Vec::new() }
    }

    /// Which signals are pending.
    #[inline]
    pub fn set(&self) -> SignalSet {
        self.set
    }

    /// Adds a signal.
    ///
    /// # Errors
    /// `EAGAIN` for a real-time signal with a value, for which there is no
    /// room; it is not pending then.
    pub fn add(&mut self, signal: u32, info: &SigInfo) -> Result<(), Errno> {
        let mut waiting = self.infos.iter_mut();
        if info.code == SI_TIMER
            && let Some(told) = waiting.find(|it| it.is_of_same_timer(info))
        {
            told.add_overrun(info.overrun().saturating_add(1));
            return Ok(());
        }
        let realtime = signal >= SIGRTMIN;
        if !realtime && self.set.contains(signal) {
            return Ok(());
        }
        if self.has_room() {
            self.infos.push(SigInfo { signo: signal as i32, ..*info });
        } else if realtime && info.code != SI_USER {
            return Err(Errno::EAGAIN);
        }
        self.add_bare(signal);
        Ok(())
    }

    /// Adds a signal of which nothing is known.
    pub fn add_bare(&mut self, signal: u32) {
        self.set = self.set | SignalSet::one(signal);
    }

    fn has_room(&mut self) -> bool {
        self.infos.len() < MAX_QUEUED && self.infos.try_reserve(1).is_ok()
    }

    /// Takes the most urgent signal out of `allowed`: faults first, then by
    /// number.
    pub fn take(&mut self, allowed: SignalSet) -> Option<SigInfo> {
        let ready = self.set & allowed;
        let faults = ready & SignalSet::SYNCHRONOUS;
        let signal = faults.first().or(ready.first())?;
        Some(self.take_signal(signal))
    }

    fn take_signal(&mut self, signal: u32) -> SigInfo {
        let is_it = |info: &SigInfo| info.signo == signal as i32;
        let Some(at) = self.infos.iter().position(is_it) else {
            self.set = self.set.without(SignalSet::one(signal));
            return SigInfo::new(signal, SI_USER);
        };
        let info = self.infos.remove(at);
        if signal < SIGRTMIN || !self.infos.iter().any(is_it) {
            self.set = self.set.without(SignalSet::one(signal));
        }
        info
    }

    /// Forgets these signals.
    pub fn discard(&mut self, signals: SignalSet) {
        if (self.set & signals).is_empty() {
            return;
        }
        self.set = self.set.without(signals);
        self.infos.retain(|info| !signals.contains(info.signo as u32));
    }

    /// Forgets what timers of `timer_create` have sent.
    pub fn discard_timers(&mut self) {
        let is_timers = |info: &SigInfo| info.code == SI_TIMER;
        let number = |info: &SigInfo| SignalSet::one(info.signo as u32);
        let sent = self.infos.iter().filter(|it| is_timers(it)).map(number);
        let gone = sent.fold(SignalSet::EMPTY, |all, one| all | one);
        self.infos.retain(|info| !is_timers(info));
        let left = self.infos.iter().map(number);
        let left = left.fold(SignalSet::EMPTY, |all, one| all | one);
        self.set = self.set.without(gone.without(left));
    }
}
