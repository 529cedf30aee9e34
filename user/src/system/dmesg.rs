//! `dmesg`: prints the kernel's log.

use alloc::string::String;

use user_lib::output::write_bytes;
use user_lib::{println, system};

use user_lib::option::{Options, fail};

/// Runs `dmesg`; `-r` keeps the `<level>` of each line.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "r") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let log = match system::log() {
        Ok(log) => log,
        Err(error) => return fail("dmesg", "log", error),
    };
    let lines = log.split(|&byte| byte == b'\n');
    for line in lines.filter(|line| !line.is_empty()) {
        write_bytes(if options.has('r') { line } else { without_level(line) });
        println!();
    }
    0
}

/// The line without `<6>` before it.
fn without_level(line: &[u8]) -> &[u8] {
    let is_end = |&byte: &u8| byte == b'>';
    match (line.first(), line.iter().take(5).position(is_end)) {
        (Some(b'<'), Some(end)) => &line[end + 1..],
        _ => line,
    }
}
