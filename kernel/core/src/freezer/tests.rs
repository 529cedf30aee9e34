//! Every rule of SPECIFICATION.md that this code keeps by itself, on the host.
//!
//! Read next: `tests/fake.rs`, the machine they run on.

mod fake;
mod flags;
mod gate;
mod group;
mod refrigerator;
mod rollback;
mod sweep;
mod transition;
