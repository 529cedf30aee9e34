//! Telling one process that a message has come to a queue that was empty
//! (mq_notify(3)).

use alloc::sync::{Arc, Weak};

use kernel_abi::Errno;
use kernel_abi::signal::{SI_MESGQ, SIGRTMAX, SigInfo};
use kernel_process::Process;
use kernel_process::signal::send;

/// How a process wants to be told.
#[derive(Clone, Copy, Debug)]
pub struct Notify {
    /// `SIGEV_SIGNAL` or `SIGEV_NONE`.
    pub how: u32,
    /// The signal.
    pub signal: u32,
    /// What it carries.
    pub value: u64,
}

/// `sigev_notify`: by a signal.
pub(super) const SIGNAL: u32 = 0;
const NONE: u32 = 1;
const THREAD: u32 = 2;

impl Notify {
    /// Fails for what nobody can be told by.
    ///
    /// # Errors
    /// `EINVAL`; `ENOSYS` for a thread, which takes a netlink socket.
    pub fn check(&self) -> Result<(), Errno> {
        match self.how {
            SIGNAL if self.signal > SIGRTMAX => Err(Errno::EINVAL),
            SIGNAL | NONE => Ok(()),
            THREAD => Err(Errno::ENOSYS),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// Who is to be told, and how: the program that asked for it, not the one that
/// takes its place, which may have other rights.
pub(super) struct Registration {
    owner: Weak<Process>,
    program: u64,
    pub(super) id: u32,
    pub(super) notify: Notify,
}

impl Registration {
    pub(super) fn new(owner: &Arc<Process>, notify: Notify) -> Self {
        Self {
            owner: Arc::downgrade(owner),
            program: owner.program(),
            id: owner.id,
            notify,
        }
    }

    /// Tells that the running process has sent a message.
    pub(super) fn tell(self) {
        let Notify { how, signal, value } = self.notify;
        let Some(owner) = self.owner.upgrade() else { return };
        let is_another = owner.program() != self.program;
        if how != SIGNAL || signal == 0 || is_another {
            return;
        }
        let sender = &kernel_process::current().process;
        let user = sender.credentials.lock().user.real;
        let mut info = SigInfo::from_user(signal, SI_MESGQ, sender.id, user);
        info.fields[1] = value;
        // If too many signals wait, it is not told, as on Linux.
        let _ = send::to_process(&owner, &info);
    }
}
