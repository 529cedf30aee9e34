//! Spin locks: mutual exclusion between CPUs that never sleeps.
//!
//! Two kinds, told apart by who else may take them. [`SpinLock`] guards what
//! only system calls and kernel threads touch; interrupts stay as they are.
//! [`IrqSpinLock`] guards what interrupt handlers touch too; it masks
//! interrupts while held, or the handler would wait for the code it
//! interrupted. Both spin with `yield`, both check the order of acquisition
//! in checked builds (see [`rank`]). Locks that sleep are in `task::mutex`.

pub mod rank;
mod spin;

pub use rank::Rank;
pub use spin::{IrqSpinLock, IrqSpinLockGuard, SpinLock, SpinLockGuard};
