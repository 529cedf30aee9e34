//! `sync`: writes back what file systems hold.

use alloc::string::String;

use user_lib::system;

/// Runs `sync`.
pub fn main(_: &[String]) -> i32 {
    system::synchronize();
    0
}
