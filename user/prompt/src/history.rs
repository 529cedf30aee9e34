//! Lines that were typed before.

use alloc::collections::VecDeque;
use alloc::string::String;

#[cfg(test)]
mod tests;

/// Lines that are kept.
const LIMIT: usize = 500;

/// The lines, and which of them is shown.
#[derive(Default)]
pub struct History {
    lines: VecDeque<String>,
    /// Lines that were dropped to make room.
    dropped: usize,
    /// The index of the line that is shown; the number of lines if it is the
    /// new one.
    at: usize,
    /// The new line, while an old one is shown.
    draft: String,
}

impl History {
    /// Adds a line, and goes back to the new one. A line without letters and
    /// one that repeats the last are not kept.
    pub fn add(&mut self, line: &str) {
        let line = line.trim_end();
        let is_last = self.lines.back().is_some_and(|last| last == line);
        if !line.trim_start().is_empty() && !is_last {
            if self.lines.len() == LIMIT {
                self.lines.pop_front();
                self.dropped += 1;
            }
            self.lines.push_back(line.into());
        }
        self.at = self.lines.len();
    }

    /// All lines with their numbers, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        let first = self.dropped + 1;
        let line = move |(index, line)| (first + index, line);
        self.lines.iter().map(String::as_str).enumerate().map(line)
    }

    /// Forgets all lines.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The line before the one that is shown, which is `shown` now.
    pub fn older(&mut self, shown: &str) -> Option<&str> {
        if self.at == self.lines.len() {
            self.draft = shown.into();
        }
        self.at = self.at.checked_sub(1)?;
        self.lines.get(self.at).map(String::as_str)
    }

    /// The line after the one that is shown; after the last, the new one.
    pub fn newer(&mut self) -> Option<&str> {
        if self.at >= self.lines.len() {
            return None;
        }
        self.at += 1;
        Some(self.lines.get(self.at).map_or(&self.draft, String::as_str))
    }

    /// The newest line before index `end` that contains `text`, with its
    /// index.
    pub fn search(&self, text: &str, end: usize) -> Option<(usize, &str)> {
        let end = end.min(self.lines.len());
        let lines = self.lines.iter().enumerate().take(end);
        let mut found = None;
        for (index, line) in lines {
            if line.contains(text) {
                found = Some((index, line.as_str()));
            }
        }
        found
    }
}
