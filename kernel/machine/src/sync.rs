//! Locks.
//!
//! Spin locks exclude other CPUs and never sleep. Two kinds, told apart by
//! who else may take them. [`SpinLock`] guards what only system calls and
//! kernel threads touch; interrupts stay as they are. [`IrqSpinLock`] guards
//! what interrupt handlers touch too; it masks interrupts while held, or the
//! handler would wait for the code it interrupted. Both spin with `yield`,
//! both check the order of acquisition in checked builds (see [`rank`]).
//!
//! [`Attachment`] and [`Hook`] are set once and read without a lock.
//!
//! [`Making`] is no lock: it says where none may be held.
//!
//! [`SleepLock`] is for sections that sleep or copy user memory; the task
//! layer makes it a `Mutex`.

mod attachment;
mod hook;
pub mod rank;
mod sleep_lock;
mod spin;
mod text;

pub use attachment::Attachment;
pub use hook::Hook;
pub use rank::Rank;
pub use sleep_lock::{Block, BlockKillable, SleepGuard, SleepLock};
pub use spin::{IrqSpinLock, IrqSpinLockGuard, SpinLock, SpinLockGuard};
pub(crate) use text::debug_check_allocation;
pub use text::{Making, copy_out};
