//! Tracing: one thread watches and changes another, by `ptrace(2)`.
//!
//! The rules (which stop follows what, what the tracer may ask when) are
//! `kernel_core::signal`'s, in `trace.rs`; they change under the process's
//! signal lock. Here they are carried out:
//!
//! ```text
//!  tracing.rs   what a thread keeps about it
//!  link.rs      who traces whom, and how it begins
//!  tell.rs      what tracers hear by signals and waits
//!  end.rs       how it ends
//!  stop.rs      a traced thread stops, shows its registers, goes on
//!  event.rs     fork, exec, exit, system calls: where it stops
//!  register.rs  the registers that it shows
//!  request.rs   what its tracer asks of it meanwhile
//! ```
//!
//! A thread that stops puts a copy of its registers where its tracer finds
//! it, and takes it back when it goes on; so a tracer never touches what a
//! CPU is about to load, and whatever it writes is checked before it counts.
//! Memory is reached through the address space. Neither wakes the thread:
//! registers and memory of one that is frozen in a trace stop can be read
//! (SPECIFICATION.md G8).

pub mod end;
pub mod event;
pub mod link;
pub mod register;
pub mod request;
pub mod stop;
pub mod tell;
mod tracing;

pub use register::Registers;
pub use tracing::{Tracer, Tracing};
