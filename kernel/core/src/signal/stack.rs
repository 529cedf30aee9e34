//! The alternative signal stack (`sigaltstack`).

use kernel_abi::Errno;
use kernel_abi::signal::{
    MINSIGSTKSZ, SA_ONSTACK, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, SigStack,
};

use super::state::{SignalState, ThreadKey};

/// Whether `sp` lies on `stack`. A stack that disarms itself is never in use.
fn is_on(stack: &SigStack, sp: u64) -> bool {
    stack.flags & SS_AUTODISARM == 0
        && sp > stack.base
        && sp - stack.base <= stack.size
}

/// The stack with the flags as `sigaltstack` and frames report them.
fn report(stack: &SigStack, sp: u64) -> SigStack {
    let state = if stack.size == 0 {
        SS_DISABLE
    } else if is_on(stack, sp) {
        SS_ONSTACK
    } else {
        0
    };
    let flags = state | stack.flags & SS_AUTODISARM;
    SigStack::new(stack.base, flags, stack.size)
}

impl SignalState {
    /// The alternative stack as a program at `sp` sees it.
    #[inline(always)]
    pub fn alternative_stack(&self, key: ThreadKey, sp: u64) -> SigStack {
        report(&self.thread(key).alternative, sp)
    }

    /// `sigaltstack`, and `rt_sigreturn` with the frame's stack (which
    /// ignores errors).
    ///
    /// # Errors
    /// `EPERM` while running on the old one, `EINVAL` for unknown flags,
    /// `ENOMEM` for a stack that is too small.
    #[inline(always)]
    pub fn set_alternative_stack(
        &mut self,
        key: ThreadKey,
        sp: u64,
        new: &SigStack,
    ) -> Result<(), Errno> {
        let thread = self.thread_mut(key);
        if is_on(&thread.alternative, sp) {
            return Err(Errno::EPERM);
        }
        match new.flags & !SS_AUTODISARM {
            SS_DISABLE => {
                let flags = new.flags;
                thread.alternative = SigStack::new(0, flags, 0);
            }
            0 | SS_ONSTACK if new.size < MINSIGSTKSZ => {
                return Err(Errno::ENOMEM);
            }
            0 | SS_ONSTACK => thread.alternative = *new,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// The top of the stack for a handler with these `SA_*` flags, in a
    /// thread that was interrupted at `sp`.
    pub fn stack_top(&self, key: ThreadKey, sp: u64, flags: u64) -> u64 {
        let stack = &self.thread(key).alternative;
        let wanted = flags & SA_ONSTACK != 0 && stack.size != 0;
        if wanted && !is_on(stack, sp) {
            stack.base.saturating_add(stack.size)
        } else {
            sp
        }
    }
}
