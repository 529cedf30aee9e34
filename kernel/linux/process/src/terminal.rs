//! What processes ask of the terminal, which stands above them.

use super::ProcessId;
use kernel_machine::sync::Hook;

/// The leader of this session has ended: the session has no terminal any more,
/// and who used it in the foreground is told.
pub static SESSION_ENDED: Hook<fn(ProcessId)> = Hook::new();
