//! `rmdir`: removes empty directories.

use alloc::string::String;

use user_lib::file;

use user_lib::option::{Options, each, usage};

/// Runs `rmdir`.
pub fn main(arguments: &[String]) -> i32 {
    match Options::parse(arguments, "") {
        Ok(options) if options.operands.is_empty() => {
            usage("rmdir", "DIRECTORY...")
        }
        Ok(options) => each("rmdir", &options.operands, file::remove_directory),
        Err(status) => status,
    }
}
