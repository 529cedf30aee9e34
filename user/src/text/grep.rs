//! `grep`: prints the lines that match a pattern.

use alloc::string::String;

use user_lib::output::write_bytes;
use user_lib::{Result, print, println};

use crate::text::pattern::Pattern;
use crate::text::reader::{Lines, each_input};
use user_lib::option::{Options, USAGE, usage};

/// Runs `grep`: status 0 if a line matched, 1 if none did.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "ivncqEFhHe:l") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mut operands = options.operands.as_slice();
    let pattern = match (options.value('e'), operands.split_first()) {
        (Some(pattern), _) => pattern,
        (None, Some((pattern, rest))) => {
            operands = rest;
            pattern
        }
        _ => return usage("grep", "[-ivncqEFhHl] PATTERN [FILE]..."),
    };
    let pattern = if options.has('F') {
        Pattern::literal(pattern, options.has('i'))
    } else {
        Pattern::parse(pattern, options.has('i'))
    };
    let has_names = options.has('H') || operands.len() > 1 && !options.has('h');
    let mut total = 0;
    let status = each_input("grep", operands, |descriptor, name| {
        let title = if has_names { name } else { "" };
        let count = search(descriptor, title, &pattern, &options)?;
        summary(name, title, count, &options);
        total += count;
        Ok(())
    });
    if status != 0 { USAGE } else { i32::from(total == 0) }
}

fn summary(name: &str, title: &str, count: u64, options: &Options) {
    if options.has('l') && count > 0 {
        println!("{name}");
    } else if options.has('c') {
        prefix(title);
        println!("{count}");
    }
}

fn prefix(title: &str) {
    if !title.is_empty() {
        print!("{title}:");
    }
}

/// Prints what matches unless told not to; gives how many lines did.
fn search(
    descriptor: i32,
    title: &str,
    pattern: &Pattern,
    options: &Options,
) -> Result<u64> {
    let is_silent = options.has('q') || options.has('c') || options.has('l');
    let mut lines = Lines::new(descriptor);
    let (mut number, mut count) = (0, 0);
    while let Some(line) = lines.next()? {
        number += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if pattern.is_in(text) == options.has('v') {
            continue;
        }
        count += 1;
        if !is_silent {
            prefix(title);
            if options.has('n') {
                print!("{number}:");
            }
            write_bytes(text);
            println!();
        }
    }
    Ok(count)
}
