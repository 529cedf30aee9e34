//! The kernel's command line.
//!
//! Words separated by blanks, each `key` or `key=value`; double quotes keep
//! blanks together. What is not the kernel's (`word.rs`) is for the first
//! program: plain words become its arguments, `key=value` its environment.
//! Everything after `--` is an argument. Of a key that comes more than once
//! the last value that makes sense counts. Linux: *The kernel's command-line
//! parameters*.

mod word;

#[cfg(test)]
mod tests;

use core::fmt;
use core::str::FromStr;

pub use word::{HONOURED, Value};

use word::{is_kernels, same_key, value_of};

/// One word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argument<'a> {
    /// Before the first `=`.
    pub key: &'a str,
    /// After it, without quotes around.
    pub value: Option<&'a str>,
}

impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)?;
        self.value.map_or(Ok(()), |value| write!(f, "={value}"))
    }
}

/// What is handed to the first program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForInit<'a> {
    /// An argument.
    Argument(&'a str),
    /// A variable and its value.
    Variable(&'a str, &'a str),
}

/// A command line.
#[derive(Clone, Copy, Debug)]
pub struct CommandLine<'a>(&'a str);

impl<'a> CommandLine<'a> {
    /// From the text of the device tree.
    pub const fn new(text: &'a str) -> Self {
        CommandLine(text)
    }

    /// The words before `--`.
    pub fn arguments(self) -> impl Iterator<Item = Argument<'a>> {
        words(self.0).take_while(|word| *word != "--").map(parse)
    }

    /// The words of this key that make sense.
    fn sensible(self, key: &str) -> impl Iterator<Item = Argument<'a>> {
        let same = self.arguments().filter(|word| same_key(word.key, key));
        same.filter(|word| {
            value_of(word.key).is_none_or(|value| value.takes(word.value))
        })
    }

    /// The value of the last `key=value` that makes sense.
    pub fn value(self, key: &str) -> Option<&'a str> {
        self.sensible(key).filter_map(|word| word.value).last()
    }

    /// The value as a number.
    pub fn number<T: FromStr>(self, key: &str) -> Option<T> {
        self.value(key)?.parse().ok()
    }

    /// Whether `key` is there, with a value that makes sense or with none.
    pub fn has(self, key: &str) -> bool {
        self.sensible(key).next().is_some()
    }

    /// Words with a value that makes no sense; they are ignored.
    pub fn wrong(self) -> impl Iterator<Item = Argument<'a>> {
        self.arguments().filter(|word| {
            value_of(word.key).is_some_and(|value| !value.takes(word.value))
        })
    }

    /// How many of `count` CPUs run from the start.
    pub fn cpus_at_start(self, count: usize) -> usize {
        let most = match self.has("nosmp") {
            true => 1,
            false => self.number("maxcpus").unwrap_or(usize::MAX),
        };
        count.min(most.max(1))
    }

    /// What is for the first program: all that is not the kernel's.
    pub fn for_init(self) -> impl Iterator<Item = ForInit<'a>> {
        let before =
            self.arguments().filter(|word| !is_kernels(word.key)).map(|word| {
                match word.value {
                    Some(value) => ForInit::Variable(word.key, value),
                    None => ForInit::Argument(word.key),
                }
            });
        let after = words(self.0).skip_while(|word| *word != "--").skip(1);
        before.chain(after.map(|word| ForInit::Argument(unquote(word))))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return None;
        }
        let mut quoted = false;
        let end = rest.find(|character| {
            quoted ^= character == '"';
            !quoted && is_blank(character)
        });
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(word)
    })
}

fn is_blank(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\0'
}

fn parse(word: &str) -> Argument<'_> {
    // Quotes may stand around the whole word or around the value.
    let word = if word.starts_with('"') { unquote(word) } else { word };
    match word.split_once('=') {
        Some((key, value)) => Argument { key, value: Some(unquote(value)) },
        None => Argument { key: word, value: None },
    }
}

fn unquote(text: &str) -> &str {
    match text.strip_prefix('"') {
        Some(inner) => inner.strip_suffix('"').unwrap_or(inner),
        None => text,
    }
}
