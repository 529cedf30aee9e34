//! The rules of System V IPC and of POSIX message queues: who may do what,
//! which message a receiver gets, when an operation on semaphores can be done,
//! what is undone, whose turn it is.
//!
//! Nothing here sleeps. Who must wait enters a [`Line`](line::Line), and a
//! change says by [`Wake`](line::Wake) who may try again. A waiter that is
//! woken takes what it waits for by itself: one that freezes instead steps
//! aside, and the next is woken (SPECIFICATION.md X8).
//!
//! Reading order: `permission.rs`, `identifier.rs`, `line.rs`, then
//! `semaphore.rs`, `message.rs`, `priority.rs`. The mechanism is in
//! `kernel/linux/ipc`.

pub mod identifier;
pub mod line;
pub mod message;
pub mod permission;
pub mod priority;
pub mod semaphore;
pub mod setting;

#[cfg(test)]
mod tests;
