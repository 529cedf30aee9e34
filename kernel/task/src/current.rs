//! The task that runs on this CPU.

use alloc::sync::Arc;

use super::Task;
use kernel_machine::arch::{irq, thread};
use kernel_machine::mm::AddressSpace;

/// The running task. It must not be kept: it is the caller's own, for as long
/// as the caller runs, and cannot be sent to another.
#[derive(Clone, Copy)]
pub struct Current {
    task: &'static Task,
    not_send: core::marker::PhantomData<*const ()>,
}

impl core::ops::Deref for Current {
    type Target = Task;
    #[inline(always)]
    fn deref(&self) -> &Task {
        self.task
    }
}

impl Current {
    /// The task itself, for as long as its caller runs.
    #[inline(always)]
    pub fn as_static(&self) -> &'static Task {
        self.task
    }

    /// Gives the running task other user memory, or none, and lets this CPU
    /// use it; what it had before. The caller drops that.
    pub fn replace_space(
        &self,
        new: Option<Arc<AddressSpace>>,
    ) -> Option<Arc<AddressSpace>> {
        let flags = irq::mask();
        match &new {
            Some(space) => space.activate(),
            None => AddressSpace::deactivate(),
        }
        let old = core::mem::replace(&mut *self.task.space.lock(), new);
        irq::restore(flags);
        old
    }

    /// A counted reference to the running task.
    pub fn to_arc(self) -> Arc<Task> {
        thread::current_arc()
    }
}

/// The task that runs on this CPU.
#[inline(always)]
pub fn current() -> Current {
    Current {
        task: thread::current::<Task>(),
        not_send: core::marker::PhantomData,
    }
}
