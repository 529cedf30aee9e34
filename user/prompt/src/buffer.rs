//! The text of a line, and the cursor in it.

use alloc::string::String;
use alloc::vec::Vec;

#[cfg(test)]
mod tests;

/// A line that is edited.
#[derive(Default)]
pub struct Buffer {
    letters: Vec<char>,
    /// Letters left of the cursor; at most all.
    cursor: usize,
    /// What was cut last.
    cut: Vec<char>,
}

impl Buffer {
    /// The letters.
    pub fn letters(&self) -> &[char] {
        &self.letters
    }

    /// How many letters are left of the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The letters as text.
    pub fn text(&self) -> String {
        self.letters.iter().collect()
    }

    /// Puts another text here, with the cursor at its end.
    pub fn set(&mut self, text: &str) {
        self.letters = text.chars().collect();
        self.cursor = self.letters.len();
    }

    /// Puts the cursor after so many letters.
    pub fn move_to(&mut self, place: usize) {
        self.cursor = place.min(self.letters.len());
    }

    /// Writes a letter at the cursor.
    pub fn insert(&mut self, letter: char) {
        self.letters.insert(self.cursor, letter);
        self.cursor += 1;
    }

    /// Puts `text` in place of what lies from `start` to the cursor.
    pub fn replace(&mut self, start: usize, text: &str) {
        let start = start.min(self.cursor);
        let count = text.chars().count();
        self.letters.splice(start..self.cursor, text.chars());
        self.cursor = start + count;
    }

    /// Erases the letter left of the cursor; says whether there was one.
    pub fn erase_left(&mut self) -> bool {
        if self.cursor == 0 {
            return false;
        }
        self.cursor -= 1;
        self.letters.remove(self.cursor);
        true
    }

    /// Erases the letter right of the cursor; says whether there was one.
    pub fn erase_right(&mut self) -> bool {
        let has_one = self.cursor < self.letters.len();
        if has_one {
            self.letters.remove(self.cursor);
        }
        has_one
    }

    /// Cuts what lies between the cursor and a place.
    pub fn cut_to(&mut self, place: usize) {
        let place = place.min(self.letters.len());
        let (start, end) = (place.min(self.cursor), place.max(self.cursor));
        if start < end {
            self.cut = self.letters.drain(start..end).collect();
            self.cursor = start;
        }
    }

    /// Writes what was cut last.
    pub fn paste(&mut self) {
        let cut = self.cut.iter().copied();
        self.letters.splice(self.cursor..self.cursor, cut);
        self.cursor += self.cut.len();
    }

    /// Where the word left of the cursor starts; `is_end` tells the letters
    /// that are not of a word.
    pub fn word_left(&self, is_end: impl Fn(char) -> bool) -> usize {
        let mut place = self.cursor;
        while place > 0 && is_end(self.letters[place - 1]) {
            place -= 1;
        }
        while place > 0 && !is_end(self.letters[place - 1]) {
            place -= 1;
        }
        place
    }

    /// Where the word right of the cursor ends.
    pub fn word_right(&self, is_end: impl Fn(char) -> bool) -> usize {
        let mut place = self.cursor;
        while place < self.letters.len() && is_end(self.letters[place]) {
            place += 1;
        }
        while place < self.letters.len() && !is_end(self.letters[place]) {
            place += 1;
        }
        place
    }
}
