//! `kill`: sends signals.

use alloc::string::String;

use user_lib::linux::SIGTERM;
use user_lib::{eprintln, println, signal};

use user_lib::option::{USAGE, fail, usage};

/// Runs `kill`.
pub fn main(arguments: &[String]) -> i32 {
    let words = &arguments[1..];
    match words.first().map(String::as_str) {
        Some("-l") => list(),
        Some("-s") if words.len() > 2 => send_named(&words[1], &words[2..]),
        Some("--") => send_all(SIGTERM, &words[1..]),
        // `kill -5` without a second word can only be a group.
        Some(word) if word.starts_with('-') && words.len() > 1 => {
            send_named(&word[1..], &words[1..])
        }
        Some(_) => send_all(SIGTERM, words),
        None => usage("kill", "[-SIGNAL] PID...; -l lists"),
    }
}

fn list() -> i32 {
    for number in 1..=31 {
        println!("{number:2} {}", signal::name(number).unwrap_or("?"));
    }
    0
}

fn send_named(name: &str, words: &[String]) -> i32 {
    match signal::by_name(name) {
        Some(signal) => send_all(signal, words),
        None => {
            eprintln!("kill: {name}: no such signal");
            USAGE
        }
    }
}

fn send_all(signal: u32, words: &[String]) -> i32 {
    let mut status = 0;
    for word in words.iter().filter(|word| *word != "--") {
        status |= match word.parse() {
            Ok(pid) => signal::send(pid, signal)
                .map_or_else(|error| fail("kill", word, error), |()| 0),
            Err(_) => {
                eprintln!("kill: {word}: not a process");
                1
            }
        };
    }
    status
}
