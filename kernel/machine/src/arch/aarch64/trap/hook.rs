//! What the layers above do with exceptions.

use super::frame::TrapFrame;
use crate::arch::fault::{Fault, UserException};
use crate::sync::Hook;

/// What handles system calls; `vectors.s` calls it.
pub type SystemCall = extern "C" fn(&mut TrapFrame);

/// What the layers above do with exceptions.
pub struct Hooks {
    /// A system call. Interrupts on.
    pub syscall: SystemCall,
    /// A system call of a traced task. Interrupts on.
    pub traced_syscall: SystemCall,
    /// User mode touched memory it may not. Interrupts on.
    pub user_fault: fn(&mut TrapFrame, &Fault),
    /// User mode did something else it may not. Interrupts on.
    pub user_exception: fn(&mut TrapFrame, UserException),
    /// A user copy faulted on a user address: true if the address is mapped
    /// now, false for `EFAULT`. Interrupts as they were.
    pub kernel_fault: fn(&Fault) -> bool,
    /// Work flags are set; called until none is. Interrupts on.
    pub return_to_user: fn(&mut TrapFrame),
}

/// The functions that handle exceptions. Before they are plugged in there is no
/// user mode, and interrupts need none of them.
pub static HOOKS: Hook<Hooks> = Hook::new();

/// The hooks, on a path that only user mode can take.
#[inline(always)]
pub(in crate::arch) fn user_hooks() -> &'static Hooks {
    // SAFETY: user mode runs only after the boot CPU has plugged them in, and
    // the CPU that entered user mode has seen that.
    unsafe { HOOKS.get_plugged() }
}

/// What handles the system calls of a new task; 0 before there are hooks,
/// for tasks that make none.
#[inline]
pub(in crate::arch) fn system_call() -> usize {
    HOOKS.get().map_or(0, |hooks| hooks.syscall as *const () as usize)
}
