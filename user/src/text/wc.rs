//! `wc`: counts lines, words and bytes.

use alloc::format;
use alloc::string::String;

use user_lib::{Result, file, println};

use crate::text::reader::each_input;
use user_lib::option::Options;

/// What was counted.
#[derive(Clone, Copy, Default)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
}

/// Runs `wc`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "lwc") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mut total = Counts::default();
    let status = each_input("wc", &options.operands, |descriptor, name| {
        let counts = count(descriptor)?;
        total.lines += counts.lines;
        total.words += counts.words;
        total.bytes += counts.bytes;
        show(&counts, &options, if name == "-" { "" } else { name });
        Ok(())
    });
    if options.operands.len() > 1 {
        show(&total, &options, "total");
    }
    status
}

fn count(descriptor: i32) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut is_in_word = false;
    let mut buffer = [0; 4096];
    loop {
        let length = file::read(descriptor, &mut buffer)?;
        if length == 0 {
            return Ok(counts);
        }
        counts.bytes += length as u64;
        for byte in &buffer[..length] {
            counts.lines += u64::from(*byte == b'\n');
            let is_letter = !byte.is_ascii_whitespace();
            counts.words += u64::from(is_letter && !is_in_word);
            is_in_word = is_letter;
        }
    }
}

fn show(counts: &Counts, options: &Options, name: &str) {
    let columns =
        [('l', counts.lines), ('w', counts.words), ('c', counts.bytes)];
    let asked = |letter| options.has(letter);
    let has_choice = columns.iter().any(|(letter, _)| asked(*letter));
    let mut line = String::new();
    for (letter, value) in columns {
        if asked(letter) {
            line += &format!("{value} ");
        } else if !has_choice {
            line += &format!("{value:7} ");
        }
    }
    line += name;
    println!("{}", line.trim_end());
}
