//! How a new thread begins.

use alloc::boxed::Box;

use kernel_machine::arch::trap::TrapFrame;

/// What a thread does first, on its own stack.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are registers, which so need no allocation"
)]
pub(super) enum FirstStep {
    /// It goes to user mode with these registers, after writing its number to
    /// this address (0: nowhere).
    Registers(TrapFrame, usize),
    /// It becomes a program.
    Program(Box<BecomeProgram>),
}

/// Loads a program. The registers with which it starts; or the wait status
/// with which the thread ends, because there is no program.
pub(super) type BecomeProgram = dyn FnOnce() -> Result<TrapFrame, u32> + Send;
