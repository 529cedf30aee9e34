//! Where a prompt and a line stand on the screen, and how they get there.
//!
//! A line that does not fit goes on in the next row, as the terminal does by
//! itself. [`Screen`] remembers the row of the cursor; everything that is
//! printed goes through it. A letter at the end of the line is printed alone,
//! as a terminal's echo would; everything else draws the line again from the
//! first row on. Every letter is taken to be one column wide.

use alloc::format;
use alloc::string::String;

#[cfg(test)]
mod tests;

/// The rows below a prompt's first one, the prompt included.
pub struct Screen {
    columns: usize,
    /// The row of the cursor, counted from the prompt's.
    row: usize,
}

impl Screen {
    /// A screen with so many columns, and the cursor in the first row.
    pub fn new(columns: usize) -> Self {
        Self { columns: columns.max(2), row: 0 }
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The row after `count` letters were printed: a terminal leaves a full
    /// row only when one more letter comes.
    fn row_after(&self, count: usize) -> usize {
        count.saturating_sub(1) / self.columns
    }

    /// The cursor stands in the first row, after `width` columns.
    pub fn start(&mut self, width: usize) {
        self.row = self.row_after(width);
    }

    /// Prints a letter at the end; `count` letters stand there with it.
    pub fn append(&mut self, letter: char, count: usize, out: &mut String) {
        out.push(letter);
        self.row = self.row_after(count);
    }

    /// Prints prompt and text again, with the cursor after `cursor` letters.
    pub fn draw(
        &mut self,
        prompt: &str,
        text: &[char],
        cursor: usize,
        out: &mut String,
    ) {
        if self.row > 0 {
            out.push_str(&format!("\x1b[{}A", self.row));
        }
        out.push('\r');
        out.push_str(last_line(prompt));
        out.extend(text);
        let width = width(prompt);
        let count = width + text.len();
        let end = count / self.columns;
        if count > 0 && count.is_multiple_of(self.columns) {
            // The row is full: the cursor goes where the next letter would.
            out.push('\n');
        }
        out.push_str("\x1b[J");
        let place = width + cursor;
        self.row = place / self.columns;
        if end > self.row {
            out.push_str(&format!("\x1b[{}A", end - self.row));
        }
        if place < count {
            out.push('\r');
            let column = place % self.columns;
            if column > 0 {
                out.push_str(&format!("\x1b[{column}C"));
            }
        }
    }

    /// Clears the screen; the first row is on top.
    pub fn clear(&mut self, out: &mut String) {
        out.push_str("\x1b[H\x1b[2J");
        self.row = 0;
    }
}

/// The part of a prompt that stands in the row of the line.
fn last_line(prompt: &str) -> &str {
    prompt.rsplit('\n').next().unwrap_or(prompt)
}

/// The columns of a prompt's last line; sequences for colours have none.
pub fn width(prompt: &str) -> usize {
    let mut width = 0;
    let mut letters = last_line(prompt).chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\x1b' => {
                letters.find(char::is_ascii_alphabetic);
            }
            letter if letter.is_control() => {}
            _ => width += 1,
        }
    }
    width
}
