//! Which word a person wants to have completed, and with what.
//!
//! A line is read as the shell does, as far as it takes: blanks and operators
//! end a word, quotes and backslashes keep them in it, and the first word of
//! a command is a command.

use alloc::string::String;
use alloc::vec::Vec;

#[cfg(test)]
mod tests;

/// Letters that mean something to the shell, so that a name needs a backslash
/// before them.
const SPECIAL: &str = " \t\n\\'\"`$&|;<>()*?[]#~!";

/// Words after which a command follows.
const BEFORE_COMMANDS: [&str; 9] =
    ["!", "{", "do", "elif", "else", "if", "then", "until", "while"];

/// What a word may name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// What a command starts with.
    Command,
    /// A file.
    File,
}

/// The word left of the cursor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Letters before it.
    pub start: usize,
    /// The word, without its quotes.
    pub word: String,
    /// What it may name.
    pub place: Place,
}

/// Who knows the names that there are.
pub trait Names {
    /// All names that start with `word`. That of a directory ends with a
    /// slash.
    fn starting_with(&self, word: &str, place: Place) -> Vec<String>;
}

/// Reads letters up to the cursor.
struct Reader {
    target: Target,
    quote: Option<char>,
    is_escaped: bool,
    is_in_word: bool,
}

impl Reader {
    fn take(&mut self, index: usize, letter: char) {
        let is_quoted = self.is_escaped || self.quote.is_some();
        if !is_quoted && matches!(letter, ' ' | '\t') {
            return self.end_word();
        }
        if !is_quoted && "|&;(<>\n`".contains(letter) {
            self.end_word();
            let is_file = matches!(letter, '<' | '>');
            self.target.place =
                if is_file { Place::File } else { Place::Command };
            return;
        }
        if !self.is_in_word {
            self.is_in_word = true;
            self.target.start = index;
        }
        match (self.quote, letter) {
            _ if core::mem::take(&mut self.is_escaped) => {
                self.target.word.push(letter);
            }
            (Some(quote), letter) if quote == letter => self.quote = None,
            (None, '\'' | '"') => self.quote = Some(letter),
            (None | Some('"'), '\\') => self.is_escaped = true,
            _ => self.target.word.push(letter),
        }
    }

    fn end_word(&mut self) {
        if core::mem::take(&mut self.is_in_word) {
            let word = core::mem::take(&mut self.target.word);
            let stays = BEFORE_COMMANDS.contains(&word.as_str())
                || word.contains('=') && !word.starts_with('=');
            if !stays {
                self.target.place = Place::File;
            }
        }
    }
}

/// The word that ends where `letters` end.
pub fn target(letters: &[char]) -> Target {
    let target =
        Target { start: 0, word: String::new(), place: Place::Command };
    let mut reader =
        Reader { target, quote: None, is_escaped: false, is_in_word: false };
    for (index, letter) in letters.iter().enumerate() {
        reader.take(index, *letter);
    }
    let mut target = reader.target;
    if !reader.is_in_word {
        target.start = letters.len();
    }
    if target.word.contains('/') {
        target.place = Place::File;
    }
    target
}

/// The longest text that all names start with.
pub fn common_start(names: &[String]) -> &str {
    let Some(first) = names.first() else { return "" };
    names[1..].iter().fold(first.as_str(), |start, name| {
        let same = |((_, a), b): &((usize, char), char)| a == b;
        let pairs = start.char_indices().zip(name.chars());
        let last = pairs.take_while(same).last();
        &start[..last.map_or(0, |((at, letter), _)| at + letter.len_utf8())]
    })
}

/// A name as the shell reads it back.
pub fn quote(name: &str) -> String {
    let mut quoted = String::new();
    for letter in name.chars() {
        if SPECIAL.contains(letter) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}

/// Names in columns, sorted downwards, for a screen of so many columns.
pub fn columns(names: &[&str], width: usize) -> String {
    let longest = names.iter().map(|name| name.chars().count()).max();
    let cell = longest.unwrap_or(0) + 2;
    let rows = names.len().div_ceil((width / cell).max(1));
    let mut text = String::new();
    for row in 0..rows {
        let mut line = String::new();
        for name in names[row..].iter().step_by(rows) {
            line.push_str(&alloc::format!("{name:cell$}"));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
