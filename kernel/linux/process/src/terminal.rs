//! What processes tell the controlling terminal, which stands above them.

use kernel_machine::sync::Hook;

/// The leader of the session with this number has ended: the session has no
/// terminal any more, and who used it in the foreground is told.
pub static LEAVE_SESSION: Hook<fn(u32)> = Hook::new();
