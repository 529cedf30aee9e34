//! Text in rows of a screen, of which some are shown: what `less` does,
//! without the terminal.

use alloc::string::String;
use alloc::vec::Vec;

use crate::text::pattern::Pattern;

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// Where lines come from; `None` at the end.
pub type Source<'a> = dyn FnMut() -> Option<Vec<u8>> + 'a;

/// Rows of text, and which of them is on top of the screen.
pub struct Pager<'a> {
    rows: Vec<String>,
    /// Gives more lines, until they have ended.
    source: Option<&'a mut Source<'a>>,
    top: usize,
    /// Rows that fit on the screen.
    height: usize,
    columns: usize,
}

impl<'a> Pager<'a> {
    /// Shows lines from the start, so many rows of so many columns at a time.
    pub fn new(
        source: &'a mut Source<'a>,
        height: usize,
        columns: usize,
    ) -> Self {
        Self { rows: Vec::new(), source: Some(source), top: 0, height, columns }
    }

    /// Reads until there are `count` rows, or all.
    fn read(&mut self, count: usize) {
        while self.rows.len() < count
            && let Some(source) = &mut self.source
        {
            match source() {
                Some(line) => split(&line, self.columns, &mut self.rows),
                None => self.source = None,
            }
        }
    }

    /// The rows on the screen.
    pub fn page(&mut self) -> &[String] {
        self.read(self.top + self.height + 1);
        let end = self.rows.len().min(self.top + self.height);
        &self.rows[self.top..end]
    }

    /// Whether the last row is on the screen.
    pub fn is_at_end(&mut self) -> bool {
        self.read(self.top + self.height + 1);
        self.rows.len() <= self.top + self.height
    }

    /// Which rows are shown, from 1, and how many there are, if that is
    /// known.
    pub fn place(&mut self) -> (usize, usize, Option<usize>) {
        let shown = self.page().len();
        let total = self.source.is_none().then_some(self.rows.len());
        (self.top + 1, self.top + shown, total)
    }

    /// Moves down; not beyond the last full screen.
    pub fn down(&mut self, count: usize) {
        let top = self.top.saturating_add(count);
        self.read(top.saturating_add(self.height));
        self.top = top.min(self.last_top()).max(self.top);
    }

    /// Moves up.
    pub fn up(&mut self, count: usize) {
        self.top = self.top.saturating_sub(count);
    }

    /// Moves to the first row.
    pub fn go_to_start(&mut self) {
        self.top = 0;
    }

    /// Reads all, and moves to the last row.
    pub fn go_to_end(&mut self) {
        self.read(usize::MAX);
        self.top = self.last_top();
    }

    fn last_top(&self) -> usize {
        self.rows.len().saturating_sub(self.height)
    }

    /// Puts the next row that matches on top; says whether there is one.
    pub fn find_down(&mut self, pattern: &Pattern) -> bool {
        let mut row = self.top + 1;
        loop {
            self.read(row + 1);
            match self.rows.get(row) {
                None => return false,
                Some(text) if pattern.is_in(text.as_bytes()) => break,
                Some(_) => row += 1,
            }
        }
        self.top = row;
        true
    }

    /// Puts the last matching row before this one on top; says whether there
    /// is one.
    pub fn find_up(&mut self, pattern: &Pattern) -> bool {
        let before = &self.rows[..self.top];
        let found =
            before.iter().rposition(|row| pattern.is_in(row.as_bytes()));
        self.top = found.unwrap_or(self.top);
        found.is_some()
    }
}

/// Adds a line in rows of at most so many columns. Tabs become blanks, and
/// what is no letter is shown as `^X`.
fn split(line: &[u8], columns: usize, rows: &mut Vec<String>) {
    let text = String::from_utf8_lossy(line);
    let mut row = String::new();
    let mut width = 0;
    let mut put = |letter: char| {
        if width == columns {
            rows.push(core::mem::take(&mut row));
            width = 0;
        }
        row.push(letter);
        width += 1;
        width
    };
    let mut column = 0;
    for letter in text.trim_end_matches(['\n', '\r']).chars() {
        match letter {
            '\t' => {
                let count = TAB - column % TAB;
                (0..count).for_each(|_| column = put(' '));
            }
            letter if letter.is_ascii_control() => {
                put('^');
                column = put((letter as u8 ^ 0x40) as char);
            }
            letter => column = put(letter),
        }
    }
    rows.push(row);
}
