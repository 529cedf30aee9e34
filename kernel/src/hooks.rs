//! What lower layers call in higher ones: every hook of the kernel, plugged
//! here and nowhere else.

use kernel_call as syscall;
use kernel_machine::arch::trap;
use kernel_process::{fault, signal};

/// Plugs in every hook, on the boot CPU, before there are tasks.
pub fn plug() {
    trap::HOOKS.plug(&EXCEPTIONS);
}

/// Exceptions that came from user mode, or that it is to blame for.
static EXCEPTIONS: trap::Hooks = trap::Hooks {
    syscall: syscall::dispatch,
    traced_syscall: syscall::dispatch_traced,
    user_fault: fault::user_fault,
    user_exception: fault::user_exception,
    kernel_fault: fault::kernel_fault,
    return_to_user: signal::deliver::return_to_user,
    after_interrupt: || {},
};
