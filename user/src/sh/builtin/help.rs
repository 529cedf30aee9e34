//! Builtins for a person: what there is, and what was typed.

use alloc::format;
use alloc::string::String;

use user_lib::{print, println};

use crate::sh::state::{Flow, Shell};

/// What stands below the lists.
const MORE: &str = "\
NAME --help tells about a program, `help | less` shows all by the screen.
Debian's busybox and bash in place of these, from the host:
  cargo xtask qemu --user debian
";

/// `help [NAME]...`.
pub fn help(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    if words.len() > 1 {
        return Ok(about(shell, &words[1..]));
    }
    println!("The shell itself knows:");
    for builtin in shell.builtins {
        show(builtin.name, builtin.help);
    }
    println!("Programs:");
    for program in shell.programs {
        if shell.builtin(program.name).is_none() {
            show(program.name, program.help);
        }
    }
    print!("{MORE}");
    Ok(0)
}

fn show(name: &str, help: &str) {
    println!("  {name:9} {help}");
}

/// Tells about some commands; gives 1 if there is none of a name.
fn about(shell: &Shell, names: &[String]) -> i32 {
    let mut status = 0;
    for name in names {
        let builtin = shell.builtin(name).map(|builtin| builtin.help);
        let program = || shell.program(name).map(|program| program.help);
        match builtin.or_else(program) {
            Some(help) => println!("{name} {help}"),
            None => {
                shell.complain(&format!("help: {name}: no such command"));
                status = 1;
            }
        }
    }
    status
}

/// `history [-c]`.
pub fn history(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    match words.get(1).map(String::as_str) {
        None => {
            for (number, line) in shell.editor.history.iter() {
                println!("{number:5}  {line}");
            }
            Ok(0)
        }
        Some("-c") => {
            shell.editor.history.clear();
            Ok(0)
        }
        Some(word) => {
            shell.complain(&format!("history: {word}: wrong option"));
            Ok(2)
        }
    }
}
