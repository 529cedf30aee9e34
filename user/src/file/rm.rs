//! `rm`: removes files, with `-r` directories and what is in them.

use alloc::string::String;

use user_lib::linux::{S_IFDIR, S_IFMT};
use user_lib::{Errno, Result, directory, file};

use crate::file::join;
use user_lib::option::{Options, each, usage};

/// Runs `rm`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "rRf") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let is_forced = options.has('f');
    if options.operands.is_empty() && !is_forced {
        return usage("rm", "[-rf] FILE...");
    }
    let is_deep = options.has('r') || options.has('R');
    let remove = if is_deep { remove_tree } else { file::remove };
    each("rm", &options.operands, |path| match remove(path) {
        Err(Errno::ENOENT) if is_forced => Ok(()),
        result => result,
    })
}

fn remove_tree(path: &str) -> Result<()> {
    let mode = file::link_status(path)?.st_mode;
    if mode & S_IFMT != S_IFDIR {
        return file::remove(path);
    }
    for entry in directory::entries(path)? {
        remove_tree(&join(path, &entry.name))?;
    }
    file::remove_directory(path)
}
