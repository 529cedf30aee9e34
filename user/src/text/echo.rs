//! `echo`: prints words.

use alloc::string::String;

use user_lib::print;

/// Runs `echo`.
pub fn main(arguments: &[String]) -> i32 {
    print!("{}", text(&arguments[1..]));
    0
}

/// What `echo` prints for these words: `-n` leaves the line open, `-e` reads
/// backslash escapes.
pub fn text(words: &[String]) -> String {
    let (mut is_open, mut has_escapes) = (false, false);
    let mut rest = words;
    while let [word, others @ ..] = rest {
        match word.as_str() {
            "-n" => is_open = true,
            "-e" => has_escapes = true,
            "-ne" | "-en" => (is_open, has_escapes) = (true, true),
            _ => break,
        }
        rest = others;
    }
    let mut line = rest.join(" ");
    if has_escapes {
        line = super::printf::unescape(&line);
    }
    if !is_open {
        line.push('\n');
    }
    line
}
