//! `clear`: clears the screen with ANSI codes.

use alloc::string::String;

use user_lib::print;

/// Runs `clear`.
pub fn main(_: &[String]) -> i32 {
    print!("\x1b[H\x1b[J");
    0
}
