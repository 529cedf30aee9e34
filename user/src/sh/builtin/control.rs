//! Builtins that say where to go on.

use alloc::format;
use alloc::string::String;

use user_lib::{Message, file};

use crate::sh::builtin::shell;
use crate::sh::state::{Flow, Shell};
use crate::system::which;

/// The status a word gives, or the last one.
fn status(shell: &Shell, words: &[String]) -> i32 {
    let word = words.get(1).and_then(|word| word.parse::<i32>().ok());
    word.map_or(shell.status, |status| status & 0xff)
}

/// `exit [STATUS]`.
pub fn exit(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    shell.status = status(shell, words);
    Err(Flow::Exit)
}

/// `return [STATUS]`.
pub fn return_from(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    shell.status = status(shell, words);
    Err(Flow::Return)
}

/// How many loops to leave: at most those we are in.
fn levels(shell: &Shell, words: &[String]) -> u32 {
    let word = words.get(1).and_then(|word| word.parse().ok());
    word.unwrap_or(1).clamp(1, shell.loops.max(1))
}

/// `break [COUNT]`.
pub fn break_loop(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    if shell.loops == 0 {
        return Ok(0);
    }
    shell.status = 0;
    Err(Flow::Break(levels(shell, words)))
}

/// `continue [COUNT]`.
pub fn continue_loop(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    if shell.loops == 0 {
        return Ok(0);
    }
    shell.status = 0;
    Err(Flow::Continue(levels(shell, words)))
}

/// `eval [WORD]...`.
pub fn eval(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let text = words[1..].join(" ");
    shell.status = 0;
    shell.run_text(&text)?;
    Ok(shell.status)
}

/// `. FILE`.
pub fn source(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let Some(name) = words.get(1) else {
        shell.complain(".: needs a file");
        return Ok(2);
    };
    let text = match file::text(name) {
        Ok(text) => text,
        Err(error) => {
            shell.complain(&format!("{name}: {}", error.message()));
            return Ok(1);
        }
    };
    shell.status = 0;
    match shell.run_text(&text) {
        Ok(()) | Err(Flow::Return) => Ok(shell.status),
        Err(flow) => Err(flow),
    }
}

/// `command [-v] WORD...`: runs a builtin or a program, not a function.
pub fn command(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let rest = &words[1..];
    match rest.first().map(String::as_str) {
        None => Ok(0),
        Some("-v" | "-V") => shell::type_of(shell, rest),
        Some(name) => match shell.builtin(name) {
            Some(builtin) => (builtin.run)(shell, rest),
            None => {
                let environment = shell.exported();
                shell.in_foreground(&rest.join(" "), |_| {
                    which::run("sh", rest, &environment)
                })?;
                Ok(shell.status)
            }
        },
    }
}

/// `exec` by `command`, which has no redirections of its own left.
pub fn exec(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    match &words[1..] {
        [] => Ok(0),
        words => shell.replace_by(words),
    }
}
