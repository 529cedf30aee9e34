//! The kernel log: the last lines, oldest first, in a fixed buffer.
//!
//! A record is a header (length of the text, level, time) and the text, laid
//! out one after another through a ring of bytes. A new record pushes out as
//! many of the oldest as it needs room for. Positions count bytes since boot
//! and are reduced to the ring only where it is touched, so "how much is in
//! there" is a subtraction.
//!
//! The ring is plain data; the kernel puts it under a lock (`log.rs`).

#[cfg(test)]
mod tests;

/// Longest text of one record, in bytes; more is cut off.
pub const TEXT_LIMIT: usize = 512;

const HEADER: usize = 11;

/// A ring of `N` bytes of records.
pub struct LogRing<const N: usize> {
    bytes: [u8; N],
    /// Position of the oldest record.
    start: usize,
    /// Position after the newest record.
    end: usize,
}

/// One line of the log.
pub struct Record<'a> {
    /// Nanoseconds since boot.
    pub time_ns: u64,
    /// Severity, 0 (the machine is lost) to 7 (debug).
    pub level: u8,
    /// The text, which may wrap around the end of the ring.
    pub text: [&'a [u8]; 2],
}

impl<const N: usize> LogRing<N> {
    /// An empty ring.
    pub const fn new() -> Self {
        assert!(N > HEADER + TEXT_LIMIT);
        LogRing { bytes: [0; N], start: 0, end: 0 }
    }

    /// Appends a record; forgets the oldest ones if there is no room.
    pub fn push(&mut self, time_ns: u64, level: u8, text: &[u8]) {
        let text = &text[..text.len().min(TEXT_LIMIT)];
        let size = HEADER + text.len();
        while self.end + size - self.start > N {
            let (oldest, _) = self.header(self.start);
            self.start += HEADER + oldest;
        }
        self.put(&(text.len() as u16).to_le_bytes());
        self.put(&[level]);
        self.put(&time_ns.to_le_bytes());
        self.put(text);
    }

    /// The records, oldest first.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut position = self.start;
        core::iter::from_fn(move || {
            if position == self.end {
                return None;
            }
            let (length, level) = self.header(position);
            let mut time = [0; 8];
            for (index, byte) in time.iter_mut().enumerate() {
                *byte = self.byte(position + 3 + index);
            }
            let text = self.slices(position + HEADER, length);
            position += HEADER + length;
            Some(Record { time_ns: u64::from_le_bytes(time), level, text })
        })
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.start = self.end;
    }

    /// Bytes that the records take, with their headers.
    pub fn used(&self) -> usize {
        self.end - self.start
    }

    fn header(&self, position: usize) -> (usize, u8) {
        let length = [self.byte(position), self.byte(position + 1)];
        (usize::from(u16::from_le_bytes(length)), self.byte(position + 2))
    }

    fn byte(&self, position: usize) -> u8 {
        self.bytes[position % N]
    }

    fn slices(&self, position: usize, length: usize) -> [&[u8]; 2] {
        let first = position % N;
        let straight = length.min(N - first);
        let rest = length - straight;
        [&self.bytes[first..first + straight], &self.bytes[..rest]]
    }

    fn put(&mut self, bytes: &[u8]) {
        let first = self.end % N;
        let (straight, rest) = bytes.split_at(bytes.len().min(N - first));
        self.bytes[first..first + straight.len()].copy_from_slice(straight);
        self.bytes[..rest.len()].copy_from_slice(rest);
        self.end += bytes.len();
    }
}

impl<const N: usize> Default for LogRing<N> {
    fn default() -> Self {
        Self::new()
    }
}
