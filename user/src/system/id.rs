//! `id`: prints the user this process runs as.

use alloc::string::String;

use user_lib::{println, process};

/// Runs `id`; there are no names but root's.
pub fn main(_: &[String]) -> i32 {
    let user = process::user_id();
    println!("uid={user}{}", if user == 0 { "(root)" } else { "" });
    0
}
