//! Rules between processes: orphaned process groups, and the terminal in the
//! background.

use kernel_abi::Errno;
use kernel_abi::signal::{SIGTTIN, SIGTTOU};

/// Process group and session of a group member's parent.
#[derive(Clone, Copy, Debug)]
pub struct Parent {
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
}

/// Whether a process group is orphaned: no member has a parent in the same
/// session and another group, so nobody is left who would continue it.
/// `parents` gives the parents of its members that live, except process 1.
pub fn is_orphaned(
    group: u32,
    session: u32,
    mut parents: impl Iterator<Item = Parent>,
) -> bool {
    !parents.any(|parent| parent.session == session && parent.group != group)
}

/// A process that uses its controlling terminal while in the background.
#[derive(Clone, Copy, Debug)]
pub struct Background {
    /// Blocks or ignores the signal that follows.
    pub is_deaf: bool,
    /// Its process group is orphaned.
    pub is_orphaned: bool,
}

/// What happens to it.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// The access takes place.
    Allowed,
    /// The access fails.
    Fails(Errno),
    /// Send this signal to its process group and restart the call.
    Signal(u32),
}

impl Background {
    /// A read from the terminal.
    pub fn read(self) -> Access {
        if self.is_deaf || self.is_orphaned {
            return Access::Fails(Errno::EIO);
        }
        Access::Signal(SIGTTIN)
    }

    /// A write with `TOSTOP`, or a change of the terminal's settings.
    pub fn write(self) -> Access {
        if self.is_deaf {
            Access::Allowed
        } else if self.is_orphaned {
            Access::Fails(Errno::EIO)
        } else {
            Access::Signal(SIGTTOU)
        }
    }
}
