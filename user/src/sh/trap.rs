//! Signals of the shell: which it ignores, and what `trap` runs.
//!
//! A handler only notes the signal; the commands run between two others.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::sync::atomic::{AtomicU64, Ordering};

use user_lib::linux::{SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};
use user_lib::signal::{self, Action, bit};

use crate::sh::lexer::Trouble;
use crate::sh::parser;
use crate::sh::state::{Flow, Ran, Shell};

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
}

/// Whether a signal waits to be looked at.
pub fn has_arrived() -> bool {
    ARRIVED.load(Ordering::Relaxed) != 0
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

impl Shell {
    /// Sets the signals of a child back to what programs expect.
    pub fn reset_signals(&mut self) {
        if self.is_interactive {
            for number in IGNORED.into_iter().chain([SIGINT]) {
                // These signals may all have their default.
                let _ = signal::set_action(number, Action::Default, 0, 0);
            }
        }
        let traps = core::mem::take(&mut self.traps);
        for (number, commands) in traps.commands {
            if number != EXIT && !commands.is_empty() {
                // It was handled before, so it may be again.
                let _ = signal::set_action(number, Action::Default, 0, 0);
            }
        }
        ARRIVED.store(0, Ordering::Relaxed);
    }

    /// Runs what was set for signals that arrived.
    ///
    /// # Errors
    /// Where to go on instead.
    pub fn run_traps(&mut self) -> Ran {
        let arrived = ARRIVED.swap(0, Ordering::Relaxed);
        for number in 1..=64 {
            if arrived & bit(number) != 0 {
                match self.traps.commands.get(&number).cloned() {
                    Some(commands) => self.run_trap(&commands)?,
                    None => {
                        user_lib::eprintln!("");
                        self.status = 128 + number as i32;
                        return Err(Flow::Interrupt);
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs what was set for the end.
    pub fn run_exit_trap(&mut self) {
        if let Some(commands) = self.traps.commands.remove(&EXIT) {
            // The shell ends here in any case.
            let _ = self.run_trap(&commands);
        }
    }

    fn run_trap(&mut self, commands: &str) -> Ran {
        let status = self.status;
        match parser::whole(commands) {
            Ok(list) => self.run_list(&list)?,
            Err(Trouble::Syntax(message)) => self.complain(&message),
            Err(Trouble::Incomplete) => self.complain("trap: unexpected end"),
        }
        self.status = status;
        Ok(())
    }
}
