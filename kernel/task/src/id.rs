//! The number of a task.
//!
//! Next to read: `table.rs`, which gives numbers and finds tasks by them.

/// A task's number, Linux's thread id. Positive; 0 is the idle tasks'.
pub type TaskId = u32;

/// A task's number, given back to the table when dropped.
pub struct Id(pub(super) TaskId);

impl Id {
    /// The number.
    #[inline]
    pub fn get(&self) -> TaskId {
        self.0
    }
}
