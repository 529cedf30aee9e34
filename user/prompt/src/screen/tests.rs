//! The promises about the screen, kept against a terminal in miniature.

use std::string::String;
use std::vec::Vec;

use super::{Screen, width};

/// A terminal that knows what [`Screen`] prints.
struct Terminal {
    columns: usize,
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Terminal {
    fn new(columns: usize) -> Self {
        Self { columns, rows: Vec::new(), row: 0, column: 0 }
    }

    fn print(&mut self, text: &str) {
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\r' => self.column = 0,
                // The kernel adds the return.
                '\n' => (self.row, self.column) = (self.row + 1, 0),
                '\x1b' => self.sequence(&mut letters),
                letter => self.put(letter),
            }
        }
    }

    fn sequence(&mut self, letters: &mut std::str::Chars<'_>) {
        assert_eq!(letters.next(), Some('['));
        let mut number = 0;
        for letter in letters {
            match letter {
                '0'..='9' => number = number * 10 + letter as usize - 48,
                'A' => return self.row -= number,
                'C' => return self.column += number,
                'J' => return self.clear_below(),
                other => panic!("unknown sequence {other}"),
            }
        }
    }

    fn clear_below(&mut self) {
        self.rows.truncate(self.row + 1);
        if let Some(row) = self.rows.get_mut(self.row) {
            row.truncate(self.column);
        }
    }

    fn put(&mut self, letter: char) {
        if self.column == self.columns {
            (self.row, self.column) = (self.row + 1, 0);
        }
        while self.rows.len() <= self.row {
            self.rows.push(Vec::new());
        }
        let row = &mut self.rows[self.row];
        while row.len() <= self.column {
            row.push(' ');
        }
        row[self.column] = letter;
        self.column += 1;
    }

    fn text(&self) -> String {
        self.rows.iter().flatten().collect()
    }
}

#[test]
fn lines_of_any_length_are_drawn_in_place() {
    for length in 0..25 {
        for cursor in 0..=length {
            let text: Vec<char> = ('a'..).take(length).collect();
            let mut terminal = Terminal::new(8);
            let mut screen = Screen::new(8);
            screen.start(2);
            terminal.print("# ");
            let mut out = String::new();
            for (index, letter) in text.iter().enumerate() {
                screen.append(*letter, 2 + index + 1, &mut out);
            }
            // Twice: the second starts where the first has left the cursor.
            screen.draw("# ", &text, cursor, &mut out);
            screen.draw("# ", &text, cursor, &mut out);
            terminal.print(&out);
            let expected: String = text.iter().collect();
            assert_eq!(terminal.text(), std::format!("# {expected}"));
            let place = terminal.row * 8 + terminal.column;
            assert_eq!(place, 2 + cursor, "of {length}");
        }
    }
}

#[test]
fn a_shorter_line_leaves_nothing_behind() {
    let mut terminal = Terminal::new(8);
    let mut screen = Screen::new(8);
    let mut out = String::new();
    let long: Vec<char> = ('a'..).take(20).collect();
    screen.draw("# ", &long, 20, &mut out);
    screen.draw("# ", &long[..1], 1, &mut out);
    terminal.print(&out);
    assert_eq!(terminal.text(), "# a");
    assert_eq!((terminal.row, terminal.column), (0, 3));
}

#[test]
fn letters_at_the_end_are_printed_alone() {
    let mut screen = Screen::new(80);
    let mut out = String::new();
    screen.start(4);
    for (index, letter) in "echo".chars().enumerate() {
        screen.append(letter, 4 + index + 1, &mut out);
    }
    assert_eq!(out, "echo");
}

#[test]
fn colours_have_no_width() {
    assert_eq!(width("/ # "), 4);
    assert_eq!(width("\x1b[1;32m/\x1b[m # "), 4);
    assert_eq!(width("two lines\n> "), 2);
}
