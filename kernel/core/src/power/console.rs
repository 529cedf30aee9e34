//! The freezer's lines on the console, in Linux 5.10's words.
//!
//! Read next: nothing; this is a leaf.

use core::fmt::{Display, Formatter, Result};

use crate::freezer::{LogEvent, Outcome, Phase, Record};

/// A line of the kernel log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line(pub LogEvent);

impl Line {
    /// Whether the line reports an error.
    pub fn is_error(&self) -> bool {
        match self.0 {
            LogEvent::Phase(record) => record.outcome != Outcome::Frozen,
            LogEvent::NotTheFreezer | LogEvent::WorkqueuesFrozenTwice => true,
            _ => false,
        }
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.0 {
            LogEvent::Phase(record) => phase(record, f),
            LogEvent::OomDisabled => f.write_str("OOM killer disabled."),
            LogEvent::OomEnabled => f.write_str("OOM killer enabled."),
            LogEvent::TasksRestarted => {
                f.write_str("Restarting tasks ... done.")
            }
            LogEvent::KthreadsRestarted => {
                f.write_str("Restarting kernel threads ... done.")
            }
            LogEvent::WorkqueuesFrozenTwice => {
                f.write_str("freeze_workqueues_begin: frozen already")
            }
            LogEvent::NotTheFreezer => {
                f.write_str("thaw_processes: called by another task")
            }
        }
    }
}

fn phase(record: &Record, f: &mut Formatter<'_>) -> Result {
    let elapsed = Seconds(record.elapsed_ns);
    let how = match record.outcome {
        Outcome::Frozen => {
            let what = match record.phase {
                Phase::User => "user space processes",
                Phase::Kernel => "remaining freezable tasks",
            };
            return write!(
                f,
                "Freezing {what} ... (elapsed {elapsed} seconds) done."
            );
        }
        Outcome::TimedOut => "failed",
        Outcome::Aborted => "aborted",
    };
    write!(
        f,
        "Freezing of tasks {how} after {elapsed} seconds \
         ({} tasks refusing to freeze, wq_busy={}):",
        record.refusing,
        u32::from(record.busy_works != 0)
    )
}

/// Nanoseconds, shown as seconds with three places, cut off.
pub struct Seconds(pub u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let ms = self.0 / 1_000_000;
        write!(f, "{}.{:03}", ms / 1000, ms % 1000)
    }
}
