//! `mv`: renames files, or moves them into a directory.

use alloc::string::String;

use user_lib::file;

use crate::file::destination;
use user_lib::option::{Options, each, usage};

/// Runs `mv`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "f") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match options.operands.split_last() {
        Some((to, from)) if !from.is_empty() => each("mv", from, |from| {
            file::rename(from, &destination(from, to), 0)
        }),
        _ => usage("mv", "FROM... TO"),
    }
}
