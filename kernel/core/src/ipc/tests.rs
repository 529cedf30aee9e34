//! Tests of the rules.

use core::cell::Cell;
use std::rc::Rc;

use super::line::Wake;

mod identifier;
mod message;
mod permission;
mod priority;
mod semaphore;

/// Counts how often it was woken.
#[derive(Clone, Default, Debug)]
pub(super) struct Bell(Rc<Cell<u32>>);

impl Bell {
    /// How often since the last time.
    pub(super) fn take(&self) -> u32 {
        self.0.take()
    }
}

impl Wake for Bell {
    fn wake(&self) {
        self.0.set(self.0.get() + 1);
    }
}
