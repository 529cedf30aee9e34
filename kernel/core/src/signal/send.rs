//! A signal arrives: ignored, queued, or acted on at once.
//!
//! Linux: `prepare_signal`, `__send_signal`, `complete_signal`.

use kernel_abi::Errno;
use kernel_abi::signal::{SIG_DFL, SIG_IGN, SIGCONT, SIGKILL, SigInfo};

use super::group_stop::Notice;
use super::set::SignalSet;
use super::state::{SignalState, ThreadKey};

/// Whom a signal is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The process: any thread that does not block it.
    Process,
    /// One thread (`tgkill`, faults).
    Thread(ThreadKey),
}

/// What concerns all threads of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Everybody {
    /// Nothing.
    Nothing,
    /// Wake those that sleep in a group stop; the stop is over.
    Resume,
    /// Flag all, and wake them from any sleep but an uninterruptible one.
    Kill,
}

/// What the sender has to do.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Flag this thread; wake it if it sleeps interruptibly, kick its CPU if
    /// it runs.
    pub thread: Option<ThreadKey>,
    /// What to do with all threads, before that.
    pub everybody: Everybody,
    /// What to tell the parent.
    pub notice: Option<Notice>,
}

impl Sent {
    const NOTHING: Sent =
        Sent { thread: None, everybody: Everybody::Nothing, notice: None };
}

impl SignalState {
    /// Sends a signal. `forced` is for the kernel itself: it reaches process
    /// 1, too, with a signal that cannot be caught.
    ///
    /// # Errors
    /// `EINVAL` for a number out of range, `EAGAIN` when the queue is full.
    pub fn send(
        &mut self,
        target: Target,
        info: &SigInfo,
        forced: bool,
    ) -> Result<Sent, Errno> {
        let signal = info.signo as u32;
        if SignalSet::one(signal).is_empty() {
            return Err(Errno::EINVAL);
        }
        if self.exit.is_some() {
            return Ok(Sent::NOTHING);
        }
        let mut sent = self.prepare(signal);
        if self.ignores(target, signal, forced) {
            return Ok(sent);
        }
        match target {
            Target::Process => self.pending.add(signal, info, &self.room)?,
            Target::Thread(key) => {
                let Self { threads, room, .. } = self;
                let thread = threads[key.0 as usize].as_mut();
                let thread = thread.expect("the thread lives");
                thread.pending.add(signal, info, room)?;
            }
        }
        sent.thread = self.choose(target, signal);
        if self.kills_at_once(sent.thread, signal) {
            return Ok(self.kill_all(signal, sent.notice));
        }
        Ok(sent)
    }

    /// Stop signals and `SIGCONT` cancel each other, whether or not anybody
    /// handles, blocks or ignores them.
    fn prepare(&mut self, signal: u32) -> Sent {
        let mut sent = Sent::NOTHING;
        if SignalSet::STOP.contains(signal) {
            self.discard(SignalSet::one(SIGCONT));
        } else if signal == SIGCONT {
            self.discard(SignalSet::STOP);
            self.end_stop();
            for thread in self.threads.iter_mut().flatten() {
                thread.notify_trace();
            }
            sent.everybody = Everybody::Resume;
            sent.notice = self.stop.continue_group();
        }
        sent
    }

    fn ignores(&self, target: Target, signal: u32, forced: bool) -> bool {
        let by_default = self.actions.get(signal).handler == SIG_DFL;
        let certain = forced && SignalSet::UNBLOCKABLE.contains(signal);
        let is_ignored = (self.is_init && by_default && !certain)
            || self.actions.is_ignored(signal);
        is_ignored
            && !self.is_blocked(target, signal)
            && !self.is_told_to_tracer(target, signal)
    }

    /// A tracer hears of signals that are ignored, too.
    fn is_told_to_tracer(&self, target: Target, signal: u32) -> bool {
        let is_traced = match target {
            Target::Thread(key) => self.is_traced(key),
            Target::Process => self.has_traced_thread(),
        };
        is_traced && signal != SIGKILL
    }

