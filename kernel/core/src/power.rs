//! What the files of `/sys/power` say and take, apart from any hardware: the
//! words of a suspend, the events that call it off, its figures, and the
//! lines that the freezer prints on the console.
//!
//! Read next: `power/word.rs`, then `power/wakeup.rs`, `power/stats.rs` and
//! `power/console.rs`.

pub mod console;
pub mod stats;
#[cfg(all(test, not(loom)))]
mod tests;
pub mod wakeup;
mod word;

pub use word::{
    Choice, MemSleep, SleepState, TestLevel, Word, parse, parse_count,
    parse_timeout_ms,
};
