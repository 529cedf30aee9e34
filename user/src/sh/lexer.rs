//! Shell text to tokens. Words are taken apart at once, so that a parenthesis
//! in quotes within `$(…)` is never taken for its end.
//!
//! Read [`Lexer::token`] first, then `word.rs` for what is in a word.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

use crate::sh::ast::{Part, Word};

/// Why text could not be read.
#[derive(Debug)]
pub enum Trouble {
    /// More text may complete it.
    Incomplete,
    /// No text can.
    Syntax(String),
}

/// What reading gives.
pub type Parsed<T> = Result<T, Trouble>;

/// One token.
#[derive(Clone, Debug)]
pub enum Token {
    /// A word.
    Word(Word),
    /// A number right before `<` or `>`.
    Number(i32),
    /// An operator, among them the newline.
    Operator(&'static str),
    /// The end of the text.
    End,
}

/// A here-document whose lines come after the next newline.
struct Pending {
    delimiter: String,
    /// Whether tabs before its lines are dropped (`<<-`).
    drops_tabs: bool,
    /// Whether it is text without expansions.
    is_literal: bool,
    text: Rc<OnceCell<Word>>,
}

/// Operators, the longer before those they start with.
const OPERATORS: [&str; 17] = [
    "&&", "||", ";;", "<<-", "<<", "<&", "<>", ">>", ">&", ">|", "\n", "&",
    "|", ";", "<", ">", "(",
];

/// Text and a place in it.
pub struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    peeked: Option<(Token, usize)>,
    pending: Vec<Pending>,
}

impl<'a> Lexer<'a> {
    /// Reads `text` from `at` on.
    pub fn new(text: &'a str, at: usize) -> Self {
        Self { text, at, peeked: None, pending: Vec::new() }
    }

    /// Where the next token starts, or blanks before it.
    pub fn position(&self) -> usize {
        self.peeked.as_ref().map_or(self.at, |(_, start)| *start)
    }

    /// The text from a position to here.
    pub fn since(&self, start: usize) -> &'a str {
        self.text[start..self.position()].trim()
    }

    /// The next token, which stays.
    pub fn peek(&mut self) -> Parsed<&Token> {
        if self.peeked.is_none() {
            let start = self.at;
            let token = self.token()?;
            self.peeked = Some((token, start));
        }
        match &self.peeked {
            Some((token, _)) => Ok(token),
            None => Ok(&Token::End),
        }
    }

    /// Takes the next token.
    pub fn next(&mut self) -> Parsed<Token> {
        match self.peeked.take() {
            Some((token, _)) => Ok(token),
            None => self.token(),
        }
    }

    /// Takes the next token if it is this operator.
    pub fn take(&mut self, operator: &str) -> Parsed<bool> {
        let is_it =
            matches!(self.peek()?, Token::Operator(next) if *next == operator);
        if is_it {
            self.next()?;
        }
        Ok(is_it)
    }

    /// Takes this operator.
    pub fn expect(&mut self, operator: &str) -> Parsed<()> {
        if self.take(operator)? { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The trouble that the next token is.
    pub fn unexpected(&mut self) -> Trouble {
        match self.next() {
            Ok(Token::End) => Trouble::Incomplete,
            Ok(Token::Operator("\n")) => syntax("newline"),
            Ok(Token::Operator(operator)) => syntax(operator),
            Ok(Token::Word(word)) => syntax(plain(&word).unwrap_or("word")),
            Ok(Token::Number(_)) => syntax("number"),
            Err(trouble) => trouble,
        }
    }

    /// The rest of the text.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes one letter.
    pub(super) fn letter(&mut self) -> Option<char> {
        let letter = self.rest().chars().next()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    /// Takes a string if it is next.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let is_next = self.rest().starts_with(expected);
        if is_next {
            self.at += expected.len();
        }
        is_next
    }

    fn token(&mut self) -> Parsed<Token> {
        self.skip_blanks();
        let rest = self.rest();
        if rest.is_empty() {
            return if self.pending.is_empty() {
                Ok(Token::End)
            } else {
                Err(Trouble::Incomplete)
            };
        }
        if let Some(number) = self.descriptor_number() {
            return Ok(Token::Number(number));
        }
        let is_next = |operator: &&&str| rest.starts_with(**operator);
        if let Some(operator) = OPERATORS.iter().chain(&[")"]).find(is_next) {
            self.at += operator.len();
            if *operator == "\n" {
                self.read_pending()?;
            }
            return Ok(Token::Operator(operator));
        }
        self.word().map(Token::Word)
    }

    fn skip_blanks(&mut self) {
        loop {
            if self.eat("\\\n") || self.eat(" ") || self.eat("\t") {
                continue;
            }
            if self.rest().starts_with('#') {
                let end = self.rest().find('\n');
                self.at = end.map_or(self.text.len(), |end| self.at + end);
            }
            return;
        }
    }

    fn descriptor_number(&mut self) -> Option<i32> {
        let rest = self.rest();
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let is_before = rest[end..].starts_with(['<', '>']);
        let number = rest[..end].parse().ok().filter(|_| is_before)?;
        self.at += end;
        Some(number)
    }

    /// Runs `read` on what is nested here, such as `$(…)`, keeping what is
    /// outside of it apart.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<T> {
        let pending = core::mem::take(&mut self.pending);
        let result = read(self);
        self.pending = pending;
        result
    }

    /// Notes a here-document; its text comes after the next newline.
    pub fn here_document(
        &mut self,
        delimiter: &Word,
        drops_tabs: bool,
    ) -> Rc<OnceCell<Word>> {
        let text = Rc::new(OnceCell::new());
        let is_quoted = |part: &Part| !matches!(part, Part::Literal(_));
        self.pending.push(Pending {
            delimiter: delimiter.iter().map(part_text).collect(),
            drops_tabs,
            is_literal: delimiter.iter().any(is_quoted),
            text: text.clone(),
        });
        text
    }

    fn read_pending(&mut self) -> Parsed<()> {
        for pending in core::mem::take(&mut self.pending) {
            let text = self.lines_until(&pending)?;
            let word = if pending.is_literal {
                Vec::from([Part::Quoted(text)])
            } else {
                Lexer::new(&text, 0).here_text()?
            };
            // Each cell is filled once, since its entry was taken.
            let _ = pending.text.set(word);
        }
        Ok(())
    }

    fn lines_until(&mut self, pending: &Pending) -> Parsed<String> {
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let (line, has_end) = match rest.split_once('\n') {
                Some((line, _)) => (line, true),
                None => (rest, false),
            };
            self.at += line.len() + usize::from(has_end);
            let line = if pending.drops_tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            if line == pending.delimiter {
                return Ok(text);
            }
            if !has_end {
                return Err(Trouble::Incomplete);
            }
            text.extend([line, "\n"]);
        }
    }
}

fn part_text(part: &Part) -> &str {
    match part {
        Part::Literal(text) | Part::Quoted(text) => text,
        _ => "",
    }
}

/// A message about something that should not stand where it does.
pub fn syntax(what: &str) -> Trouble {
    Trouble::Syntax(format!("syntax error: unexpected {what}"))
}

/// The letters of a word that is nothing but letters without quotes.
pub fn plain(word: &Word) -> Option<&str> {
    match word.as_slice() {
        [Part::Literal(text)] => Some(text),
        _ => None,
    }
}
