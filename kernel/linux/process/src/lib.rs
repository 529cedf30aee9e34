//! Processes: tasks that run programs.
//!
//! A [`Process`] is what its threads share and what others see by its number
//! (Linux's thread group); a [`Thread`] is what each of its tasks has of its
//! own, and hangs on [`Task::owner`](kernel_task::Task::owner). Memory, files
//! and directories are shared by counting references, so every mixture that
//! `clone` can ask for is the same code.
//!
//! ```text
//!   Task -- owner --> Thread -- process --> Process <-- node -- tree
//!    |                  |                     |
//!   space             files, fs             signals (handlers, threads)
//! ```
//!
//! Both are data (`process.rs`, `thread.rs`), below everything that acts on
//! them. In the order of a life: `creation.rs`, `start.rs` and `fork.rs`
//! (begin), `exec.rs` (become a program), `signal.rs` (be told), `ptrace.rs`
//! (be watched), `fault.rs`, `exit.rs`, `reaping.rs` (end), `wait.rs` (be missed).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use kernel_abi::Errno;

pub mod access;
mod accounting;
pub mod authority;
pub mod clock;
mod creation;
pub mod credentials;
mod end;
pub mod exec;
pub mod exit;
pub mod fault;
mod first_step;
pub mod fork;
pub mod futex;
pub mod group;
pub mod handlers;
pub mod helper;
pub mod image;
pub mod kcmp;
pub mod limits;
mod load;
pub mod lookup;
pub mod oom;
pub mod personality;
pub mod pidfd;
pub mod prctl;
mod process;
pub mod ptrace;
mod reaping;
pub mod signal;
mod sigreturn_page;
pub mod start;
pub mod terminal;
mod thread;
pub mod timer;
pub mod tree;
pub mod undo;
pub mod usage;
mod user;
pub mod user_limit;
pub mod wait;

pub use accounting::thread_usage;
pub use lookup::{find_process, find_task};
pub use process::{Process, ProcessId};
pub use thread::{
    CurrentThread, NO_IO_PRIORITY, Thread, current, current_files, number_of,
    thread_of,
};
pub use user_limit::{LockedBytes, MessageBytes};

/// Makes room for futexes and starts this layer's kernel threads.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn init() -> Result<(), Errno> {
    futex::init();
    oom::init()?;
    kernel_task::alarm::init()
}
