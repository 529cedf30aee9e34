//! States of a task, Linux's `TASK_*`: running (or ready to), asleep in one of
//! several depths, or dead. They are bits, so that a wake-up can name several.
//!
//! Read next: `wake.rs`, how a task changes its state.

pub use crate::wake::{RUNNING, WAKING};

/// Asleep until an event or a signal.
pub const INTERRUPTIBLE: u32 = 1 << 0;
/// Asleep until the event, whatever signals come.
pub const UNINTERRUPTIBLE: u32 = 1 << 1;
/// Stopped by a stop signal.
pub const STOPPED: u32 = 1 << 2;
/// Stopped for a tracer.
pub const TRACED: u32 = 1 << 3;
/// A kernel thread parked by `kthread_park`.
pub const PARKED: u32 = 1 << 4;
/// Ended; waits to be reaped or is gone.
pub const DEAD: u32 = 1 << 5;
/// With [`UNINTERRUPTIBLE`]: a fatal signal wakes nevertheless.
pub const WAKEKILL: u32 = 1 << 7;
/// Asleep until the event or a fatal signal.
pub const KILLABLE: u32 = UNINTERRUPTIBLE | WAKEKILL;
/// What an ordinary wake-up wakes.
pub const NORMAL: u32 = INTERRUPTIBLE | UNINTERRUPTIBLE;
