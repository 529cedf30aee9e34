//! Signals that were sent and not yet taken, with what is known of each.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::signal::{SI_TIMER, SI_USER, SIGRTMIN, SigInfo};

use super::set::SignalSet;
use crate::memory::quota::{Quota, UNLIMITED};

/// Whose queued signals a process's are counted with, and how many there may
/// be then (`RLIMIT_SIGPENDING`).
#[derive(Clone, Debug)]
pub struct Room {
    /// The signals of the user, in all its processes.
    pub user: Arc<Quota>,
    /// Most of those when one is to be added.
    pub most: usize,
}

impl Default for Room {
    /// As many as one likes.
    fn default() -> Self {
        Self { user: Arc::new(Quota::new(UNLIMITED)), most: UNLIMITED }
    }
}

impl Room {
    #[inline]
    fn take(&self) -> Option<Place> {
        if self.user.used() >= self.most {
            return None;
        }
        // Two that come at once may both find the last place.
        self.user.add(1);
        Some(Place(self.user.clone()))
    }
}

/// Counts for one queued signal.
struct Place(Arc<Quota>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.give(1);
    }
}

/// A queued signal, and where it counts.
struct Queued {
    info: SigInfo,
    _place: Place,
}

/// A queue of pending signals, of a thread or of a whole process.
///
/// An ordinary signal is there once, however often it was sent; a real-time
/// signal as often as it was sent, but once for each timer that sends it: the
/// description counts how often the timer has expired since. When memory or
/// room is short, an ordinary signal loses its description, never itself.
#[derive(Default)]
pub struct Pending {
    set: SignalSet,
    infos: VecDeque<Queued>,
}

impl Pending {
    /// Nothing pending.
    pub const fn new() -> Self {
        Pending { set: SignalSet::EMPTY, infos: VecDeque::new() }
    }

    /// Which signals are pending.
    #[inline]
    pub fn set(&self) -> SignalSet {
        self.set
    }

    /// Bytes of memory that it has.
    pub fn held(&self) -> usize {
        self.infos.capacity() * size_of::<Queued>()
    }

    /// Adds a signal, if there is room for its description.
    ///
    /// # Errors
    /// `EAGAIN` for a real-time signal with a value, for which there is no
    /// room; it is not pending then.
    pub fn add(
        &mut self,
        signal: u32,
        info: &SigInfo,
        room: &Room,
    ) -> Result<(), Errno> {
        let mut waiting = self.infos.iter_mut().map(|queued| &mut queued.info);
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
        let reserved = self.infos.try_reserve(1).is_ok();
        if let Some(place) = room.take().filter(|_| reserved) {
            let info = SigInfo { signo: signal as i32, ..*info };
            self.infos.push_back(Queued { info, _place: place });
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

    /// Takes the most urgent signal out of `allowed`: faults first, then by
    /// number.
    pub fn take(&mut self, allowed: SignalSet) -> Option<SigInfo> {
        let ready = self.set & allowed;
        let faults = ready & SignalSet::SYNCHRONOUS;
        let signal = faults.first().or(ready.first())?;
        Some(self.take_signal(signal))
    }

    fn take_signal(&mut self, signal: u32) -> SigInfo {
        let is_it = |it: &Queued| it.info.signo == signal as i32;
        let Some(Queued { info, .. }) = self.remove_first(is_it) else {
            self.set = self.set.without(SignalSet::one(signal));
            return SigInfo::new(signal, SI_USER);
        };
        if signal < SIGRTMIN || !self.infos.iter().any(is_it) {
            self.set = self.set.without(SignalSet::one(signal));
        }
        info
    }

    /// Takes the first of those out; mostly that is the first of all.
    #[inline]
    fn remove_first(
        &mut self,
        is_it: impl Fn(&Queued) -> bool,
    ) -> Option<Queued> {
        match self.infos.iter().position(is_it)? {
            0 => self.infos.pop_front(),
            at => self.infos.remove(at),
        }
    }

    /// Forgets these signals.
    pub fn discard(&mut self, signals: SignalSet) {
        if (self.set & signals).is_empty() {
            return;
        }
        self.set = self.set.without(signals);
        self.infos.retain(|it| !signals.contains(it.info.signo as u32));
    }

    /// Forgets what timers of `timer_create` have sent.
    pub fn discard_timers(&mut self) {
        let is_timers = |it: &Queued| it.info.code == SI_TIMER;
        let number = |it: &Queued| SignalSet::one(it.info.signo as u32);
        let sent = self.infos.iter().filter(|it| is_timers(it)).map(number);
        let gone = sent.fold(SignalSet::EMPTY, |all, one| all | one);
        self.infos.retain(|it| !is_timers(it));
        let left = self.infos.iter().map(number);
        let left = left.fold(SignalSet::EMPTY, |all, one| all | one);
        self.set = self.set.without(gone.without(left));
    }
}
