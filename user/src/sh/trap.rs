//! What `trap` set is run: at the end, and for signals that arrived, which
//! `signal.rs` notes.

use user_lib::signal::bit;

use crate::sh::lexer::Trouble;
use crate::sh::parser;
use crate::sh::signal;
use crate::sh::state::{Flow, Ran, Shell};

impl Shell {
    /// Sets the signals of a child back to what programs expect.
    pub fn reset_signals(&mut self) {
        if self.is_interactive {
            signal::leave_interactive();
        }
        self.traps.reset();
        signal::take_arrived();
    }

    /// Runs what was set for signals that arrived.
    ///
    /// # Errors
    /// Where to go on instead.
    pub fn run_traps(&mut self) -> Ran {
        let arrived = signal::take_arrived();
        for number in 1..=64 {
            if arrived & bit(number) != 0 {
                match self.traps.get(number).cloned() {
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
        if let Some(commands) = self.traps.take_exit() {
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
