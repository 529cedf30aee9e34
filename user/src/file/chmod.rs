//! `chmod`: sets permission bits, given as an octal number.

use alloc::string::String;

use user_lib::file;

use user_lib::option::{Options, each, usage};

/// Runs `chmod`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let Some((mode, files)) = options.operands.split_first() else {
        return usage("chmod", "MODE FILE...");
    };
    match u32::from_str_radix(mode, 8) {
        Ok(mode) => each("chmod", files, |path| file::change_mode(path, mode)),
        Err(_) => usage("chmod", "OCTAL-MODE FILE..."),
    }
}
