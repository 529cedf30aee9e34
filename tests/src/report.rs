//! What a failed test shows: its error and the last lines of its guest.
#[cfg(test)]
mod tests;

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Result;

/// Lines of the transcript that a failure shows.
const LINES: usize = 50;

thread_local! {
    /// The end of what this thread's last guest printed. A test and its
    /// guests stay on one thread.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the end of `transcript` for this thread's report.
pub fn remember(transcript: &str) {
    LAST.with_borrow_mut(|last| *last = tail(transcript));
}

/// Runs a test. A failure or a panic becomes a report.
///
/// # Errors
/// The report.
pub fn run(test: fn() -> Result<()>) -> Result<(), String> {
    LAST.with_borrow_mut(String::clear);
    let result = catch_unwind(AssertUnwindSafe(test));
    let error = match result {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => panic_text(panic.as_ref()),
    };
    let last = LAST.with_borrow(String::clone);
    Err(format!("{error}\n--- last lines of the guest ---\n{last}"))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the test panicked").to_owned()
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
