//! The atomics of the lock-free protocols, real or under loom's control.
//!
//! Every protocol in this crate takes its atomics from here. An ordinary
//! build gets `core`'s; a build with `--cfg loom` gets loom's, which try every
//! order in which threads can interleave and every stale value that the
//! memory model lets a relaxed load return. This is the one place that knows
//! which of the two it is; elsewhere `cfg(loom)` only picks test modules.
//!
//! Read next: `freezer.rs`.

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
#[cfg(loom)]
pub use loom::sync::atomic::{Ordering, fence};

#[cfg(not(loom))]
pub use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
#[cfg(not(loom))]
pub use core::sync::atomic::{Ordering, fence};

/// How many freezer groups there can be, the root group included. A model
/// needs two, and each costs it time.
#[cfg(not(loom))]
pub const GROUP_SLOTS: usize = 2048;
/// How many freezer groups a model has.
#[cfg(loom)]
pub const GROUP_SLOTS: usize = 2;

/// A constructor that is `const`, so that a `static` can hold the value;
/// loom's atomics can only be made at run time, inside a model.
#[cfg(not(loom))]
macro_rules! const_new {
    ($(#[$meta:meta])* $visible:vis fn new() -> Self $body:block) => {
        $(#[$meta])* $visible const fn new() -> Self $body
    };
}
#[cfg(loom)]
macro_rules! const_new {
    ($(#[$meta:meta])* $visible:vis fn new() -> Self $body:block) => {
        $(#[$meta])* $visible fn new() -> Self $body
    };
}

/// An array of values, each made by the expression anew.
#[cfg(not(loom))]
macro_rules! array_of {
    ($count:expr, $make:expr) => {
        [const { $make }; $count]
    };
}
#[cfg(loom)]
macro_rules! array_of {
    ($count:expr, $make:expr) => {
        core::array::from_fn::<_, { $count }, _>(|_| $make)
    };
}

pub(crate) use {array_of, const_new};
