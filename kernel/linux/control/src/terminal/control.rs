//! The terminal's `ioctl`s (Linux `ioctl_tty(2)`).

use kernel_abi::Errno;
use kernel_abi::signal::SIGWINCH;
use kernel_abi::terminal::{
    FIONREAD, IXON, TCFLSH, TCGETS, TCSBRK, TCSETS, TCSETSF, TCSETSW, TCXONC,
    TIOCGPGRP, TIOCGSID, TIOCGWINSZ, TIOCNOTTY, TIOCOUTQ, TIOCSCTTY, TIOCSPGRP,
    TIOCSWINSZ, Termios, VSTART, VSTOP, Winsize,
};
use zerocopy::{Immutable, IntoBytes};

use super::job::TerminalUse;
use super::pair::news;
use super::state::Terminal;
use kernel_machine::mm::user;

/// `TCFLSH`: what was typed, what is to be shown, both.
const FLUSH: core::ops::RangeInclusive<usize> = 0..=2;
const FLUSH_INPUT: usize = 0;
const FLUSH_OUTPUT: usize = 1;
/// `TCXONC`: stop output, restart it, the same for input.
const OUTPUT_OFF: usize = 0;
const OUTPUT_ON: usize = 1;

fn give<T: IntoBytes + Immutable>(
    argument: usize,
    value: &T,
) -> Result<usize, Errno> {
    user::write_value(argument, value).map(|()| 0)
}

/// Whether `^S` and `^Q` stop output and let it go on.
fn has_usual_flow(termios: &Termios) -> bool {
    const CTRL_Q: u8 = 0x11;
    const CTRL_S: u8 = 0x13;
    termios.iflag & IXON != 0
        && (termios.cc[VSTART], termios.cc[VSTOP]) == (CTRL_Q, CTRL_S)
}

impl Terminal {
    pub(super) fn control(
        &self,
        request: u32,
        argument: usize,
    ) -> Result<usize, Errno> {
        self.check_there()?;
        match request {
            TCGETS => {
                let termios = *self.line.lock().termios();
                give(argument, &termios)
            }
            TCSETS => self.set_termios(argument, false),
            TCSETSW => {
                self.drained(Errno::ERESTARTSYS)?.set_termios(argument, false)
            }
            TCSETSF => {
                self.drained(Errno::ERESTARTSYS)?.set_termios(argument, true)
            }
            TIOCGWINSZ => {
                let window = *self.window.lock();
                give(argument, &window)
            }
            TIOCSWINSZ => self.set_window(user::read_value(argument)?),
            FIONREAD => {
                let available = self.line.lock().available() as u32;
                give(argument, &available)
            }
            TIOCOUTQ => give(argument, &(self.unsent() as u32)),
            // A break is sent by nothing but real serial lines.
            TCSBRK => self.drained(Errno::EINTR).map(|_| 0),
            TCXONC => self.set_flow(argument),
            TCFLSH => self.flush(argument),
            _ => self.control_job(request, argument),
        }
    }

    /// The same, as soon as all is sent; `interrupted` after a signal.
    fn drained(&self, interrupted: Errno) -> Result<&Self, Errno> {
        self.check_foreground(TerminalUse::Write)?;
        self.drain().map_err(|_| interrupted)?;
        Ok(self)
    }

    fn control_job(
        &self,
        request: u32,
        argument: usize,
    ) -> Result<usize, Errno> {
        match request {
            TIOCSCTTY => self.claim(argument == 1).map(|()| 0),
            TIOCNOTTY => self.give_up().map(|()| 0),
            TIOCGPGRP => give(argument, &self.foreground()?),
            TIOCGSID => give(argument, &self.session()?),
            TIOCSPGRP => {
                self.check_foreground(TerminalUse::Write)?;
                let group = user::read_value(argument)?;
                self.set_foreground(group).map(|()| 0)
            }
            _ => Err(Errno::ENOTTY),
        }
    }

    fn set_termios(
        &self,
        argument: usize,
        must_flush: bool,
    ) -> Result<usize, Errno> {
        self.check_foreground(TerminalUse::Write)?;
        let termios: Termios = user::read_value(argument)?;
        let mut line = self.line.lock();
        if must_flush {
            line.flush_input();
        }
        let old = *line.termios();
        let was_stopped = line.is_output_stopped();
        line.set_termios(termios);
        let goes_on = was_stopped && !line.is_output_stopped();
        drop(line);
        self.readable.wake_all();
        self.flowing.wake_all();
        let Some(pair) = self.pair() else { return Ok(0) };
        pair.typing.wake_all();
        if must_flush {
            pair.tell(news::FLUSH_READ, 0);
        }
        if goes_on {
            pair.tell(news::START, news::STOP);
        }
        match (has_usual_flow(&old), has_usual_flow(&termios)) {
            (true, false) => pair.tell(news::NO_STOP, news::DO_STOP),
            (false, true) => pair.tell(news::DO_STOP, news::NO_STOP),
            _ => {}
        }
        Ok(0)
    }

    fn set_window(&self, window: Winsize) -> Result<usize, Errno> {
        let old = core::mem::replace(&mut *self.window.lock(), window);
        if old != window {
            self.signal_foreground(SIGWINCH);
        }
        Ok(0)
    }

    fn set_flow(&self, action: usize) -> Result<usize, Errno> {
        self.check_foreground(TerminalUse::Write)?;
        match action {
            OUTPUT_OFF => self.line.lock().set_output_stopped(true),
            OUTPUT_ON => self.line.lock().set_output_stopped(false),
            2 | 3 => return Ok(0),
            _ => return Err(Errno::EINVAL),
        }
        self.flow_changed();
        Ok(0)
    }

    fn flush(&self, what: usize) -> Result<usize, Errno> {
        self.check_foreground(TerminalUse::Write)?;
        if !FLUSH.contains(&what) {
            return Err(Errno::EINVAL);
        }
        if what != FLUSH_OUTPUT {
            self.line.lock().flush_input();
        }
        let Some(pair) = self.pair() else { return Ok(0) };
        if what != FLUSH_INPUT {
            pair.forget_shown();
            self.flowing.wake_all();
            pair.tell(news::FLUSH_WRITE, 0);
        }
        if what != FLUSH_OUTPUT {
            pair.typing.wake_all();
            pair.tell(news::FLUSH_READ, 0);
        }
        Ok(0)
    }
}
