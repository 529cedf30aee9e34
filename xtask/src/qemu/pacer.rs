//! When may the guest get its next line of input?
//!
//! A person types after reading. Piped input has no eyes: sent at once, it
//! would go to whatever program happens to read the terminal. So a line is
//! sent when the shell shows its prompt; and when it shows none for long, the
//! line is meant for the program that runs, such as `cat`. A boot loader gets
//! nothing: it would take a line for a wish to stop.
use std::time::{Duration, Instant};

use super::screen::Screen;

/// A program quiet for so long is waiting for input.
const PATIENCE: Duration = Duration::from_secs(10);

/// Once it has been found to read, its next lines follow like this.
const BETWEEN_LINES: Duration = Duration::from_millis(200);

/// End of input on a terminal (`^D`).
const END_OF_INPUT: &[u8] = &[4];

/// Hands out piped input at the guest's pace.
#[derive(Debug, Default)]
pub struct Pacer {
    is_program_reading: bool,
    ends_sent: u32,
}

impl Pacer {
    /// Whether a line may be sent at `now`.
    pub fn may_send(&mut self, screen: &Screen, now: Instant) -> bool {
        if screen.is_in_loader() {
            return false;
        }
        if screen.has_prompt(now) {
            self.is_program_reading = false;
            return true;
        }
        let patience =
            if self.is_program_reading { BETWEEN_LINES } else { PATIENCE };
        let is_waiting = screen.quiet(now) >= patience;
        self.is_program_reading |= is_waiting;
        is_waiting
    }

    /// What to send after the last line: end of input, which ends a program
    /// that reads and then the shell; a shell that is back asks for an end of
    /// the machine.
    pub fn farewell(&mut self, screen: &Screen, now: Instant) -> &'static [u8] {
        self.ends_sent += 1;
        if self.ends_sent > 1 && screen.has_prompt(now) {
            b"poweroff\n"
        } else {
            END_OF_INPUT
        }
    }
}
