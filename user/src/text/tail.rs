//! `tail`: prints the last lines of files.

use alloc::collections::VecDeque;
use alloc::string::String;

use user_lib::output::write_bytes;
use user_lib::{Result, println};

use crate::text::head::with_count_option;
use crate::text::reader::{Lines, each_input};
use user_lib::option::Options;

/// Runs `tail`.
pub fn main(arguments: &[String]) -> i32 {
    let arguments = with_count_option(arguments);
    let options = match Options::parse(&arguments, "n:q") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let from_start =
        options.value('n').and_then(|value| value.strip_prefix('+'));
    let first = from_start.and_then(|value| value.parse().ok());
    let count = match options.number('n', 10) {
        Ok(count) => count as usize,
        Err(status) => return status,
    };
    let has_titles = options.operands.len() > 1 && !options.has('q');
    each_input("tail", &options.operands, |descriptor, name| {
        if has_titles {
            println!("==> {name} <==");
        }
        match first {
            Some(first) => print_from(descriptor, first),
            None => print_last(descriptor, count),
        }
    })
}

fn print_last(descriptor: i32, count: usize) -> Result<()> {
    let mut lines = Lines::new(descriptor);
    let mut kept = VecDeque::new();
    while let Some(line) = lines.next()? {
        kept.push_back(line.to_vec());
        if kept.len() > count {
            kept.pop_front();
        }
    }
    kept.iter().for_each(|line| write_bytes(line));
    Ok(())
}

/// Prints from line `first` on; the first line is 1.
fn print_from(descriptor: i32, first: u64) -> Result<()> {
    let mut lines = Lines::new(descriptor);
    let mut number = 1;
    while let Some(line) = lines.next()? {
        if number >= first {
            write_bytes(line);
        }
        number += 1;
    }
    Ok(())
}
