//! Keys to a line, and to what the screen shows of it.
//!
//! ```text
//! key ──> Editor::key ──> Step: the line is done, or not yet
//!              └────────> bytes for the screen
//! ```
//!
//! The keys are those of emacs, which every shell has: see `Editor::edit` and
//! `Editor::move_cursor`. While `^R` searches, letters go to the search.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::buffer::Buffer;
use crate::completion::{self, Names, Target};
use crate::history::History;
use crate::key::Key;
use crate::screen::{Screen, width};

#[cfg(test)]
mod tests;

/// The signal of a key that does nothing.
const BELL: char = '\x07';

/// What a key led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The line is not done.
    More,
    /// The line, without its end.
    Line(String),
    /// The end of the input.
    End,
}

/// A search backwards through the history.
struct Search {
    text: String,
    /// The index of the line that is shown.
    at: usize,
    /// Whether the last look found nothing.
    has_failed: bool,
    /// The line before the search.
    before: String,
}

/// A line that is edited, and those before it.
pub struct Editor {
    /// The lines before.
    pub history: History,
    buffer: Buffer,
    screen: Screen,
    prompt: String,
    search: Option<Search>,
    /// Whether the last key was a Tab that found several names.
    has_choice: bool,
}

impl Default for Editor {
    fn default() -> Self {
        Self {
            history: History::default(),
            buffer: Buffer::default(),
            screen: Screen::new(80),
            prompt: String::new(),
            search: None,
            has_choice: false,
        }
    }
}

impl Editor {
    /// Starts an empty line after `prompt`, which is printed, on a screen of
    /// so many columns.
    pub fn start(&mut self, prompt: &str, columns: usize, out: &mut String) {
        self.buffer.set("");
        self.screen = Screen::new(columns);
        self.screen.start(width(prompt));
        self.prompt = prompt.into();
        self.search = None;
        self.has_choice = false;
        out.push_str(prompt);
    }

    /// Takes a key; what the screen shall show of it is added to `out`.
    pub fn key(
        &mut self,
        key: Key,
        names: &dyn Names,
        out: &mut String,
    ) -> Step {
        let had_choice = core::mem::take(&mut self.has_choice);
        if self.search.is_some() && self.search_key(key, out) {
            return Step::More;
        }
        match key {
            Key::Enter => return Step::Line(self.finish(out)),
            Key::Control('d') if self.buffer.letters().is_empty() => {
                return Step::End;
            }
            Key::Char(letter) => self.insert(letter, out),
            Key::Tab => self.complete(had_choice, names, out),
            Key::Control('r') => self.start_search(out),
            Key::Control('l') => {
                self.screen.clear(out);
                self.draw(out);
            }
            key => {
                if self.move_cursor(key) || self.edit(key) || self.recall(key) {
                    self.draw(out);
                } else {
                    out.push(BELL);
                }
            }
        }
        Step::More
    }

    /// Leaves the line as it stands, with the cursor behind it: `^C` came.
    pub fn leave(&mut self, out: &mut String) {
        self.search = None;
        self.move_to_end(out);
    }

    fn draw(&mut self, out: &mut String) {
        let (text, cursor) = (self.buffer.letters(), self.buffer.cursor());
        self.screen.draw(&self.prompt, text, cursor, out);
    }

    fn move_to_end(&mut self, out: &mut String) {
        let end = self.buffer.letters().len();
        if self.buffer.cursor() != end {
            self.buffer.move_to(end);
            self.draw(out);
        }
    }

    fn insert(&mut self, letter: char, out: &mut String) {
        let is_at_end = self.buffer.cursor() == self.buffer.letters().len();
        self.buffer.insert(letter);
        if is_at_end {
            let count = width(&self.prompt) + self.buffer.letters().len();
            self.screen.append(letter, count, out);
        } else {
            self.draw(out);
        }
    }

    fn finish(&mut self, out: &mut String) -> String {
        self.move_to_end(out);
        out.push('\n');
        let line = self.buffer.text();
        self.history.add(&line);
        line
    }

    /// Moves the cursor, if the key does that.
    fn move_cursor(&mut self, key: Key) -> bool {
        let cursor = self.buffer.cursor();
        let place = match key {
            Key::Left | Key::Control('b') => cursor.saturating_sub(1),
            Key::Right | Key::Control('f') => cursor + 1,
            Key::Home | Key::Control('a') => 0,
            Key::End | Key::Control('e') => usize::MAX,
            Key::WordLeft | Key::Alt('b') => self.buffer.word_left(is_no_word),
            Key::WordRight | Key::Alt('f') => {
                self.buffer.word_right(is_no_word)
            }
            _ => return false,
        };
        self.buffer.move_to(place);
        true
    }

