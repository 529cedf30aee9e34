//! Who may use the terminal: sessions and process groups.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::signal::{SIG_IGN, SIGCONT, SIGHUP, SIGTTIN, SIGTTOU};
use kernel_core::capability::Capability;
use kernel_core::signal::job_control::{Access, Background};

use super::pairs::{all_terminals, take_lost};
use super::state::{Job, Terminal};
use kernel_files::OpenFlags;
use kernel_process::signal::send;
use kernel_process::{self as process, authority, tree};
use kernel_task::{self as task, Mutex};

/// Where the running process stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Member {
    /// Its number.
    process: u32,
    /// Its process group.
    group: u32,
    /// Its session.
    session: u32,
}

/// How a process in the background uses its terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TerminalUse {
    /// It reads.
    Read,
    /// It writes where that is restricted, or changes settings.
    Write,
}

/// The running process; `None` in a kernel thread.
fn member() -> Option<Member> {
    let task = task::current();
    let process = &process::thread_of(&task)?.process;
    Some(Member {
        process: process.id,
        group: process.group(),
        session: process.session(),
    })
}

/// Sends `signal` to every process of `group`; 0 stands for none.
fn signal_group(group: u32, signal: u32) {
    if group != 0 {
        send::group_from_kernel(group, signal);
    }
}

/// The leader of `session` has ended: the session has no terminal any more,
/// and who used it in the foreground is told.
pub fn leave_session(session: u32) {
    for terminal in all_terminals() {
        terminal.release_from(session);
    }
    if let Some(foreground) = take_lost(session) {
        signal_group(foreground, SIGHUP);
        signal_group(foreground, SIGCONT);
    }
}

/// The terminal of `session`, if it has one: device number and foreground
/// process group, for `/proc/PID/stat`.
pub fn of_session(session: u32) -> Option<(u32, u32)> {
    let terminal = own_of(session)?;
    let foreground = terminal.job.lock().foreground;
    Some((terminal.number.encode() as u32, foreground))
}

/// The terminal of `session`.
fn own_of(session: u32) -> Option<Arc<Terminal>> {
    let is_its = |it: &Arc<Terminal>| it.job.lock().session == session;
    all_terminals().into_iter().find(|it| session != 0 && is_its(it))
}

/// The controlling terminal of the caller's session.
///
/// # Errors
/// `ENXIO` if it has none.
pub(super) fn own() -> Result<Arc<Terminal>, Errno> {
    let member = member().ok_or(Errno::ENXIO)?;
    own_of(member.session).ok_or(Errno::ENXIO)
}

/// Held while a terminal becomes a session's: no session gets two.
static CLAIMING: Mutex<()> = Mutex::new(());

impl Terminal {
    /// Gives itself to the session of who opens it so, if it is nobody's and
    /// the caller leads one that has none. Who may only write does not get it.
    pub(super) fn offer_to_opener(&self, flags: OpenFlags) {
        let is_unwanted = flags.contains(OpenFlags::NO_CONTROLLING_TERMINAL);
        if is_unwanted || !flags.can_read() {
            return;
        }
        let Some(member) = member() else { return };
        let _claiming = CLAIMING.lock();
        if own_of(member.session).is_some() {
            return;
        }
        let mut job = self.job.lock();
        // A master that is closed now takes the job away after this.
        let is_free = job.session == 0 && !self.is_hung_up();
        if is_free && member.session == member.process {
            *job = Job { session: member.session, foreground: member.group };
            drop(job);
            take_lost(member.session);
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

    /// `TIOCSCTTY`; to steal it from another session takes a capability.
    pub(super) fn claim(&self, must_steal: bool) -> Result<(), Errno> {
        let member = member().ok_or(Errno::EPERM)?;
        let _claiming = CLAIMING.lock();
        let has_other = own_of(member.session).is_some();
        let may_steal = must_steal && authority::has(Capability::SYS_ADMIN);
        let mut job = self.job.lock();
        if job.session == member.session {
            return Ok(());
        }
        if has_other {
            return Err(Errno::EPERM);
        }
        self.check_there()?;
        let is_free = job.session == 0 || may_steal;
        if member.session != member.process || !is_free {
            return Err(Errno::EPERM);
        }
        *job = Job { session: member.session, foreground: member.group };
        drop(job);
        take_lost(member.session);
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
        let session = tree::lock().group_session(group);
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
        if is_background { use_in_background(what) } else { Ok(()) }
    }

    /// Sends a key's signal.
    pub(super) fn signal_foreground(&self, signal: u32) {
        let group = self.job.lock().foreground;
        signal_group(group, signal);
    }
}

/// Decides whether the running process, which is in the background, may use
/// its terminal; sends the signal that stops its group if not.
///
/// # Errors
/// `EIO`, or `ERESTARTSYS` after the signal.
fn use_in_background(what: TerminalUse) -> Result<(), Errno> {
    let thread = process::current();
    let process = &thread.process;
    let signal = match what {
        TerminalUse::Read => SIGTTIN,
        TerminalUse::Write => SIGTTOU,
    };
    let is_orphaned = tree::lock().is_orphaned(process.group(), 0);
    let is_deaf = {
        let signals = process.signals.lock();
        signals.state.blocked(thread.key).contains(signal)
            || signals.state.actions().get(signal).handler == SIG_IGN
    };
    let background = Background { is_deaf, is_orphaned };
    let access = match what {
        TerminalUse::Read => background.read(),
        TerminalUse::Write => background.write(),
    };
    match access {
        Access::Allowed => Ok(()),
        Access::Fails(error) => Err(error),
        Access::Signal(signal) => {
            send::group_from_kernel(process.group(), signal);
            Err(Errno::ERESTARTSYS)
        }
    }
}
