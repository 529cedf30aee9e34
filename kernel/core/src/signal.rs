//! Linux signal semantics as pure state.
//!
//! One [`SignalState`] per process holds what all its threads share and what
//! each has of its own, guarded by one lock (Linux's `siglock`). Sending,
//! taking and stopping change the state and return what the kernel has to do:
//! whom to wake, what to deliver, which parent to tell. Freezing is not in
//! here, on purpose: no signal, mask, handler or wait status ever shows it
//! (SPECIFICATION.md U1, G7); the fake signal is a flag of the task, next to
//! the one that [`SignalState::needs_attention`] decides.
//!
//! Read in this order: [`set`], [`action`], [`pending`], [`state`], then
//! `send.rs` (a signal arrives), `deliver.rs` (a thread takes it), `stop.rs`
//! (group stop and continue; its data in `group_stop.rs`), `trace.rs` (stops for
//! a tracer; their data in `trace_stop.rs`), [`restart`] (the interrupted system
//! call).

pub mod action;
mod deliver;
mod group_stop;
pub mod job_control;
pub mod pending;
pub mod restart;
mod send;
pub mod set;
pub mod stack;
pub mod state;
pub mod status;
mod stop;
mod trace;
mod trace_stop;

#[cfg(test)]
mod tests;

pub use action::{Actions, DefaultAction};
pub use deliver::{Delivery, Handler};
pub use group_stop::Notice;
pub use pending::Room;
pub use restart::{Outcome, Restart};
pub use send::{Everybody, Sent, Target};
pub use set::SignalSet;
pub use state::{SignalState, ThreadKey};
pub use trace::{Begun, Decision, Reason};
pub use trace_stop::{Cause, Resume, Style, TraceStop};
