//! What is undone when a thread ends, or the last of those that share it
//! (`CLONE_SYSVSEM`): its operations on semaphores.
//!
//! What that is, a layer above knows. It keeps something here, and undoes by
//! dropping it, in the thread that ends.

use alloc::boxed::Box;
use core::any::Any;

/// What one or several threads have to undo.
#[derive(Default)]
pub struct Undo {
    kept: spin::Once<Box<dyn Any + Send + Sync>>,
}

impl Undo {
    /// What is kept; made by `make` if there is nothing yet. `None` if it is
    /// something else.
    pub fn get<T: Any + Send + Sync>(
        &self,
        make: impl FnOnce() -> T,
    ) -> Option<&T> {
        self.kept.call_once(|| Box::new(make())).downcast_ref()
    }
}
