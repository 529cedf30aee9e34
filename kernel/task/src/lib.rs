//! Tasks: what CPUs run.
//!
//! A [`Task`] is what Linux calls a thread: a kernel stack, a place in the
//! scheduler, a state, the freezer's flags. What it runs for (a process, a
//! kernel thread's closure) belongs to layers above and hangs on
//! [`Task::owner`]. Read `task.rs` first, then `scheduler.rs` (who runs),
//! `wake.rs` (how a sleeper becomes runnable), `wait.rs` (how to sleep),
//! `kthread.rs`, `birth.rs` for how tasks are made, and `freezer.rs`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod account;
pub mod alarm;
mod balance;
mod birth;
pub mod clock;
mod current;
pub mod freezer;
pub mod host;
pub mod hotplug;
mod id;
mod kick;
pub mod kthread;
pub mod mutex;
mod name;
mod place;
pub mod poll;
pub mod queue;
pub mod refrigerator;
mod room;
pub mod scheduler;
pub mod selftest;
pub mod sleep;
pub mod stretch;
pub mod table;
mod task;
pub mod tick;
pub mod timer;
pub mod wait;
pub mod wake;
pub mod workqueue;

pub use birth::{NewTask, Numbered};
pub use clock::Deadline;
pub use current::{Current, current};
pub use id::TaskId;
pub use kernel_core::task_state as state;
pub use kick::request_reschedule;
pub use mutex::Mutex;
pub use name::{NAME_LENGTH, Name};
pub use poll::PollTable;
pub use sleep::{Interrupted, WaitError};
pub use task::{Kind, Task};
pub use wait::WaitQueue;
