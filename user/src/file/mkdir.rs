//! `mkdir`: makes directories, with `-p` those above them too.

use alloc::string::String;

use user_lib::{Errno, Result, file};

use user_lib::option::{Options, each, usage};

/// Runs `mkdir`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "p") {
        Ok(options) => options,
        Err(status) => return status,
    };
    if options.operands.is_empty() {
        return usage("mkdir", "[-p] DIRECTORY...");
    }
    let make = if options.has('p') { make_all } else { make_one };
    each("mkdir", &options.operands, make)
}

fn make_one(path: &str) -> Result<()> {
    file::make_directory(path, 0o777)
}

fn make_all(path: &str) -> Result<()> {
    let above = path.match_indices('/').map(|(index, _)| &path[..index]);
    for part in above.filter(|part| !part.is_empty()).chain([path]) {
        match make_one(part) {
            Err(Errno::EEXIST) if file::is_directory(part) => {}
            result => result?,
        }
    }
    Ok(())
}
