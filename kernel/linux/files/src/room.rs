//! Whether there is memory for one more of what the kernel keeps for programs:
//! open files, pipes, sockets, watches, locks. Ordinary users are refused
//! before memory is short: the rest is root's, to log in and to clean up with.

use kernel_core::capability::Capability;

use super::permission;
use kernel_machine::mm::frame;

/// True if the running process may make the kernel keep one thing more.
#[inline]
pub fn has_room() -> bool {
    !frame::is_scarce() || is_for_root()
}

#[cold]
fn is_for_root() -> bool {
    permission::has_any(Capability::SYS_ADMIN) && !frame::is_short()
}
