//! Programs about files and directories.

pub mod chmod;
pub mod cp;
pub mod ln;
pub mod ls;
pub mod mkdir;
pub mod mv;
pub mod pwd;
pub mod rm;
pub mod rmdir;
pub mod touch;

use alloc::format;
use alloc::string::String;

/// A name within a directory.
pub fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

/// Where `from` goes when it is put at `to`, which may be a directory.
pub fn destination(from: &str, to: &str) -> String {
    if !user_lib::file::is_directory(to) {
        return String::from(to);
    }
    let name = from.trim_end_matches('/').rsplit('/').next().unwrap_or(from);
    join(to, name)
}
