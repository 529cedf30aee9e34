//! Builtins about the shell itself.

use alloc::format;
use alloc::string::String;

use user_lib::{Message, directory, file, println, signal};

use crate::sh::signal::EXIT;
use crate::sh::state::{Flow, Shell};
use crate::system::which;

/// `cd [DIRECTORY|-]`.
pub fn cd(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let word = words.get(1).map(String::as_str);
    let is_back = word == Some("-");
    let target = match word {
        Some("-") => shell.variable("OLDPWD"),
        None => shell.variable("HOME"),
        word => word,
    };
    let target = String::from(target.unwrap_or("/"));
    let before = directory::current().unwrap_or_default();
    if let Err(error) = directory::change(&target) {
        shell.complain(&format!("cd: {target}: {}", error.message()));
        return Ok(1);
    }
    shell.set_variable("OLDPWD", &before);
    shell.set_variable("PWD", &directory::current().unwrap_or_default());
    if is_back {
        println!("{target}");
    }
    Ok(0)
}

impl Shell {
    /// Turns what a letter of `set` names on or off; says whether there is
    /// such a letter.
    pub fn set_switch(&mut self, letter: char, is_on: bool) -> bool {
        let switch = match letter {
            'e' => &mut self.switches.ends_on_failure,
            'f' => &mut self.switches.has_no_glob,
            'u' => &mut self.switches.refuses_unset,
            'x' => &mut self.switches.shows_commands,
            _ => return false,
        };
        *switch = is_on;
        true
    }
}

/// `set [-+efux] [--] [WORD]...`: switches and positional parameters; alone
/// it prints all variables.
pub fn set(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    if words.len() == 1 {
        for (name, variable) in shell.variables() {
            println!("{name}='{}'", variable.value.as_deref().unwrap_or(""));
        }
        return Ok(0);
    }
    let mut rest = &words[1..];
    while let Some((word, after)) = rest.split_first() {
        if word == "--" {
            shell.positional = after.to_vec();
            return Ok(0);
        }
        if word.len() < 2 || !word.starts_with(['-', '+']) {
            shell.positional = rest.to_vec();
            return Ok(0);
        }
        let is_on = word.starts_with('-');
        if !word[1..].chars().all(|letter| shell.set_switch(letter, is_on)) {
            shell.complain(&format!("set: {word}: wrong option"));
            return Ok(2);
        }
        rest = after;
    }
    Ok(0)
}

/// `trap [COMMANDS|-] SIGNAL...`; alone it prints what is set.
pub fn trap(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let [_, commands, signals @ ..] = words else {
        for (number, commands) in shell.traps.iter() {
            let name = signal::name(*number).unwrap_or("EXIT");
            println!("trap -- '{commands}' {name}");
        }
        return Ok(0);
    };
    let commands = Some(commands.as_str()).filter(|text| *text != "-");
    let mut status = 0;
    for word in signals {
        let number = match word.as_str() {
            "EXIT" => Some(EXIT),
            word => signal::by_name(word),
        };
        let is_set = number
            .is_some_and(|number| shell.traps.set(number, commands).is_ok());
        if !is_set {
            shell.complain(&format!("trap: {word}: bad signal"));
            status = 1;
        }
    }
    Ok(status)
}

/// `type NAME...`: says what would run. Also `command -v`, which says less.
pub fn type_of(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let is_brief = words[0] == "-v";
    let mut status = 0;
    let path = shell.variable("PATH").unwrap_or(which::DEFAULT_PATH);
    for name in &words[1..] {
        let is_own = shell.builtin(name).is_some();
        let is_function = shell.functions.contains_key(name);
        if is_brief && (is_own || is_function) {
            println!("{name}");
        } else if is_function {
            println!("{name} is a function");
        } else if is_own {
            println!("{name} is a shell builtin");
        } else if let Some(path) =
            which::find(name, path).filter(|path| file::status(path).is_ok())
        {
            let is = if is_brief { "" } else { &format!("{name} is ") };
            println!("{is}{path}");
        } else {
            status = 127;
            if !is_brief {
                shell.complain(&format!("{name}: not found"));
            }
        }
    }
    Ok(status)
}

/// `umask [MASK]`, in octal.
pub fn umask(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let Some(word) = words.get(1) else {
        let mask = file::set_creation_mask(0);
        file::set_creation_mask(mask);
        println!("{mask:04o}");
        return Ok(0);
    };
    match u32::from_str_radix(word, 8) {
        Ok(mask) => {
            file::set_creation_mask(mask);
            Ok(0)
        }
        Err(_) => {
            shell.complain(&format!("umask: {word}: not an octal number"));
            Ok(1)
        }
    }
}
