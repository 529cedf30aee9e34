//! `sh`: a shell after POSIX, for a person at a prompt and for scripts.
//!
//! Reading order: `ast.rs` (what a command is), `lexer.rs`, `word.rs` and
//! `parser.rs` (text to commands), `expand.rs` and `field.rs` (words to
//! arguments), `execute.rs`, `command.rs` and `spawn.rs` (running), `job.rs`,
//! `wait.rs`, `signal.rs` and `trap.rs` (children and signals), `builtin.rs`
//! (commands of its own), `prompt.rs` (the line that is typed).
//!
//! What it does not have: aliases, arrays, and names that are not UTF-8.

mod arithmetic;
mod ast;
mod builtin;
mod command;
mod execute;
mod expand;
mod field;
mod glob;
mod input;
mod job;
mod lexer;
mod lookup;
mod name;
mod parser;
mod pattern;
mod prompt;
mod redirect;
mod signal;
mod spawn;
mod state;
mod trap;
mod wait;
mod word;

use alloc::string::String;

use user_lib::{Message, file, process, terminal};

use crate::program::Program;
use crate::sh::builtin::BUILTINS;
use crate::sh::state::Shell;
use user_lib::option::USAGE;

/// Status when there is no such script.
const NO_SCRIPT: i32 = 127;

/// Runs `sh`, which has these programs in its own file.
pub fn main(arguments: &[String], programs: &'static [Program]) -> i32 {
    let name = arguments.first().map_or("sh", String::as_str);
    let mut shell = Shell::new(name, BUILTINS, programs);
    let mut words = &arguments[1..];
    let mut has_text = false;
    while let Some((word, rest)) = words.split_first()
        && word.len() > 1
        && word.starts_with(['-', '+'])
    {
        words = rest;
        if word == "--" {
            break;
        }
        if !apply(&mut shell, word, &mut has_text) {
            shell.complain(&alloc::format!("{word}: wrong option"));
            return USAGE;
        }
    }
    if has_text {
        return run_text(&mut shell, words);
    }
    if let Some((path, rest)) = words.split_first() {
        return run_script(&mut shell, path, rest);
    }
    if terminal::is_terminal(0) || shell.is_interactive {
        become_interactive(&mut shell);
    }
    shell.run_input()
}

/// Takes one word of options; says whether all are known.
fn apply(shell: &mut Shell, word: &str, has_text: &mut bool) -> bool {
    let is_on = word.starts_with('-');
    word[1..].chars().all(|letter| match letter {
        'c' => {
            *has_text = true;
            true
        }
        'i' => {
            shell.is_interactive = true;
            true
        }
        'l' | 's' => true,
        letter => shell.set_switch(letter, is_on),
    })
}

/// `sh -c TEXT [NAME [WORD]...]`.
fn run_text(shell: &mut Shell, words: &[String]) -> i32 {
    let Some((text, rest)) = words.split_first() else {
        shell.complain("-c: needs commands");
        return USAGE;
    };
    if let Some((name, positional)) = rest.split_first() {
        shell.name.clone_from(name);
        shell.positional = positional.to_vec();
    }
    shell.is_interactive = false;
    shell.run_program(text)
}

fn run_script(shell: &mut Shell, path: &str, words: &[String]) -> i32 {
    let text = match file::text(path) {
        Ok(text) => text,
        Err(error) => {
            shell.complain(&alloc::format!("{path}: {}", error.message()));
            return NO_SCRIPT;
        }
    };
    shell.name = String::from(path);
    shell.positional = words.to_vec();
    shell.is_interactive = false;
    shell.run_program(&text)
}

/// Signals, and a group of its own with the terminal.
fn become_interactive(shell: &mut Shell) {
    shell.is_interactive = true;
    shell.is_for_person = true;
    signal::become_interactive();
    prompt::greet();
    let own = process::current_id();
    if process::group(0) != Ok(own) && process::set_group(0, 0).is_err() {
        return;
    }
    shell.has_job_control = terminal::set_foreground_group(0, own).is_ok();
    shell.settings = terminal::settings(0).ok();
}
