//! Who may use the terminal: sessions and process groups, as plain numbers.
//!
//! What processes are is known further up; [`JobControl`] asks there.

use kernel_abi::Errno;
use kernel_abi::signal::{SIGCONT, SIGHUP};

use super::{NUMBER, TERMINAL, Terminal};

/// Where the running process stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its number.
    pub process: u32,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
}

/// How a process in the background uses its terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TerminalUse {
    /// It reads.
    Read,
    /// It writes where that is restricted, or changes settings.
    Write,
}

/// What the process layer knows and does for the terminal.
pub trait JobControl: Sync {
    /// The running process; `None` in a kernel thread.
    fn member(&self) -> Option<Member>;

    /// Sends `signal` to every process of a group.
    fn signal_group(&self, group: u32, signal: u32);

    /// The session of a group; `None` if there is no such group.
    fn session_of_group(&self, group: u32) -> Option<u32>;

    /// Decides whether the running process, which is in the background, may
    /// use the terminal, and stops its group if not.
    ///
    /// # Errors
    /// `EIO`, or `ERESTARTSYS` after the signal.
    fn use_in_background(&self, what: TerminalUse) -> Result<(), Errno>;
}

static JOB_CONTROL: spin::Once<&'static dyn JobControl> = spin::Once::new();

/// Connects the process layer, once.
pub fn set_job_control(job_control: &'static dyn JobControl) {
    JOB_CONTROL.call_once(|| job_control);
}

fn member() -> Option<Member> {
    JOB_CONTROL.get()?.member()
}

fn signal_group(group: u32, signal: u32) {
    if let Some(job_control) = JOB_CONTROL.get()
        && group != 0
    {
        job_control.signal_group(group, signal);
    }
}

/// Whose terminal it is; 0 for nobody's.
#[derive(Clone, Copy, Default)]
pub(super) struct Job {
    session: u32,
    foreground: u32,
}

/// The leader of `session` has ended: the session has no terminal any more,
/// and who used it in the foreground is told.
pub fn leave_session(session: u32) {
    if let Some(terminal) = TERMINAL.get() {
        terminal.release_from(session);
    }
}

/// The terminal of `session`, if it has one: device number and foreground
/// process group, for `/proc/PID/stat`.
pub fn of_session(session: u32) -> Option<(u32, u32)> {
    let job = *TERMINAL.get()?.job.lock();
    let is_its = session != 0 && job.session == session;
    is_its.then_some((NUMBER.encode() as u32, job.foreground))
}

impl Terminal {
    /// Gives itself to the caller's session, if it is nobody's and the
    /// caller leads one.
    pub(super) fn offer_to_session(&self) {
        let Some(member) = member() else { return };
        let mut job = self.job.lock();
        if job.session == 0 && member.session == member.process {
            *job = Job { session: member.session, foreground: member.group };
        }
    }

    /// True if it is the controlling terminal of the caller's session.
    pub(super) fn is_own(&self) -> bool {
        let session = self.job.lock().session;
        session != 0 && member().is_some_and(|it| it.session == session)
    }

    fn check_own(&self) -> Result<(), Errno> {
        self.is_own().then_some(()).ok_or(Errno::ENOTTY)
    }

    /// `TIOCSCTTY`.
    pub(super) fn claim(&self, must_steal: bool) -> Result<(), Errno> {
        let member = member().ok_or(Errno::EPERM)?;
        let mut job = self.job.lock();
        if job.session == member.session {
            return Ok(());
        }
        let is_free = job.session == 0 || must_steal;
        if member.session != member.process || !is_free {
            return Err(Errno::EPERM);
        }
        *job = Job { session: member.session, foreground: member.group };
        Ok(())
    }

    /// `TIOCNOTTY`.
    pub(super) fn give_up(&self) -> Result<(), Errno> {
        self.check_own()?;
        if let Some(member) = member().filter(|it| it.session == it.process) {
            self.release_from(member.session);
        }
        Ok(())
    }

    fn release_from(&self, session: u32) {
        let mut job = self.job.lock();
        if session == 0 || job.session != session {
            return;
        }
        let foreground = core::mem::take(&mut *job).foreground;
        drop(job);
        signal_group(foreground, SIGHUP);
        signal_group(foreground, SIGCONT);
    }

    /// `TIOCGPGRP`.
    pub(super) fn foreground(&self) -> Result<u32, Errno> {
        self.check_own()?;
        Ok(self.job.lock().foreground)
    }

    /// `TIOCGSID`.
    pub(super) fn session(&self) -> Result<u32, Errno> {
        self.check_own()?;
        Ok(self.job.lock().session)
    }

    /// `TIOCSPGRP`.
    pub(super) fn set_foreground(&self, group: i32) -> Result<(), Errno> {
        self.check_own()?;
        let group = u32::try_from(group).map_err(|_| Errno::EINVAL)?;
        let job_control = JOB_CONTROL.get().ok_or(Errno::ENOTTY)?;
        let session = job_control.session_of_group(group);
        let mut job = self.job.lock();
        match session.ok_or(Errno::ESRCH)? {
            session if session == job.session => job.foreground = group,
            _ => return Err(Errno::EPERM),
        }
        Ok(())
    }

    /// Stops the caller, if this is its terminal and it is in the background.
    ///
    /// # Errors
    /// `EIO`, or `ERESTARTSYS` after a signal to the caller's group.
    pub(super) fn check_foreground(
        &self,
        what: TerminalUse,
    ) -> Result<(), Errno> {
        let Some(member) = member() else { return Ok(()) };
        let job = *self.job.lock();
        let is_background = job.session == member.session
            && job.foreground != member.group
            && job.foreground != 0;
        match JOB_CONTROL.get() {
            Some(job_control) if is_background => {
                job_control.use_in_background(what)
            }
            _ => Ok(()),
        }
    }

    /// Sends a key's signal.
    pub(super) fn signal_foreground(&self, signal: u32) {
        let group = self.job.lock().foreground;
        signal_group(group, signal);
    }
}
