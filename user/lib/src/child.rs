//! Children that run a function of this program, for tests and benchmarks.

use crate::linux::{SIGKILL, SIGUSR1};
use crate::process::{self, Fork, WaitStatus};
use crate::time::{self, Time};
use crate::{Result, output, signal};

/// A child process; it is killed and waited for when this is dropped.
pub struct Child {
    /// Its id; 0 when it has been waited for.
    id: i32,
}

impl Child {
    /// Starts a child that runs `work` and exits with what that gives.
    ///
    /// # Errors
    /// Those of `clone(2)`.
    pub fn start(work: impl FnOnce() -> i32) -> Result<Self> {
        match process::fork()? {
            Fork::Parent(id) => Ok(Self { id }),
            Fork::Child => {
                let status = work();
                // An error stays with the child.
                let _ = output::flush();
                process::exit(status)
            }
        }
    }

    /// Its id.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `ECHILD` if somebody else did.
    pub fn wait(mut self) -> Result<WaitStatus> {
        process::wait_for(core::mem::take(&mut self.id))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.id != 0 {
            // It may have ended by itself, and then only waits to be reaped.
            let _ = signal::send(self.id, SIGKILL);
            let _ = process::wait_for(self.id);
        }
    }
}

/// A child that sends `SIGUSR1` to a process until it is dropped: one signal
/// might come before the process waits for it.
///
/// # Errors
/// Those of `clone(2)`.
pub fn signal_again_and_again(pid: i32) -> Result<Child> {
    Child::start(move || {
        while signal::send(pid, SIGUSR1).is_ok() {
            time::sleep(Time::from_millis(20));
        }
        0
    })
}
