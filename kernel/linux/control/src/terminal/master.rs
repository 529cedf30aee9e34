//! The program's end of a pseudo terminal: `/dev/ptmx`, opened.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::SeqCst;

use kernel_abi::Errno;
use kernel_abi::signal::{SIGINT, SIGQUIT, SIGTSTP};
use kernel_abi::terminal::{
    FIONREAD, TCFLSH, TIOCGPGRP, TIOCGPKT, TIOCGPTLCK, TIOCGPTN, TIOCGSID,
    TIOCPKT, TIOCSIG, TIOCSPTLCK,
};

use super::pair::Pair;
use super::state::Terminal;
use kernel_files::file::{Blocking, File, interrupted};
use kernel_files::{Input, Output, PollEvents};
use kernel_machine::mm::user;
use kernel_task::PollTable;
use kernel_task::sleep::give_way;

/// Bytes that are typed at once. A key may look at all of a line: few, so that
/// no freeze waits long.
const CHUNK: usize = 32;
/// What a packet begins with that has bytes.
const DATA: u8 = 0;

/// The end of a pair that types and sees; its drop hangs the terminal up.
pub(super) struct Master(pub(super) Arc<Terminal>);

impl Drop for Master {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

impl Master {
    fn pair(&self) -> Result<&Pair, Errno> {
        self.0.pair().ok_or(Errno::EIO)
    }

    /// Whether a read would not wait.
    fn is_readable(pair: &Pair) -> bool {
        pair.waiting() > 0
            || pair.is_left()
            || pair.has_packets.load(SeqCst) && pair.news.load(SeqCst) != 0
    }

    /// Gives what was shown; false if nothing was.
    fn give(
        &self,
        pair: &Pair,
        output: &mut Output<'_>,
    ) -> Result<bool, Errno> {
        let _reading = pair.reading.lock();
        let has_packets = pair.has_packets.load(SeqCst);
        let most = output.remaining() - usize::from(has_packets);
        if pair.waiting() == 0 {
            return Ok(false);
        }
        // Of a packet there may be room for the first byte only.
        let bytes = pair.look(most);
        if has_packets {
            output.put(&[DATA])?;
        }
        output.put(&bytes)?;
        pair.take(bytes.len());
        self.0.flowing.wake_all();
        Ok(true)
    }

    /// `TCFLSH`: what the master would read. What was typed has reached the
    /// terminal, whose programs flush it.
    fn flush(&self, pair: &Pair, what: usize) -> Result<usize, Errno> {
        const TYPED: usize = 1;
        const BOTH: usize = 2;
        if what > BOTH {
            return Err(Errno::EINVAL);
        }
        if what != TYPED {
            pair.forget_shown();
            self.0.flowing.wake_all();
        }
        Ok(0)
    }

    /// Types what `input` has; waits while there is no room for a byte.
    fn type_in(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<(), Errno> {
        let pair = self.pair()?;
        let has_room = || self.0.line.lock().input_room() > 0;
        while input.remaining() > 0 {
            if !has_room() {
                if blocking == Blocking::Fail {
                    return Err(Errno::EAGAIN);
                }
                let is_ready = || has_room().then_some(());
                pair.typing
                    .wait_until("n_tty_write", is_ready)
                    .map_err(interrupted)?;
            }
            let keys = pair.keys.lock();
            let mut bytes = [0; CHUNK];
            let room = self.0.line.lock().input_room();
            let size = room.min(CHUNK).min(input.remaining());
            input.take(&mut bytes[..size])?;
            for &byte in &bytes[..size] {
                self.0.take_key(byte);
            }
            drop(keys);
            if input.remaining() > 0 {
                give_way()?;
            }
        }
        Ok(())
    }
}

impl File for Master {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() == 0 {
            return Ok(0);
        }
        let pair = self.pair()?;
        loop {
            if pair.has_packets.load(SeqCst) {
                let news = pair.news.swap(0, SeqCst);
                if news != 0 {
                    return output.put(&[news]).map(|()| 1);
                }
            }
            // The last program first, bytes second: what it wrote is read.
            let is_left = pair.is_left();
            if self.give(pair, output)? {
                return Ok(output.done());
            }
            if is_left {
                return Err(Errno::EIO);
            }
            if blocking == Blocking::Fail {
                return Err(Errno::EAGAIN);
            }
            let is_ready = || Self::is_readable(pair).then_some(());
            pair.filled
                .wait_until("n_tty_read", is_ready)
                .map_err(interrupted)?;
        }
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        match self.type_in(input, blocking) {
            Ok(()) => Ok(input.done()),
            Err(error) => input.short(error),
        }
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        let Some(pair) = self.0.pair() else { return PollEvents::ERROR };
        if let Some(table) = table {
            table.add(&pair.filled);
            table.add(&pair.typing);
        }
        let mut events = PollEvents::empty();
        let has_news =
            pair.has_packets.load(SeqCst) && pair.news.load(SeqCst) != 0;
        let is_left = pair.is_left();
        events.set(PollEvents::PRIORITY, has_news);
        events.set(PollEvents::READABLE, pair.waiting() > 0 || has_news);
        events.set(PollEvents::HANG_UP, is_left);
        let has_room = self.0.line.lock().input_room() > 0;
        events.set(PollEvents::WRITABLE, has_room);
        events
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        let pair = self.pair()?;
        let give = |value: u32| user::write_value(argument, &value).map(|()| 0);
        let job = *self.0.job.lock();
        match request {
            TIOCGPTN => give(pair.index),
            TIOCGPTLCK => give(self.0.is_locked().into()),
            TIOCSPTLCK => {
                let word: u32 = user::read_value(argument)?;
                pair.is_locked.store(word != 0, SeqCst);
                Ok(0)
            }
            TIOCGPKT => give(pair.has_packets.load(SeqCst).into()),
            TIOCPKT => {
                let word: u32 = user::read_value(argument)?;
                pair.news.store(0, SeqCst);
                pair.has_packets.store(word != 0, SeqCst);
                Ok(0)
            }
            TIOCSIG => match argument as u32 {
                signal @ (SIGINT | SIGQUIT | SIGTSTP) => {
                    self.0.signal_foreground(signal);
                    Ok(0)
                }
                _ => Err(Errno::EINVAL),
            },
            FIONREAD => give(pair.waiting() as u32),
            TIOCGPGRP => give(job.foreground),
            TIOCGSID if job.session == 0 => Err(Errno::ENOTTY),
            TIOCGSID => give(job.session),
            TCFLSH => self.flush(pair, argument),
            // All else is asked of the terminal, as on Linux.
            _ => self.0.control(request, argument),
        }
    }

    fn held(&self) -> usize {
        self.0.pair().map_or(0, Pair::held)
    }
}
