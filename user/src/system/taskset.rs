//! `taskset`: runs a program on some CPUs only, or moves a process.

use alloc::string::String;

use user_lib::{environment, println, schedule};

use crate::system::which;
use user_lib::option::{Options, fail, usage};

const HELP: &str = "MASK COMMAND [WORD]... | -p [MASK] PID";

/// Runs `taskset`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "p") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let result = match (options.has('p'), options.operands.as_slice()) {
        (true, [pid]) => pid.parse().ok().map(show),
        (true, [mask, pid]) => parse(mask).zip(pid.parse().ok()).map(move_to),
        (false, [mask, words @ ..]) if !words.is_empty() => {
            parse(mask).map(|mask| match move_to((mask, 0)) {
                0 => which::run("taskset", words, &environment()),
                status => status,
            })
        }
        _ => None,
    };
    result.unwrap_or_else(|| usage("taskset", HELP))
}

/// A mask in hexadecimal, one bit for a CPU.
fn parse(mask: &str) -> Option<u64> {
    u64::from_str_radix(mask.strip_prefix("0x").unwrap_or(mask), 16).ok()
}

fn move_to((mask, pid): (u64, i32)) -> i32 {
    schedule::set_affinity(pid, mask)
        .map_or_else(|error| fail("taskset", "affinity", error), |()| 0)
}

fn show(pid: i32) -> i32 {
    match schedule::affinity(pid) {
        Ok(mask) => println!("pid {pid}'s current affinity mask: {mask:x}"),
        Err(error) => return fail("taskset", "affinity", error),
    }
    0
}
