//! Signals: the machine half of `kernel_core::signal`.
//!
//! The rules (what is pending, blocked, ignored, who stops) are one value,
//! [`SignalState`](kernel_core::signal::SignalState), which changes under the
//! process's signal lock and says what is to be done. Here that is done: tasks
//! are flagged, woken or kicked, parents told, frames built on user stacks.
//!
//! ```text
//!  state.rs    what the signal lock guards
//!  act.rs      tasks are flagged and woken as the state says
//!  send.rs     a signal arrives
//!  deliver.rs  the task, on its way to user mode, takes it
//!  stop.rs     the process stops and goes on
//!  frame.rs    a handler is called, and returns
//!  restart.rs  what becomes of the interrupted system call
//!  notify.rs   a parent is told
//! ```
//!
//! The flag is a bit of the task's work word. The freezer's fake signal is
//! another bit, so nothing here can lose or see it (SPECIFICATION.md U1, U5).

pub(crate) mod act;
pub mod deliver;
mod frame;
pub mod mask;
pub mod notify;
pub mod restart;
pub mod send;
mod state;
mod stop;
pub mod watch;

pub use frame::sigreturn;
pub use state::{Member, Signals};
