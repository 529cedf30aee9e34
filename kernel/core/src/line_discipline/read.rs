//! A program reads: whole lines, or bytes by `VMIN` and `VTIME`.

use kernel_abi::terminal::{VMIN, VTIME};

use super::state::{CAPACITY, Cell, LineDiscipline};

const TENTH_NS: u64 = 100_000_000;

impl LineDiscipline {
    /// Reads what there is, by the rules of the mode; `Some(0)` is the end of
    /// the file. `None`: the caller waits for more, at most
    /// [`LineDiscipline::wait_ns`], and tries again.
    pub fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if self.is_canonical() {
            return (self.lines > 0).then(|| self.read_line(buffer));
        }
        let least = usize::from(self.termios.cc[VMIN]).min(buffer.len());
        let nothing_to_wait_for = least == 0 && self.termios.cc[VTIME] == 0;
        let enough = self.cells.len() >= least.max(1);
        (enough || nothing_to_wait_for).then(|| self.read_raw(buffer))
    }

    /// How long a raw reader waits for the next byte before it calls
    /// [`LineDiscipline::read_timed_out`]; `None` is for ever.
    pub fn wait_ns(&self) -> Option<u64> {
        let tenths = u64::from(self.termios.cc[VTIME]);
        let runs = self.termios.cc[VMIN] == 0 || !self.cells.is_empty();
        let timed = !self.is_canonical() && tenths != 0 && runs;
        timed.then_some(tenths * TENTH_NS)
    }

    /// Takes what there is after the time is over; 0 if nothing came.
    pub fn read_timed_out(&mut self, buffer: &mut [u8]) -> usize {
        self.read_raw(buffer)
    }

    fn read_line(&mut self, buffer: &mut [u8]) -> usize {
        let mut count = 0;
        while count < buffer.len() {
            match self.take() {
                None | Some(Cell::Eof) => return count,
                Some(Cell::Data(byte)) => buffer[count] = byte,
                Some(Cell::End(byte)) => {
                    buffer[count] = byte;
                    return count + 1;
                }
            }
            count += 1;
        }
        if count > 0 && self.cells.front() == Some(&Cell::Eof) {
            // The line just fits: its end must not read as the end of file.
            self.take();
        }
        count
    }

    fn read_raw(&mut self, buffer: &mut [u8]) -> usize {
        let mut count = 0;
        while count < buffer.len() {
            match self.take() {
                None => break,
                Some(Cell::Eof) => continue,
                Some(Cell::Data(byte) | Cell::End(byte)) => {
                    buffer[count] = byte;
                }
            }
            count += 1;
        }
        count
    }

    fn take(&mut self) -> Option<Cell> {
        let cell = self.cells.pop_front()?;
        if !matches!(cell, Cell::Data(_)) {
            self.lines -= 1;
        }
        Some(cell)
    }

    /// Whether a read would not wait (`POLLIN`).
    pub fn is_readable(&self) -> bool {
        self.is_readable_for(usize::MAX)
    }

    /// Whether a read of so many bytes would not wait.
    pub fn is_readable_for(&self, wanted: usize) -> bool {
        if self.is_canonical() {
            return self.lines > 0;
        }
        let least = match self.termios.cc[VTIME] {
            0 => usize::from(self.termios.cc[VMIN]).min(wanted).max(1),
            _ => 1,
        };
        self.cells.len() >= least
    }

    /// How many bytes can be typed before one is lost. While a line is edited
    /// and none can be read, one at least: no reader would ever make room.
    pub fn input_room(&self) -> usize {
        let left = (CAPACITY - 1).saturating_sub(self.cells.len());
        match self.is_canonical() && self.lines == 0 {
            true => left.max(1),
            false => left,
        }
    }

    /// Number of bytes that can be read (`FIONREAD`).
    pub fn available(&self) -> usize {
        let is_byte = |cell: &&Cell| !matches!(cell, Cell::Eof);
        if !self.is_canonical() {
            return self.cells.iter().filter(is_byte).count();
        }
        let is_data = |cell: &&Cell| matches!(cell, Cell::Data(_));
        let unfinished = self.cells.iter().rev().take_while(is_data).count();
        let finished = self.cells.len() - unfinished;
        self.cells.iter().take(finished).filter(is_byte).count()
    }
}
