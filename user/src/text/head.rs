//! `head`: prints the first lines of files.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::output::write_bytes;
use user_lib::{Result, println};

use crate::text::reader::{Lines, each_input};
use user_lib::option::Options;

/// Runs `head`.
pub fn main(arguments: &[String]) -> i32 {
    let arguments = with_count_option(arguments);
    let options = match Options::parse(&arguments, "n:q") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let count = match options.number('n', 10) {
        Ok(count) => count,
        Err(status) => return status,
    };
    let has_titles = options.operands.len() > 1 && !options.has('q');
    each_input("head", &options.operands, |descriptor, name| {
        if has_titles {
            println!("==> {name} <==");
        }
        print_first(descriptor, count)
    })
}

fn print_first(descriptor: i32, count: u64) -> Result<()> {
    let mut lines = Lines::new(descriptor);
    for _ in 0..count {
        match lines.next()? {
            Some(line) => write_bytes(line),
            None => break,
        }
    }
    Ok(())
}

/// Reads the old form `-5` as `-n5`.
pub fn with_count_option(arguments: &[String]) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    if let Some(word) = arguments.get_mut(1) {
        let digit = word.strip_prefix('-').and_then(|rest| rest.chars().next());
        if digit.is_some_and(|digit| digit.is_ascii_digit()) {
            word.insert(1, 'n');
        }
    }
    arguments
}
