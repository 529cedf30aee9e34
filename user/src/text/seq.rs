//! `seq`: prints whole numbers.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::println;

use user_lib::option::usage;

/// Runs `seq`.
pub fn main(arguments: &[String]) -> i32 {
    let numbers: Result<Vec<i64>, _> =
        arguments[1..].iter().map(|word| word.parse()).collect();
    let (first, step, last) = match numbers.as_deref() {
        Ok([last]) => (1, 1, *last),
        Ok([first, last]) => (*first, 1, *last),
        Ok([first, step, last]) if *step != 0 => (*first, *step, *last),
        _ => return usage("seq", "[FIRST [STEP]] LAST"),
    };
    let mut number = first;
    while if step > 0 { number <= last } else { number >= last } {
        println!("{number}");
        number += step;
    }
    0
}
