//! One instruction of user mode at a time.
//!
//! With `MDSCR_EL1.SS` and the flag SS of the state that `eret` loads, user
//! mode executes one instruction and traps (Arm ARM D2.12). The register
//! belongs to the CPU, so it is set only while the task that steps is in user
//! mode: [`begin`] is the last act on its way there, and [`end`] stands before
//! everything on the way back that could let another task run:
//!
//! | back by | [`end`] in |
//! |---|---|
//! | `svc` | the handler of traced tasks |
//! | a page fault that waits for memory | `fault.rs` of processes |
//! | all else: nothing sleeps before the work flags | `trap.rs`, `user_work` |
//!
//! A tracer that ends takes the flag of the task that steps away, on another
//! CPU: then none of these knows that there is something to end. Whoever traps
//! without having been asked to step ends it (`ptrace/event.rs`, `stepped`).

use aarch64_cpu::registers::{MDSCR_EL1, OSLAR_EL1, Writeable};

use super::trap::TrapFrame;

/// The software step flag of a saved state.
pub const STEP_FLAG: u64 = 1 << 21;

/// `MDSCR_EL1.SS`; nothing else in that register is used.
const SOFTWARE_STEP: u64 = 1;

/// User mode, which is entered next, executes one instruction. Interrupts
/// are masked.
pub(super) fn begin(frame: &mut TrapFrame) {
    // Debug exceptions stay off as long as the lock is on, as after a reset.
    OSLAR_EL1.write(OSLAR_EL1::OSLK::Unlocked);
    MDSCR_EL1.set(SOFTWARE_STEP);
    frame.pstate |= STEP_FLAG;
}

/// User mode was left. The call is harmless if nothing stepped.
#[inline]
pub fn end() {
    MDSCR_EL1.set(0);
}
