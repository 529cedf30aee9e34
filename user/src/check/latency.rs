//! No system call makes a freeze or a `SIGKILL` wait for longer than a
//! millisecond, whatever it is asked to do.
//!
//! The checked kernel measures the longest stretches between two points where
//! a task could freeze.

use alloc::vec;

use user_lib::file;
use user_lib::linux::O_RDONLY;

use super::tool::{Outcome, ensure, tests};

tests! {
    the_longest_stretches_are_measured: STRETCHES
}

/// The longest stretches, a line for each: nanoseconds, and where.
const STRETCHES: &str = "/sys/power/longest_stretches";

/// A call of known length is among them.
fn the_longest_stretches_are_measured() -> Outcome {
    const BYTES_PER_NS: u64 = 64;
    file::overwrite(STRETCHES, b"0")?;
    let mut buffer = vec![1; 48 << 10];
    let zeros = file::open("/dev/zero", O_RDONLY, 0)?;
    file::read(zeros, &mut buffer)?;
    file::close(zeros)?;
    let text = file::text(STRETCHES)?;
    let reads = text.lines().find_map(|line| line.strip_suffix(" call 63"));
    let ns: u64 = reads.and_then(|ns| ns.parse().ok()).unwrap_or(0);
    ensure!(ns >= buffer.len() as u64 / BYTES_PER_NS);
    let shown = text.lines().count();
    ensure!((2..=10).contains(&shown));
    Ok(())
}