    /// Changes the text; says whether the key did.
    fn edit(&mut self, key: Key) -> bool {
        let line = &mut self.buffer;
        match key {
            Key::Backspace => return line.erase_left(),
            Key::Delete | Key::Control('d') => return line.erase_right(),
            Key::Control('k') => line.cut_to(usize::MAX),
            Key::Control('u') => line.cut_to(0),
            Key::Control('w') => line.cut_to(line.word_left(is_blank)),
            Key::Alt('\x7f' | '\x08') => {
                line.cut_to(line.word_left(is_no_word));
            }
            Key::Alt('d') => line.cut_to(line.word_right(is_no_word)),
            Key::Control('y') => line.paste(),
            _ => return false,
        }
        true
    }

    /// Shows another line of the history, if the key does that.
    fn recall(&mut self, key: Key) -> bool {
        let line = match key {
            Key::Up | Key::Control('p') => {
                self.history.older(&self.buffer.text())
            }
            Key::Down | Key::Control('n') => self.history.newer(),
            _ => None,
        };
        if let Some(line) = line {
            self.buffer.set(line);
        }
        line.is_some()
    }

    fn complete(
        &mut self,
        had_choice: bool,
        names: &dyn Names,
        out: &mut String,
    ) {
        let left = &self.buffer.letters()[..self.buffer.cursor()];
        let target = completion::target(left);
        let mut found = names.starting_with(&target.word, target.place);
        found.sort();
        found.dedup();
        let start = completion::common_start(&found);
        if let [name] = found.as_slice() {
            let end = if name.ends_with('/') { "" } else { " " };
            let text = completion::quote(name) + end;
            self.buffer.replace(target.start, &text);
            return self.draw(out);
        }
        if start.len() > target.word.len() {
            self.buffer.replace(target.start, &completion::quote(start));
            self.draw(out);
        } else if had_choice && !found.is_empty() {
            self.list(&target, &found, out);
        } else {
            out.push(BELL);
        }
        self.has_choice = true;
    }

    /// Prints names below the line, and the line again below them.
    fn list(&mut self, target: &Target, found: &[String], out: &mut String) {
        let cursor = self.buffer.cursor();
        self.move_to_end(out);
        self.buffer.move_to(cursor);
        out.push('\n');
        let folder = target.word.rfind('/').map_or(0, |at| at + 1);
        let names: Vec<&str> =
            found.iter().map(|name| &name[folder..]).collect();
        out.push_str(&completion::columns(&names, self.screen.columns()));
        self.screen.start(0);
        self.draw(out);
    }

    fn start_search(&mut self, out: &mut String) {
        self.search = Some(Search {
            text: String::new(),
            at: usize::MAX,
            has_failed: false,
            before: self.buffer.text(),
        });
        self.draw_search(out);
    }

    /// A key while `^R` searches; says whether that was all about it.
    fn search_key(&mut self, key: Key, out: &mut String) -> bool {
        let Some(search) = &mut self.search else { return false };
        match key {
            Key::Char(letter) => {
                search.text.push(letter);
                self.look(false);
            }
            Key::Backspace => {
                search.text.pop();
                search.at = usize::MAX;
                self.look(false);
            }
            Key::Control('r') => self.look(true),
            Key::Control('g') => {
                let before = core::mem::take(&mut search.before);
                self.search = None;
                self.buffer.set(&before);
                self.draw(out);
                return true;
            }
            key => {
                self.search = None;
                self.draw(out);
                return key == Key::Escape;
            }
        }
        self.draw_search(out);
        true
    }

    /// Looks for the line that is shown or one before it (`is_next`: only
    /// before it).
    fn look(&mut self, is_next: bool) {
        let Some(search) = &mut self.search else { return };
        let end = if is_next { search.at } else { search.at.saturating_add(1) };
        let found = match search.text.as_str() {
            "" => None,
            text => self.history.search(text, end),
        };
        search.has_failed = found.is_none() && !search.text.is_empty();
        if let Some((index, line)) = found {
            search.at = index;
            self.buffer.set(line);
        }
    }

    fn draw_search(&mut self, out: &mut String) {
        let Some(search) = &self.search else { return };
        let failed = if search.has_failed { "failed " } else { "" };
        let prompt = format!("({failed}reverse-i-search)`{}': ", search.text);
        let (text, cursor) = (self.buffer.letters(), self.buffer.cursor());
        self.screen.draw(&prompt, text, cursor, out);
    }
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
}

fn is_no_word(letter: char) -> bool {
    !letter.is_alphanumeric()
}
