//! `env`: prints the environment, or runs a program with more in it.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{environment, println};

use crate::system::which;
use user_lib::option::Options;

/// Runs `env`; `-i` starts with an empty environment.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "i") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mut entries = if options.has('i') { Vec::new() } else { environment() };
    let mut words = options.operands.as_slice();
    while let Some((word, rest)) = words.split_first()
        && let Some((name, _)) = word.split_once('=')
    {
        set(&mut entries, name, word);
        words = rest;
    }
    if words.is_empty() {
        entries.iter().for_each(|entry| println!("{entry}"));
        return 0;
    }
    which::run("env", words, &entries)
}

fn set(entries: &mut Vec<String>, name: &str, entry: &str) {
    entries.retain(|old| old.split_once('=').is_none_or(|(n, _)| n != name));
    entries.push(String::from(entry));
}
