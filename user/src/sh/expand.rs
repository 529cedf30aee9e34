//! Words to fields: parameters, substitutions, arithmetic, tildes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use user_lib::linux::O_CLOEXEC;
use user_lib::process::Fork;
use user_lib::{Message, file, process};

use crate::sh::arithmetic;
use crate::sh::ast::{List, Operation, Parameter, Part, Word};
use crate::sh::field::Fields;
use crate::sh::pattern;
use crate::sh::state::Shell;

/// Why a word has no value; a message for a person.
pub type Trouble = String;

/// How an unquoted result is split: at these letters, or not at all.
type Separators<'a> = Option<&'a str>;

impl Shell {
    /// Expands words to the arguments of a command.
    ///
    /// # Errors
    /// What is wrong with a word.
    pub fn expand_words(
        &mut self,
        words: &[Word],
    ) -> Result<Vec<String>, Trouble> {
        let separators = String::from(self.variable("IFS").unwrap_or(" \t\n"));
        let mut all = Vec::new();
        for word in words {
            let fields = self.expand(word, Some(&separators))?;
            all.append(&mut fields.into_words(!self.switches.has_no_glob));
        }
        Ok(all)
    }

    /// Expands a word to one text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn expand_text(&mut self, word: &Word) -> Result<String, Trouble> {
        Ok(self.expand(word, None)?.into_text())
    }

    /// Expands a word to one pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn expand_pattern(&mut self, word: &Word) -> Result<String, Trouble> {
        Ok(self.expand(word, None)?.into_pattern())
    }

    fn expand(
        &mut self,
        word: &Word,
        separators: Separators,
    ) -> Result<Fields, Trouble> {
        let mut fields = Fields::default();
        self.expand_into(&mut fields, word, separators)?;
        Ok(fields)
    }

    fn expand_into(
        &mut self,
        fields: &mut Fields,
        word: &Word,
        separators: Separators,
    ) -> Result<(), Trouble> {
        for (index, part) in word.iter().enumerate() {
            match part {
                Part::Literal(text) if index == 0 => {
                    let rest = self.push_tilde(fields, text);
                    if !rest.is_empty() {
                        fields.push_literal(rest);
                    }
                }
                Part::Literal(text) => fields.push_literal(text),
                Part::Quoted(text) => fields.push_quoted(text),
                Part::Parameter { parameter, is_quoted } => {
                    let separators = separators.filter(|_| !is_quoted);
                    self.push_parameter(
                        fields, parameter, *is_quoted, separators,
                    )?;
                }
                Part::Command { list, is_quoted } => {
                    let output = self.substitute(list)?;
                    push(fields, &output, *is_quoted, separators);
                }
                Part::Arithmetic { expression, is_quoted } => {
                    let text = self.expand_text(expression)?;
                    let value = arithmetic::evaluate(&text, self)?;
                    push(fields, &value.to_string(), *is_quoted, separators);
                }
            }
        }
        Ok(())
    }

    /// Puts the home directory in place of a tilde; gives the rest.
    fn push_tilde<'a>(&self, fields: &mut Fields, text: &'a str) -> &'a str {
        match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                fields.push_quoted(self.variable("HOME").unwrap_or("/"));
                rest
            }
            _ => text,
        }
    }

    fn push_parameter(
        &mut self,
        fields: &mut Fields,
        parameter: &Parameter,
        is_quoted: bool,
        separators: Separators,
    ) -> Result<(), Trouble> {
        let name = parameter.name.as_str();
        let is_list = name == "@" || name == "*" && !is_quoted;
        let is_value = matches!(parameter.operation, Operation::Value);
        if is_list && is_value && (is_quoted || separators.is_some()) {
            self.push_positional(fields, is_quoted, separators);
            return Ok(());
        }
        let value = self.parameter(name);
        let text = match &parameter.operation {
            Operation::Value => self.required(name, value)?,
            Operation::Length => {
                value.unwrap_or_default().chars().count().to_string()
            }
            Operation::Trim { is_suffix, is_longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                let value = self.required(name, value)?;
                String::from(trim(&value, &pattern, *is_suffix, *is_longest))
            }
            Operation::Choice { kind, has_colon, word } => {
                let value = value.filter(|v| !has_colon || !v.is_empty());
                match self.choose(name, value, *kind, word)? {
                    Some(text) => text,
                    None => {
                        return self
                            .push_choice(fields, word, is_quoted, separators);
                    }
                }
            }
        };
        push(fields, &text, is_quoted, separators);
        Ok(())
    }

    /// The value, or nothing for what is not set unless that is refused.
    fn required(
        &self,
        name: &str,
        value: Option<String>,
    ) -> Result<String, Trouble> {
        match value {
            None if self.switches.refuses_unset && !"@*".contains(name) => {
                Err(format!("{name}: parameter not set"))
            }
            value => Ok(value.unwrap_or_default()),
        }
    }

    /// The text of `${name-word}` and its like, or `None` if it is the word.
    fn choose(
        &mut self,
        name: &str,
        value: Option<String>,
        kind: char,
        word: &Word,
    ) -> Result<Option<String>, Trouble> {
        match (kind, value) {
            ('+', None) => Ok(Some(String::new())),
            ('+', Some(_)) | ('-', None) => Ok(None),
            ('=', None) => {
                let text = self.expand_text(word)?;
                self.set_variable(name, &text);
                Ok(Some(text))
            }
            ('?', None) => {
                let text = self.expand_text(word)?;
                let is_silent = text.is_empty();
                let text = if is_silent { "parameter not set" } else { &text };
                Err(format!("{name}: {text}"))
            }
            (_, value) => Ok(value),
        }
    }

    /// The word of `${name-word}`, with the quoting of the whole.
    fn push_choice(
        &mut self,
        fields: &mut Fields,
        word: &Word,
        is_quoted: bool,
        separators: Separators,
    ) -> Result<(), Trouble> {
        if is_quoted {
            let text = self.expand_text(word)?;
            fields.push_quoted(&text);
            return Ok(());
        }
        for part in word {
            match part {
                Part::Literal(text) => push(fields, text, false, separators),
                part => {
                    let part = Vec::from([part.clone()]);
                    self.expand_into(fields, &part, separators)?;
                }
            }
        }
        Ok(())
    }

    /// `$@`, and `$*` without quotes: a field for each parameter.
    fn push_positional(
        &self,
        fields: &mut Fields,
        is_quoted: bool,
        separators: Separators,
    ) {
        for (index, text) in self.positional.iter().enumerate() {
            if index > 0 {
                fields.end();
            }
            push(fields, text, is_quoted, separators);
        }
    }

    /// Runs commands and gives what they print, less newlines at the end.
    fn substitute(&mut self, list: &List) -> Result<String, Trouble> {
        let no_pipe = |error: user_lib::Errno| {
            format!("command substitution: {}", error.message())
        };
        let [from, to] = file::pipe(O_CLOEXEC).map_err(no_pipe)?;
        match process::fork() {
            Ok(Fork::Child) => {
                self.become_subshell();
                // The descriptors differ: 1 is open or `to` is its copy.
                let _ = file::duplicate(to, 1, 0);
                let status = self.run_to_end(list);
                process::exit(status)
            }
            Ok(Fork::Parent(child)) => {
                let _ = file::close(to);
                let output = file::read_to_end(from);
                let _ = file::close(from);
                let status = process::wait_for(child);
                self.status = status.map_or(1, |status| status.shell_status());
                self.substitution_status = Some(self.status);
                let output = output.map_err(no_pipe)?;
                let text = String::from_utf8_lossy(&output);
                Ok(String::from(text.trim_end_matches('\n')))
            }
            Err(error) => {
                let _ = file::close(from);
                let _ = file::close(to);
                Err(no_pipe(error))
            }
        }
    }
}

fn push(
    fields: &mut Fields,
    text: &str,
    is_quoted: bool,
    separators: Separators,
) {
    match separators {
        _ if is_quoted => fields.push_quoted(text),
        Some(separators) => fields.push_split(text, separators),
        None => fields.push_literal(text),
    }
}

/// Takes away what a pattern matches at one end.
fn trim<'a>(
    value: &'a str,
    pattern: &str,
    is_suffix: bool,
    is_longest: bool,
) -> &'a str {
    let mut cuts: Vec<usize> =
        value.char_indices().map(|(index, _)| index).collect();
    cuts.push(value.len());
    // The shortest suffix starts last, the shortest prefix ends first.
    if is_suffix != is_longest {
        cuts.reverse();
    }
    for cut in cuts {
        let (head, tail) = value.split_at(cut);
        let (part, rest) = if is_suffix { (tail, head) } else { (head, tail) };
        if pattern::matches(pattern, part) {
            return rest;
        }
    }
    value
}
