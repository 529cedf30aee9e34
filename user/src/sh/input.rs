//! Where a shell's text comes from: a string, a script, or lines that are
//! read one by one.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{Errno, file, terminal};

use crate::sh::execute::is_simple;
use crate::sh::lexer::Trouble;
use crate::sh::parser;
use crate::sh::signal;
use crate::sh::state::{Flow, Ran, Shell};

/// Status after a syntax error.
const SYNTAX: i32 = 2;

/// What reading a line gave.
pub enum Line {
    /// A line, with its newline but perhaps at the end.
    Text(String),
    /// The end of the input.
    End,
    /// A signal came first.
    Interrupted,
}

/// Reads one line from a descriptor and nothing after it, so that programs
/// the line starts can read what follows.
pub fn read_line(descriptor: i32) -> Line {
    // A terminal gives no more than a line; of other input each byte may be
    // the last we may take.
    let step = if terminal::is_terminal(descriptor) { 1024 } else { 1 };
    let mut line = Vec::new();
    let mut buffer = [0; 1024];
    while line.last() != Some(&b'\n') {
        match file::read(descriptor, &mut buffer[..step]) {
            Ok(0) if line.is_empty() => return Line::End,
            Ok(0) => break,
            Ok(count) => line.extend_from_slice(&buffer[..count]),
            Err(Errno::EINTR) => return Line::Interrupted,
            Err(_) => return Line::End,
        }
    }
    Line::Text(String::from_utf8_lossy(&line).into_owned())
}

impl Shell {
    /// Runs text line by line.
    ///
    /// # Errors
    /// Where to go on instead.
    pub fn run_text(&mut self, text: &str) -> Ran {
        let mut at = 0;
        while let Some((list, next)) = self.parse_line(text, at)? {
            at = next;
            self.run_list(&list)?;
        }
        Ok(())
    }

    /// Runs text as all that this process does; gives the status. The last
    /// program replaces the process.
    pub fn run_program(&mut self, text: &str) -> i32 {
        let mut at = 0;
        while let Ok(Some((list, next))) = self.parse_line(text, at) {
            at = next;
            let is_last = text[at..].trim().is_empty();
            let has_traps = self.traps.iter().count() > 0;
            self.is_disposable = is_last && is_simple(&list) && !has_traps;
            if self.run_list(&list).is_err() {
                break;
            }
        }
        self.run_exit_trap();
        self.status
    }

    fn parse_line(
        &mut self,
        text: &str,
        at: usize,
    ) -> Result<Option<(crate::sh::ast::List, usize)>, Flow> {
        parser::next_line(text, at).map_err(|trouble| {
            self.complain_syntax(trouble);
            Flow::Exit
        })
    }

    fn complain_syntax(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Syntax(message) => self.complain(&message),
            Trouble::Incomplete => {
                self.complain("syntax error: unexpected end of file");
            }
        }
        self.status = SYNTAX;
    }

    /// Runs what is read from standard input, with prompts if a person is
    /// there; gives the status.
    pub fn run_input(&mut self) -> i32 {
        let mut text = String::new();
        loop {
            match self.ask(text.is_empty()) {
                Line::Text(line) => text += &line,
                Line::Interrupted => {
                    if self.take_interruption().is_err() {
                        break;
                    }
                    text.clear();
                    continue;
                }
                Line::End => {
                    self.end_input(&text);
                    break;
                }
            }
            match parser::next_line(&text, 0) {
                Err(Trouble::Incomplete) => continue,
                Err(trouble) => {
                    self.complain_syntax(trouble);
                    if !self.is_interactive {
                        break;
                    }
                }
                Ok(Some((list, _))) => {
                    if self.run_and_stay(&list).is_err() {
                        break;
                    }
                }
                Ok(None) => {}
            }
            text.clear();
        }
        self.run_exit_trap();
        self.status
    }

    /// Runs one line; only what ends the shell is an error.
    fn run_and_stay(&mut self, list: &crate::sh::ast::List) -> Ran {
        match self.run_list(list) {
            Err(Flow::Interrupt) if self.is_interactive => Ok(()),
            Err(Flow::Exit | Flow::Interrupt) => Err(Flow::Exit),
            _ => Ok(()),
        }
    }

    /// After a signal at the prompt: `^C` starts a new line.
    fn take_interruption(&mut self) -> Ran {
        if self.is_interactive && signal::take_interrupt() {
            user_lib::eprintln!("");
            self.status = 130;
        }
        match self.run_traps() {
            Err(Flow::Exit) => Err(Flow::Exit),
            _ => Ok(()),
        }
    }

    fn end_input(&mut self, text: &str) {
        if !text.is_empty() {
            self.complain_syntax(Trouble::Incomplete);
        }
        if self.is_interactive {
            user_lib::eprintln!("");
        }
    }
}
