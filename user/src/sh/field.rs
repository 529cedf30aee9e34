//! Fields: what words become. Unquoted results are split here.

use alloc::string::String;
use alloc::vec::Vec;

use crate::sh::{glob, pattern};

/// Letters that mean something in a pattern.
const SPECIAL: &[char] = &['*', '?', '[', ']', '\\', '!', '-', '^'];

/// One field: its text, and the same as a pattern in which what was quoted
/// has backslashes.
#[derive(Default)]
struct Field {
    text: String,
    pattern: String,
}

/// Fields that grow at the end.
#[derive(Default)]
pub struct Fields {
    done: Vec<Field>,
    current: Option<Field>,
}

impl Fields {
    fn open(&mut self) -> &mut Field {
        self.current.get_or_insert_default()
    }

    /// Ends the field that is open.
    pub fn end(&mut self) {
        self.done.extend(self.current.take());
    }

    /// Adds letters that are open to globbing but are not split.
    pub fn push_literal(&mut self, text: &str) {
        let field = self.open();
        field.text.push_str(text);
        field.pattern.push_str(text);
    }

    /// Adds letters that stand for themselves.
    pub fn push_quoted(&mut self, text: &str) {
        let field = self.open();
        field.text.push_str(text);
        for letter in text.chars() {
            if SPECIAL.contains(&letter) {
                field.pattern.push('\\');
            }
            field.pattern.push(letter);
        }
    }

    /// Adds letters that are split at `separators`. Blanks among these count
    /// as one; any other letter ends a field even if it is empty.
    pub fn push_split(&mut self, text: &str, separators: &str) {
        for letter in text.chars() {
            if !separators.contains(letter) {
                self.push_literal(letter.encode_utf8(&mut [0; 4]));
                continue;
            }
            if !letter.is_ascii_whitespace() {
                self.open();
            }
            self.end();
        }
    }

    /// The fields as text, each that is a pattern replaced by the paths it
    /// matches if there are any.
    pub fn into_words(mut self, has_glob: bool) -> Vec<String> {
        self.end();
        let mut words = Vec::new();
        for field in self.done {
            let mut paths = Vec::new();
            if has_glob && pattern::is_special(&field.pattern) {
                paths = glob::expand(&field.pattern);
            }
            if paths.is_empty() {
                paths.push(field.text);
            }
            words.append(&mut paths);
        }
        words
    }

    /// All as one text.
    pub fn into_text(mut self) -> String {
        self.end();
        self.done.into_iter().map(|field| field.text).collect()
    }

    /// All as one pattern.
    pub fn into_pattern(mut self) -> String {
        self.end();
        self.done.into_iter().map(|field| field.pattern).collect()
    }
}
