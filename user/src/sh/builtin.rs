//! Commands that the shell runs itself: those that change it, and small
//! programs that would cost a process.

mod control;
mod help;
mod jobs;
mod shell;
mod variable;

use alloc::string::String;

use crate::sh::state::{Builtin, Flow, Run, Shell};

const fn builtin(name: &'static str, run: Run, help: &'static str) -> Builtin {
    Builtin { name, help, run }
}

/// By name. `command.rs` runs `exec` itself, since its redirections last.
pub static BUILTINS: &[Builtin] = &[
    builtin(".", control::source, "FILE: runs a script in this shell"),
    builtin(":", succeed, "does nothing"),
    builtin("[", program, "EXPRESSION ]: checks a condition"),
    builtin("bg", jobs::background, "[JOB]: lets a stopped job go on behind"),
    builtin("break", control::break_loop, "[COUNT]: leaves loops"),
    builtin("cd", shell::cd, "[DIRECTORY|-]: changes the working directory"),
    builtin(
        "command",
        control::command,
        "[-v] NAME [WORD]...: runs, or finds, no function",
    ),
    builtin(
        "continue",
        control::continue_loop,
        "[COUNT]: starts the next round of a loop",
    ),
    builtin("echo", program, "[-n] [WORD]...: prints words"),
    builtin("eval", control::eval, "[WORD]...: runs words as commands"),
    builtin(
        "exec",
        control::exec,
        "[COMMAND [WORD]...]: becomes a program; redirects",
    ),
    builtin("exit", control::exit, "[STATUS]: ends the shell"),
    builtin(
        "export",
        variable::export,
        "[NAME[=VALUE]]...: lets programs have variables",
    ),
    builtin("false", program, "fails"),
    builtin("fg", jobs::foreground, "[JOB]: lets a job go on in front"),
    builtin(
        "help",
        help::help,
        "[NAME]...: lists commands, or tells about some",
    ),
    builtin(
        "history",
        help::history,
        "[-c]: lists the lines typed before; -c forgets them",
    ),
    builtin("jobs", jobs::list, "lists what runs behind or is stopped"),
    builtin(
        "kill",
        jobs::kill,
        "[-SIGNAL] PID|%JOB...: sends a signal; -l lists them",
    ),
    builtin(
        "local",
        variable::local,
        "NAME[=VALUE]...: sets variables of a function",
    ),
    builtin("printf", program, "FORMAT [WORD]...: prints words in a form"),
    builtin("pwd", program, "prints the working directory"),
    builtin(
        "read",
        variable::read,
        "[-r] NAME...: reads a line into variables",
    ),
    builtin("return", control::return_from, "[STATUS]: leaves a function"),
    builtin(
        "set",
        shell::set,
        "[-+efux] [--] [WORD]...: sets switches and $1, $2 ...",
    ),
    builtin("shift", variable::shift, "[COUNT]: drops the first of $1, $2 ..."),
    builtin("source", control::source, "FILE: runs a script in this shell"),
    builtin("test", program, "EXPRESSION: checks a condition"),
    builtin(
        "trap",
        shell::trap,
        "[COMMANDS|- SIGNAL...]: runs commands on a signal",
    ),
    builtin("true", program, "succeeds"),
    builtin("type", shell::type_of, "NAME...: says what would run"),
    builtin(
        "umask",
        shell::umask,
        "[MASK]: tells or sets what new files do not allow",
    ),
    builtin(
        "unset",
        variable::unset,
        "[-f|-v] NAME...: removes variables or functions",
    ),
    builtin("wait", jobs::wait, "[PID|%JOB]...: waits for what runs behind"),
];

fn succeed(_: &mut Shell, _: &[String]) -> Result<i32, Flow> {
    Ok(0)
}

/// A program that runs within the shell.
fn program(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let program = shell.program(&words[0]);
    Ok(program.map_or(1, |program| (program.main)(words)))
}
