//! `nice`: runs a program with another priority.

use alloc::string::String;

use user_lib::{environment, println, schedule};

use crate::system::which;
use user_lib::option::{Options, USAGE, fail};

/// Runs `nice`; without words it prints the nice value.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "n:") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let current = match schedule::nice(0) {
        Ok(current) => current,
        Err(error) => return fail("nice", "priority", error),
    };
    if options.operands.is_empty() {
        println!("{current}");
        return 0;
    }
    let Ok(more) = options.value('n').unwrap_or("10").parse::<i32>() else {
        return USAGE;
    };
    if let Err(error) = schedule::set_nice(0, current.saturating_add(more)) {
        // As elsewhere, the program runs all the same.
        fail("nice", "priority", error);
    }
    which::run("nice", &options.operands, &environment())
}
