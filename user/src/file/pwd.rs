//! `pwd`: prints the working directory.

use alloc::string::String;

use user_lib::{directory, println};

use user_lib::option::fail;

/// Runs `pwd`.
pub fn main(_: &[String]) -> i32 {
    match directory::current() {
        Ok(path) => println!("{path}"),
        Err(error) => return fail("pwd", ".", error),
    }
    0
}
