//! `yes`: prints a line for ever.

use alloc::string::String;

use user_lib::{file, linux};

use user_lib::option::fail;

/// Runs `yes`.
pub fn main(arguments: &[String]) -> i32 {
    let mut line = arguments[1..].join(" ");
    if line.is_empty() {
        line.push('y');
    }
    line.push('\n');
    loop {
        let output = linux::STDOUT_FILENO as i32;
        if let Err(error) = file::write_all(output, line.as_bytes()) {
            return fail("yes", "write", error);
        }
    }
}
