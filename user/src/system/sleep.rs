//! `sleep`: waits.

use alloc::string::String;

use user_lib::time::{self, Time};

use user_lib::option::usage;

const NANOS: i64 = 1_000_000_000;

/// Runs `sleep`.
pub fn main(arguments: &[String]) -> i32 {
    let nanos = arguments[1..].iter().map(|word| duration(word)).sum();
    match nanos {
        Some(nanos) if arguments.len() > 1 => {
            time::sleep(Time::from_nanos(nanos));
            0
        }
        _ => usage("sleep", "SECONDS[.FRACTION][smhd]"),
    }
}

/// Nanoseconds of a word such as `2`, `0.25` or `10m`.
pub fn duration(word: &str) -> Option<i64> {
    let (number, unit) = match word.char_indices().next_back()? {
        (end, 's') => (&word[..end], 1),
        (end, 'm') => (&word[..end], 60),
        (end, 'h') => (&word[..end], 60 * 60),
        (end, 'd') => (&word[..end], 24 * 60 * 60),
        _ => (word, 1),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = 0;
    let mut place = NANOS;
    for digit in fraction.chars() {
        place /= 10;
        nanos += i64::from(digit.to_digit(10)?) * place;
    }
    let total = whole.checked_mul(NANOS)?.checked_add(nanos)?;
    total.checked_mul(unit).filter(|total| *total >= 0)
}
