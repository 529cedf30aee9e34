//! Builtins about variables and positional parameters.

use alloc::format;
use alloc::string::String;

use user_lib::println;

use crate::sh::input::{Line, read_line};
use crate::sh::name::is_name;
use crate::sh::state::{Flow, Shell};

/// `export [NAME[=VALUE]]...`.
pub fn export(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    if words.len() == 1 {
        for entry in shell.exported() {
            println!("export {entry}");
        }
    }
    for word in &words[1..] {
        let Some(name) = set_if_given(shell, word) else {
            return Ok(1);
        };
        shell.export(name);
    }
    Ok(0)
}

/// Sets the variable of `NAME=VALUE`; gives the name, or complains.
fn set_if_given<'a>(shell: &mut Shell, word: &'a str) -> Option<&'a str> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    if !is_name(name) {
        shell.complain(&format!("{name}: not a name"));
        return None;
    }
    if let Some(value) = value {
        shell.set_variable(name, value);
    }
    Some(name)
}

/// `local NAME[=VALUE]...`: the variable is put back when the function ends.
pub fn local(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    for word in &words[1..] {
        let name = word.split('=').next().unwrap_or(word);
        let before = shell.copy_of(name);
        match shell.locals.last_mut() {
            Some(locals) => locals.push((String::from(name), before)),
            None => {
                shell.complain("local: not in a function");
                return Ok(1);
            }
        }
        if set_if_given(shell, word).is_none() {
            return Ok(1);
        }
    }
    Ok(0)
}

/// `unset [-f|-v] NAME...`.
pub fn unset(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let is_function = words.get(1).is_some_and(|word| word == "-f");
    for name in words[1..].iter().filter(|word| !word.starts_with('-')) {
        if is_function {
            shell.functions.remove(name);
        } else {
            shell.unset(name);
        }
    }
    Ok(0)
}

/// `shift [COUNT]`.
pub fn shift(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let count = words.get(1).map_or(Ok(1), |word| word.parse::<usize>());
    match count {
        Ok(count) if count <= shell.positional.len() => {
            shell.positional.drain(..count);
            Ok(0)
        }
        _ => {
            shell.complain("shift: wrong count");
            Ok(1)
        }
    }
}

/// `read [-r] NAME...`: a line of input, split over the variables.
pub fn read(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let mut names = &words[1..];
    let mut is_raw = false;
    while let [option, rest @ ..] = names
        && option.starts_with('-')
    {
        is_raw |= option == "-r";
        names = rest;
    }
    let Some(line) = logical_line(is_raw) else {
        for name in names {
            shell.set_variable(name, "");
        }
        return Ok(1);
    };
    let separators = String::from(shell.variable("IFS").unwrap_or(" \t\n"));
    let is_blank = |letter: char| {
        letter.is_ascii_whitespace() && separators.contains(letter)
    };
    let mut rest = line.trim_matches(is_blank);
    for (index, name) in names.iter().enumerate() {
        if index + 1 == names.len() {
            shell.set_variable(name, rest);
            break;
        }
        let end = rest.find(|letter| separators.contains(letter));
        let (field, after) = rest.split_at(end.unwrap_or(rest.len()));
        shell.set_variable(name, field);
        rest = after.trim_start_matches(is_blank);
        if rest.len() == after.len() {
            // The separator was no blank: only it is taken.
            let mut letters = rest.chars();
            letters.next();
            rest = letters.as_str();
        }
    }
    Ok(0)
}

/// A line without its newline; unless `is_raw`, backslashes quote, and join
/// lines.
fn logical_line(is_raw: bool) -> Option<String> {
    let mut text = String::new();
    loop {
        let Line::Text(line) = read_line(0) else {
            return (!text.is_empty()).then_some(text);
        };
        let line = line.strip_suffix('\n').unwrap_or(&line);
        if is_raw {
            return Some(String::from(line));
        }
        let mut letters = line.chars();
        let mut is_joined = false;
        while let Some(letter) = letters.next() {
            let next =
                if letter == '\\' { letters.next() } else { Some(letter) };
            is_joined = next.is_none();
            text.extend(next);
        }
        if !is_joined {
            return Some(text);
        }
    }
}
