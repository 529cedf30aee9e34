//! System V IPC and POSIX message queues (sysvipc(7), mq_overview(7)).
//!
//! The rules are in `kernel_core::ipc`; here they meet locks, sleep, memory and
//! files. Objects of one kind stand in a [`Registry`](registry::Registry);
//! each has a lock of its own, which is taken under the registry's or alone.
//! Who waits sleeps in a queue of its own and is woken for what it can use; it
//! freezes in place, and what it was woken for goes to the next then
//! (SPECIFICATION.md X8).
//!
//! ```text
//!  caller.rs     who asks
//!  registry.rs   objects by key and identifier
//!  room.rs       room in memory, buffers, and the time
//!  bell.rs       where a waiter sleeps
//!  semaphore.rs  sets of semaphores, undone at exit (undo.rs)
//!  message.rs    message queues
//!  segment.rs    shared memory
//!  posix.rs      POSIX message queues, and the file system that shows them
//!  setting.rs    limits, and sysctl.rs, their files
//!  report.rs     `/proc/sysvipc`
//! ```
//!
//! Kernel memory that programs make it keep is bounded by Linux's limits, and
//! refused to ordinary users while memory is low (`room.rs`).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use kernel_abi::Errno;

mod bell;
mod caller;
pub mod message;
pub mod posix;
mod registry;
mod report;
pub mod room;
pub mod segment;
pub mod semaphore;
mod setting;
mod sysctl;
mod undo;

/// Makes the files in `/proc`, and lets `mqueue` be mounted.
///
/// # Errors
/// `EEXIST` if called twice.
pub fn init() -> Result<(), Errno> {
    sysctl::register_all()?;
    report::register_all()?;
    posix::init();
    Ok(())
}
