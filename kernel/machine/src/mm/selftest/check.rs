//! What the tests have in common.

use crate::mm::frame;

/// What a test found: nothing wrong, or what.
pub type Outcome = Result<(), &'static str>;

/// Fails with `what` unless `is_true`.
pub fn ensure(is_true: bool, what: &'static str) -> Outcome {
    if is_true { Ok(()) } else { Err(what) }
}

/// Runs `test` twice. The first run may make the heap and caches grow; the
/// second must leave as many free frames as it found.
pub fn without_leak(test: fn() -> Outcome) -> Outcome {
    test()?;
    let before = frame::stats().free;
    test()?;
    ensure(frame::stats().free == before, "frames were lost or gained")
}
