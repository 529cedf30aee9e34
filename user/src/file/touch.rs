//! `touch`: makes files that are not there, and sets the times of others.

use alloc::string::String;

use user_lib::linux::{O_CREAT, O_WRONLY};
use user_lib::{Errno, Result, file};

use user_lib::option::{Options, each, usage};

/// Runs `touch`.
pub fn main(arguments: &[String]) -> i32 {
    match Options::parse(arguments, "") {
        Ok(options) if options.operands.is_empty() => usage("touch", "FILE..."),
        Ok(options) => each("touch", &options.operands, touch),
        Err(status) => status,
    }
}

fn touch(path: &str) -> Result<()> {
    match file::touch(path) {
        Err(Errno::ENOENT) => {
            file::close(file::open(path, O_WRONLY | O_CREAT, 0o666)?)
        }
        result => result,
    }
}
