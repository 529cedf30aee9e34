//! `ln`: gives a file another name, or makes a symbolic link.

use alloc::string::String;

use user_lib::file;

use crate::file::destination;
use user_lib::option::{Options, fail, usage};

/// Runs `ln`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "sf") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let [target, name] = options.operands.as_slice() else {
        return usage("ln", "[-sf] TARGET NAME");
    };
    let name = destination(target, name);
    if options.has('f') {
        // What is not there need not go.
        let _ = file::remove(&name);
    }
    let result = if options.has('s') {
        file::symbolic_link(target, &name)
    } else {
        file::link(target, &name)
    };
    result.map_or_else(|error| fail("ln", &name, error), |()| 0)
}
