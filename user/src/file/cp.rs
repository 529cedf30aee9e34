//! `cp`: copies files.

use alloc::string::String;

use user_lib::linux::{O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY};
use user_lib::{Errno, Result, file};

use crate::file::destination;
use user_lib::option::{Options, each, usage};

/// Runs `cp`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match options.operands.split_last() {
        Some((to, from)) if !from.is_empty() => {
            each("cp", from, |from| copy(from, &destination(from, to)))
        }
        _ => usage("cp", "FROM... TO"),
    }
}

fn copy(from: &str, to: &str) -> Result<()> {
    let source = file::open(from, O_RDONLY, 0)?;
    let result = copy_to(source, to);
    let _ = file::close(source);
    result
}

fn copy_to(source: i32, to: &str) -> Result<()> {
    let mode = file::descriptor_status(source)?.st_mode & 0o777;
    if file::is_directory(to) {
        return Err(Errno::EISDIR);
    }
    let target = file::open(to, O_WRONLY | O_CREAT | O_TRUNC, mode)?;
    let mut buffer = [0; 4096];
    let result = loop {
        match file::read(source, &mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => file::write_all(target, &buffer[..count])?,
            Err(error) => break Err(error),
        }
    };
    let _ = file::close(target);
    result
}
