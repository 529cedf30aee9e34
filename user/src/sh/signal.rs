//! Signals of the shell: which it ignores, and what `trap` has set for them.
//!
//! A handler only notes the signal; `trap.rs` runs the commands, between two
//! others.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::sync::atomic::{AtomicU64, Ordering};

use user_lib::linux::{SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};
use user_lib::signal::{self, Action, bit};

/// The pseudo-signal of the shell's end.
pub const EXIT: u32 = 0;

/// Signals an interactive shell ignores.
const IGNORED: [u32; 5] = [SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU];

/// Signals that arrived and were not looked at.
static ARRIVED: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(signal: i32) {
    ARRIVED.fetch_or(bit(signal as u32), Ordering::Relaxed);
}

/// What `trap` set, by signal.
#[derive(Default)]
pub struct Traps {
    commands: BTreeMap<u32, String>,
}

impl Traps {
    /// All, by signal.
    pub fn iter(&self) -> impl Iterator<Item = (&u32, &String)> {
        self.commands.iter()
    }

    /// Sets what to do: nothing for empty commands, the default for `None`.
    ///
    /// # Errors
    /// `EINVAL` for a signal that cannot be handled.
    pub fn set(
        &mut self,
        signal: u32,
        commands: Option<&str>,
    ) -> user_lib::Result<()> {
        let action = match commands {
            None => Action::Default,
            Some("") => Action::Ignore,
            Some(_) => Action::Handle(note),
        };
        if signal != EXIT {
            signal::set_action(signal, action, 0, 0)?;
        }
        match commands {
            Some(text) => {
                self.commands.insert(signal, String::from(text));
            }
            None => drop(self.commands.remove(&signal)),
        }
        Ok(())
    }

    /// The commands for a signal.
    pub fn get(&self, signal: u32) -> Option<&String> {
        self.commands.get(&signal)
    }

    /// Takes out the commands for the shell's end.
    pub fn take_exit(&mut self) -> Option<String> {
        self.commands.remove(&EXIT)
    }

    /// Forgets all, and sets the signals that had commands back to their
    /// default.
    pub fn reset(&mut self) {
        for (number, commands) in core::mem::take(&mut self.commands) {
            if number != EXIT && !commands.is_empty() {
                // It was handled before, so it may be again.
                let _ = signal::set_action(number, Action::Default, 0, 0);
            }
        }
    }
}

/// Whether a signal waits to be looked at.
pub fn has_arrived() -> bool {
    ARRIVED.load(Ordering::Relaxed) != 0
}

/// Whether `^C` waits to be looked at.
pub fn is_interrupted() -> bool {
    ARRIVED.load(Ordering::Relaxed) & bit(SIGINT) != 0
}

/// Takes the note of `^C`; says whether there was one.
pub fn take_interrupt() -> bool {
    ARRIVED.fetch_and(!bit(SIGINT), Ordering::Relaxed) & bit(SIGINT) != 0
}

/// Sets the signals of an interactive shell.
pub fn become_interactive() {
    // These signals may all be handled and ignored.
    let _ = signal::set_action(SIGINT, Action::Handle(note), 0, 0);
    for number in IGNORED {
        let _ = signal::set_action(number, Action::Ignore, 0, 0);
    }
}

/// Takes the notes of all signals that arrived, as a set.
pub fn take_arrived() -> u64 {
    ARRIVED.swap(0, Ordering::Relaxed)
}

/// Sets what [`become_interactive`] changed back to what programs expect.
pub fn leave_interactive() {
    for number in IGNORED.into_iter().chain([SIGINT]) {
        // These signals may all have their default.
        let _ = signal::set_action(number, Action::Default, 0, 0);
    }
}
