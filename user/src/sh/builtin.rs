//! Commands that the shell runs itself: those that change it, and small
//! programs that would cost a process.

mod control;
mod jobs;
mod shell;
mod variable;

use alloc::string::String;

use crate::applet;
use crate::sh::state::{Flow, Shell};

/// A builtin: takes its words (the first is its name), gives the status. What
/// it prints is written out after it.
pub type Builtin = fn(&mut Shell, &[String]) -> Result<i32, Flow>;

/// By name; `exec` is in `command.rs`, since its redirections last.
static BUILTINS: &[(&str, Builtin)] = &[
    (".", control::source),
    (":", succeed),
    ("[", program),
    ("bg", jobs::background),
    ("break", control::break_loop),
    ("cd", shell::cd),
    ("command", control::command),
    ("continue", control::continue_loop),
    ("echo", program),
    ("eval", control::eval),
    ("exit", control::exit),
    ("export", variable::export),
    ("false", program),
    ("fg", jobs::foreground),
    ("jobs", jobs::list),
    ("kill", jobs::kill),
    ("local", variable::local),
    ("printf", program),
    ("pwd", program),
    ("read", variable::read),
    ("return", control::return_from),
    ("set", shell::set),
    ("shift", variable::shift),
    ("source", control::source),
    ("test", program),
    ("trap", shell::trap),
    ("true", program),
    ("type", shell::type_of),
    ("umask", shell::umask),
    ("unset", variable::unset),
    ("wait", jobs::wait),
];

/// The builtin of that name.
pub fn find(name: &str) -> Option<Builtin> {
    let index = BUILTINS.binary_search_by_key(&name, |(name, _)| name);
    index.ok().map(|index| BUILTINS[index].1)
}

fn succeed(_: &mut Shell, _: &[String]) -> Result<i32, Flow> {
    Ok(0)
}

/// A program that runs within the shell.
fn program(_: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    Ok(applet::find(&words[0]).map_or(1, |applet| (applet.main)(words)))
}