    fn is_blocked(&self, target: Target, signal: u32) -> bool {
        match target {
            Target::Thread(key) => self.blocked(key).contains(signal),
            Target::Process => {
                let mut threads = self.threads.iter().flatten();
                threads.any(|thread| thread.blocked.contains(signal))
            }
        }
    }

    /// The thread to tell; none if all block the signal or are stopped.
    fn choose(&self, target: Target, signal: u32) -> Option<ThreadKey> {
        if let Target::Thread(key) = target {
            return self.wants(key, signal).then_some(key);
        }
        let wanting = || {
            self.takers(SignalSet::one(signal))
                .filter(|&key| self.wants(key, signal))
        };
        wanting()
            .find(|&key| !self.has_own_business(key))
            .or_else(|| wanting().next())
    }

    fn wants(&self, key: ThreadKey, signal: u32) -> bool {
        let thread = self.thread(key);
        let is_stopped = thread.stopped || thread.in_trace_stop();
        thread.open().contains(signal) && (signal == SIGKILL || !is_stopped)
    }

    fn has_own_business(&self, key: ThreadKey) -> bool {
        let thread = self.thread(key);
        !(thread.pending.set() & thread.open()).is_empty()
    }

    fn kills_at_once(&self, thread: Option<ThreadKey>, signal: u32) -> bool {
        let open = || {
            thread.is_some_and(|key| {
                let is_told = signal != SIGKILL && self.is_traced(key);
                !self.blocked(key).contains(signal) && !is_told
            })
        };
        self.actions.is_fatal(signal) && open()
    }

    fn kill_all(&mut self, signal: u32, notice: Option<Notice>) -> Sent {
        let everybody = self.begin_exit(signal);
        Sent { thread: None, everybody, notice }
    }

    /// The whole process shall exit with this wait status (`exit_group`, a
    /// fatal signal). The first status stays. Ends a group stop.
    pub fn begin_exit(&mut self, status: u32) -> Everybody {
        if self.exit.is_some() {
            return Everybody::Nothing;
        }
        self.exit = Some(status);
        self.end_stop();
        self.stop = Default::default();
        for thread in self.threads.iter_mut().flatten() {
            thread.pending.add_bare(SIGKILL);
        }
        Everybody::Kill
    }

    /// `execve`: every other thread shall exit. The caller flags and wakes
    /// them and waits until they are gone. False if the process is already
    /// ending; then the caller exits, too.
    ///
    /// A group stop that the caller has yet to join stays, with nobody else
    /// to wait for; the new program stops before it runs. Another thread that
    /// took a stop signal hands it on, see [`SignalState::begin_stop`].
    #[must_use]
    pub fn begin_exec(&mut self, key: ThreadKey) -> bool {
        if self.exit.is_some() || self.thread(key).doomed {
            return false;
        }
        match self.thread(key).stop_pending {
            true => self.stop.wait_for_one(),
            false => self.stop = Default::default(),
        }
        for (at, slot) in self.threads.iter_mut().enumerate() {
            let is_caller = at == key.0 as usize;
            if let Some(thread) = slot {
                thread.doomed = !is_caller;
                thread.stop_pending &= is_caller;
                thread.stopped = false;
            }
        }
        true
    }

    /// Raises a signal that the thread cannot refuse, such as a fault: if it
    /// is blocked or ignored, the default action takes place.
    pub fn force(&mut self, key: ThreadKey, info: &SigInfo) -> Sent {
        let signal = info.signo as u32;
        let blocked = self.blocked(key).contains(signal);
        if blocked || self.actions.get(signal).handler == SIG_IGN {
            self.actions.reset(signal);
            let thread = self.thread_mut(key);
            thread.blocked = thread.blocked.without(SignalSet::one(signal));
        }
        if self.actions.get(signal).handler == SIG_DFL {
            // Even process 1 cannot go on after a fault.
            self.is_init = false;
        }
        self.send(Target::Thread(key), info, true).unwrap_or(Sent::NOTHING)
    }
}
