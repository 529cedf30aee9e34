//! What is in a word: quotes, parameters, substitutions.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;

use crate::sh::ast::{Operation, Parameter, Part, Word};
use crate::sh::lexer::{Lexer, Parsed, Trouble, syntax};
use crate::sh::name::is_name_letter;
use crate::sh::parser;

/// Letters that end a word.
const META: &[char] = &[' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'];

/// Appends letters to a word, to its last part if that is of the same kind.
fn push(word: &mut Word, letters: &str, is_quoted: bool) {
    match word.last_mut() {
        Some(Part::Literal(text)) if !is_quoted => text.push_str(letters),
        Some(Part::Quoted(text)) if is_quoted => text.push_str(letters),
        _ if is_quoted => word.push(Part::Quoted(letters.into())),
        _ => word.push(Part::Literal(letters.into())),
    }
}

impl Lexer<'_> {
    /// Reads one word up to a letter that cannot be in it.
    pub(super) fn word(&mut self) -> Parsed<Word> {
        self.parts(|lexer| {
            lexer.rest().starts_with(META) || lexer.rest().is_empty()
        })
    }

    /// Reads parts outside of quotes until `is_end`.
    fn parts(&mut self, is_end: impl Fn(&Self) -> bool) -> Parsed<Word> {
        let mut word = Word::new();
        while !is_end(self) {
            let start = self.at;
            match self.letter().ok_or(Trouble::Incomplete)? {
                '\\' if self.eat("\n") => {}
                '\\' => {
                    let start = self.at;
                    self.letter().ok_or(Trouble::Incomplete)?;
                    push(&mut word, &self.text[start..self.at], true);
                }
                '\'' => {
                    let end = self.rest().find('\'');
                    let end = end.ok_or(Trouble::Incomplete)?;
                    push(&mut word, &self.rest()[..end], true);
                    self.at += end + 1;
                }
                '"' => self.double_quoted(&mut word)?,
                '$' => self.dollar(&mut word, false)?,
                '`' => self.backquoted(&mut word, false)?,
                _ => push(&mut word, &self.text[start..self.at], false),
            }
        }
        Ok(word)
    }

    fn double_quoted(&mut self, word: &mut Word) -> Parsed<()> {
        if self.rest().starts_with('"') {
            push(word, "", true);
        }
        self.quoted(word, "\"\\$`", |lexer| lexer.eat("\""))
    }

    /// Reads a here-document's text, to the end.
    pub(super) fn here_text(&mut self) -> Parsed<Word> {
        let mut word = Word::new();
        self.quoted(&mut word, "\\$`", |lexer| lexer.rest().is_empty())?;
        Ok(word)
    }

    /// Reads quoted parts until `ends`; a backslash quotes only `escapes`.
    fn quoted(
        &mut self,
        word: &mut Word,
        escapes: &str,
        mut ends: impl FnMut(&mut Self) -> bool,
    ) -> Parsed<()> {
        while !ends(self) {
            let start = self.at;
            match self.letter().ok_or(Trouble::Incomplete)? {
                '\\' if self.eat("\n") => {}
                '\\' => {
                    let next = self.rest().chars().next();
                    let next = next.ok_or(Trouble::Incomplete)?;
                    let is_escape = escapes.contains(next);
                    let start = if is_escape { self.at } else { start };
                    self.at += next.len_utf8();
                    push(word, &self.text[start..self.at], true);
                }
                '$' => self.dollar(word, true)?,
                '`' => self.backquoted(word, true)?,
                _ => push(word, &self.text[start..self.at], true),
            }
        }
        Ok(())
    }

    /// Reads what follows a `$`.
    fn dollar(&mut self, word: &mut Word, is_quoted: bool) -> Parsed<()> {
        if self.eat("((") {
            let expression = self.arithmetic()?;
            word.push(Part::Arithmetic { expression, is_quoted });
        } else if self.eat("(") {
            let list = self.nested(parser::substitution)?;
            word.push(Part::Command { list: Rc::new(list), is_quoted });
        } else if self.eat("{") {
            let parameter = Box::new(self.braced(is_quoted)?);
            word.push(Part::Parameter { parameter, is_quoted });
        } else if let Some(name) = self.parameter_name() {
            let operation = Operation::Value;
            let parameter = Box::new(Parameter { name, operation });
            word.push(Part::Parameter { parameter, is_quoted });
        } else {
            push(word, "$", is_quoted);
        }
        Ok(())
    }

    /// Reads a name, one digit, or a special letter.
    fn parameter_name(&mut self) -> Option<String> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        let end = if first.is_ascii_digit() || "@*#?$!-".contains(first) {
            1
        } else {
            let end = rest.find(|letter| !is_name_letter(letter));
            end.unwrap_or(rest.len())
        };
        self.at += end;
        (end > 0).then(|| String::from(&rest[..end]))
    }

    /// Reads `${…}` after its brace.
    fn braced(&mut self, is_quoted: bool) -> Parsed<Parameter> {
        let rest = self.rest();
        if rest.starts_with('#') && !rest.starts_with("#}") {
            self.at += 1;
            let name = self.braced_name()?;
            let is_closed = self.eat("}");
            let parameter = Parameter { name, operation: Operation::Length };
            return if is_closed { Ok(parameter) } else { Err(syntax("${")) };
        }
        let name = self.braced_name()?;
        let operation = self.operation(is_quoted)?;
        Ok(Parameter { name, operation })
    }

    fn braced_name(&mut self) -> Parsed<String> {
        let rest = self.rest();
        let digits = rest.find(|letter: char| !letter.is_ascii_digit());
        if let Some(end) = digits.filter(|end| *end > 0) {
            self.at += end;
            return Ok(rest[..end].into());
        }
        match self.parameter_name() {
            Some(name) => Ok(name),
            None if rest.is_empty() => Err(Trouble::Incomplete),
            None => Err(syntax("${")),
        }
    }

    /// Reads what follows the name in `${…}`, with the closing brace.
    fn operation(&mut self, is_quoted: bool) -> Parsed<Operation> {
        if self.eat("}") {
            return Ok(Operation::Value);
        }
        let has_colon = self.eat(":");
        match self.letter().ok_or(Trouble::Incomplete)? {
            kind @ ('-' | '=' | '?' | '+') => {
                let word = self.operand(is_quoted)?;
                Ok(Operation::Choice { kind, has_colon, word })
            }
            kind @ ('#' | '%') if !has_colon => {
                let is_suffix = kind == '%';
                let is_longest = self.eat(if is_suffix { "%" } else { "#" });
                let pattern = self.operand(false)?;
                Ok(Operation::Trim { is_suffix, is_longest, pattern })
            }
            _ => Err(syntax("${")),
        }
    }

    fn operand(&mut self, is_quoted: bool) -> Parsed<Word> {
        let mut word = Word::new();
        if is_quoted {
            // Quotes within quotes change nothing here.
            self.quoted(&mut word, "\"\\$`}", |lexer| {
                while lexer.eat("\"") {}
                lexer.eat("}")
            })?;
        } else {
            word = self.parts(|lexer| lexer.rest().starts_with('}'))?;
            self.at += 1;
        }
        Ok(word)
    }

    /// Reads an expression up to `))`, with parentheses of its own.
    fn arithmetic(&mut self) -> Parsed<Word> {
        let mut depth = 0;
        let mut word = Word::new();
        self.quoted(&mut word, "\\$`", |lexer| {
            let rest = lexer.rest();
            if depth == 0 && rest.starts_with("))") {
                lexer.at += 2;
                return true;
            }
            depth += i32::from(rest.starts_with('('));
            depth -= i32::from(rest.starts_with(')'));
            false
        })?;
        Ok(word)
    }

    /// Reads what stands in backquotes, where a backslash quotes itself, `$`
    /// and a backquote.
    fn backquoted(&mut self, word: &mut Word, is_quoted: bool) -> Parsed<()> {
        let mut text = String::new();
        loop {
            match self.letter().ok_or(Trouble::Incomplete)? {
                '`' => break,
                '\\' if self.rest().starts_with(['\\', '`', '$']) => {
                    text.extend(self.letter());
                }
                letter => text.push(letter),
            }
        }
        let list = parser::whole(&text)?;
        word.push(Part::Command { list: Rc::new(list), is_quoted });
        Ok(())
    }
}
