//! `cat`: prints files one after the other.

use alloc::string::String;

use user_lib::linux::STDOUT_FILENO;
use user_lib::{Result, file};

use crate::text::reader::each_input;
use user_lib::option::Options;

/// Runs `cat`.
pub fn main(arguments: &[String]) -> i32 {
    match Options::parse(arguments, "u") {
        Ok(options) => each_input("cat", &options.operands, copy),
        Err(status) => status,
    }
}

fn copy(descriptor: i32, _: &str) -> Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match file::read(descriptor, &mut buffer)? {
            0 => return Ok(()),
            count => file::write_all(STDOUT_FILENO as i32, &buffer[..count])?,
        }
    }
}
