//! What processes ask of the controlling terminal, which stands above them.

use kernel_machine::sync::Hook;

/// The terminal of a session.
pub struct ControllingTerminal {
    /// The leader of a session has ended: the session has no terminal any
    /// more, and who used it in the foreground is told.
    pub leave_session: fn(u32),
    /// The terminal of a session, if it has one: device number and
    /// foreground process group, for `/proc/PID/stat`.
    pub of_session: fn(u32) -> Option<(u32, u32)>,
}

/// Where the terminal is plugged in.
pub static CONTROLLING_TERMINAL: Hook<ControllingTerminal> = Hook::new();
