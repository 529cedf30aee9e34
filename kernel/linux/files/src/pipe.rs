//! Pipes, with and without a name.
//!
//! The bytes stand in a ring (`ring.rs`) behind a sleeping lock, which is
//! held while user memory is copied. How much the ring holds is also kept in
//! an atomic, so that waiters can test it without that lock:
//!
//! | reader | writer |
//! |---|---|
//! | ring empty: unlock | lock, put bytes, publish `filled`, unlock |
//! | enter the wait queue | it was empty before: wake one reader |
//! | test `filled`: sleep or go on | |
//!
//! A reader wakes writers only if there was room for less than [`PIPE_BUF`]:
//! no writer waits while there is more. A reader that leaves bytes wakes the
//! next reader, since the writer woke only one; so does one that only looks.
//!
//! Reading order: `pipe/stream.rs` (the pipe), `end.rs` (its open ends),
//! `inode.rs` (how it is opened).

mod capacity;
mod end;
mod inode;
mod ring;
mod stream;

pub use capacity::{
    allowed_capacity, hard_limit, most, set_hard_limit, set_most,
};
pub use end::End;
pub use inode::open_pair;
pub use ring::{CAPACITY, PIPE_BUF};
pub use stream::Pipe;
