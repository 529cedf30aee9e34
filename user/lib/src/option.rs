//! Options as every program takes them, and messages as it gives them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Errno, Message, eprintln};

/// What the words after a program's name say.
pub struct Options {
    flags: Vec<(char, String)>,
    /// The words that are not options.
    pub operands: Vec<String>,
}

/// Status of a program that was called wrongly.
pub const USAGE: i32 = 2;

impl Options {
    /// Takes the words apart. `known` lists the letters, each with a `:`
    /// after it if it takes a value. Options end at the first other word or
    /// at `--`.
    ///
    /// # Errors
    /// The exit status, when a message has been printed.
    pub fn parse(arguments: &[String], known: &str) -> Result<Self, i32> {
        let name = arguments.first().map_or("", String::as_str);
        let mut words = arguments.iter().skip(1).peekable();
        let mut flags = Vec::new();
        while let Some(word) = words.next_if(|word| is_option(word)) {
            if word == "--" {
                break;
            }
            let mut letters = word[1..].chars();
            while let Some(letter) = letters.next() {
                let value = match takes_value(known, letter) {
                    None => return Err(wrong(name, letter)),
                    Some(false) => String::new(),
                    Some(true) => {
                        let own = String::from(letters.as_str());
                        letters = "".chars();
                        let next = || words.next().cloned();
                        Some(own)
                            .filter(|own| !own.is_empty())
                            .or_else(next)
                            .ok_or_else(|| wrong(name, letter))?
                    }
                };
                flags.push((letter, value));
            }
        }
        Ok(Self { flags, operands: words.cloned().collect() })
    }

    /// Whether a letter was given.
    pub fn has(&self, letter: char) -> bool {
        self.flags.iter().any(|(given, _)| *given == letter)
    }

    /// The last value given to a letter.
    pub fn value(&self, letter: char) -> Option<&str> {
        let is_it = |(given, _): &&(char, String)| *given == letter;
        self.flags.iter().rev().find(is_it).map(|(_, value)| value.as_str())
    }

    /// A value that is a number.
    ///
    /// # Errors
    /// The exit status, when a message has been printed.
    pub fn number(&self, letter: char, default: u64) -> Result<u64, i32> {
        self.value(letter).map_or(Ok(default), |value| {
            value.parse().map_err(|_| {
                eprintln!("{value}: not a number");
                USAGE
            })
        })
    }
}

fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

fn takes_value(known: &str, letter: char) -> Option<bool> {
    let index = known.find(letter).filter(|_| letter != ':')?;
    Some(known[index + letter.len_utf8()..].starts_with(':'))
}

fn wrong(name: &str, letter: char) -> i32 {
    eprintln!("{name}: wrong option -{letter}");
    USAGE
}

/// Says that the program was called wrongly.
pub fn usage(name: &str, help: &str) -> i32 {
    eprintln!("usage: {name} {help}");
    USAGE
}

/// Says what went wrong with something; gives status 1.
pub fn fail(name: &str, what: &str, error: Errno) -> i32 {
    eprintln!("{name}: {what}: {}", error.message());
    1
}

/// Does something with each word; gives 1 if any of them failed.
pub fn each(
    name: &str,
    words: &[String],
    mut action: impl FnMut(&str) -> crate::Result<()>,
) -> i32 {
    let mut status = 0;
    for word in words {
        if let Err(error) = action(word) {
            status = fail(name, word, error);
        }
    }
    status
}
