//! `which`: finds programs in `PATH`; and how others find and run them.

use alloc::string::String;

use user_lib::linux::{S_IFREG, X_OK};
use user_lib::{Errno, eprintln, file, println, process, variable};

use crate::file::join;
use user_lib::option::{fail, usage};

/// Where programs are looked for when `PATH` is not set.
pub const DEFAULT_PATH: &str = "/bin:/sbin:/usr/bin:/usr/sbin";

/// Runs `which`.
pub fn main(arguments: &[String]) -> i32 {
    if arguments.len() < 2 {
        return usage("which", "COMMAND...");
    }
    let mut status = 0;
    let path = search_path();
    for name in &arguments[1..] {
        match find(name, &path) {
            Some(path) => println!("{path}"),
            None => status = 1,
        }
    }
    status
}

/// The directories that the environment says, joined by colons.
pub fn search_path() -> String {
    variable("PATH").unwrap_or_else(|| String::from(DEFAULT_PATH))
}

/// The path of a program. A name with a slash is a path already.
pub fn find(name: &str, search_path: &str) -> Option<String> {
    if name.contains('/') {
        return Some(String::from(name));
    }
    search_path
        .split(':')
        .map(|directory| if directory.is_empty() { "." } else { directory })
        .map(|directory| join(directory, name))
        .find(|path| {
            file::is_kind(path, S_IFREG) && file::is_allowed(path, X_OK)
        })
}

/// Becomes the program that the words say; gives a status if it cannot.
pub fn run(caller: &str, words: &[String], environment: &[String]) -> i32 {
    let Some(path) = find(&words[0], &search_path()) else {
        eprintln!("{caller}: {}: not found", words[0]);
        return 127;
    };
    let error = process::execute(&path, words, environment);
    fail(caller, &path, error);
    if error == Errno::ENOENT { 127 } else { 126 }
}
