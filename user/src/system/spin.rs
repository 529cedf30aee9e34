//! `spin`: burns time in user mode, without any system call.

use alloc::string::String;
use core::hint::black_box;

use user_lib::cpu;

use crate::system::sleep::duration;
use user_lib::option::usage;

/// Rounds between two looks at the counter.
const ROUNDS: u64 = 1024;

/// Runs `spin`: for the time given or for ever, with `--yield` hinting to
/// the CPU that it waits.
pub fn main(arguments: &[String]) -> i32 {
    let is_hint = |word: &&String| word.as_str() == "--yield";
    let hints = arguments[1..].iter().any(|word| is_hint(&word));
    let mut words = arguments[1..].iter().filter(|word| !is_hint(word));
    let ticks = match words.next() {
        None => u64::MAX,
        Some(word) => match duration(word) {
            Some(nanos) => ticks(nanos as u64),
            None => return usage("spin", "[--yield] [SECONDS]"),
        },
    };
    let start = cpu::counter();
    while cpu::counter().wrapping_sub(start) < ticks {
        burn(hints);
    }
    0
}

fn ticks(nanos: u64) -> u64 {
    let frequency = u128::from(cpu::counter_frequency());
    (u128::from(nanos) * frequency / 1_000_000_000) as u64
}

fn burn(hints: bool) {
    for round in 0..ROUNDS {
        black_box(round);
        if hints {
            cpu::relax();
        }
    }
}
