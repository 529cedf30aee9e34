//! Calling a handler: the frame on the user's stack, and the way back.
//!
//! The layout is `kernel_abi::signal_frame`. A handler returns to its
//! restorer, or, without one, to the sigreturn page that every process has;
//! either calls `rt_sigreturn`, which reads the frame back. What comes back
//! is only allegation: flags that user mode may not have are refused.

use kernel_abi::Errno;
use kernel_abi::signal::{SA_RESTORER, SIGSEGV};
use kernel_abi::signal_frame::{
    self, CONTEXT_OFFSET, FPSIMD_MAGIC, FpsimdContext, SignalFrame,
};
use kernel_core::signal::{Handler, SignalSet};
use zerocopy::{FromZeros, IntoBytes};

use super::act;
use crate::{CurrentThread, current};
use kernel_machine::arch::thread::{self as machine, FpState};
use kernel_machine::arch::trap::{PROGRAM_FLAGS, TrapFrame};
use kernel_machine::mm::user::{self, UserSlice};

/// Mode and interrupt masks; all zero in user mode.
const PRIVILEGED_FLAGS: u64 = 0x3df;

/// Puts a frame for `handler` on the user's stack and lets `frame` continue
/// in the handler.
///
/// # Errors
/// `EFAULT` if the stack cannot be written; `frame` is unchanged then.
pub(super) fn build(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    handler: &Handler,
) -> Result<(), Errno> {
    let (top, stack) = {
        let signals = thread.process.signals.lock();
        let flags = handler.action.flags;
        let top = signals.state.stack_top(thread.key, frame.sp, flags);
        (top, signals.state.alternative_stack(thread.key, frame.sp))
    };
    let place = signal_frame::place(top).ok_or(Errno::EFAULT)?;
    // It is filled in place: a frame is more than a kilobyte, and copies cost.
    let mut content = SignalFrame::new_zeroed();
    content.info = handler.info;
    content.context.stack = stack;
    content.context.mask = handler.old_mask.0;
    let registers = &mut content.context.machine;
    registers.fault_address = fault_address(handler);
    registers.regs = frame.x;
    registers.sp = frame.sp;
    registers.pc = frame.pc;
    registers.pstate = frame.pstate;
    save_fp(&mut content.fpsimd);
    user::write_value(place.frame as usize, &content)?;
    let record = [frame.x[29], frame.x[30]];
    user::write_value(place.record as usize, &record)?;
    enter(thread, frame, handler, place);
    Ok(())
}

fn fault_address(handler: &Handler) -> u64 {
    let is_fault = SignalSet::SYNCHRONOUS.contains(handler.signal)
        && handler.info.code > 0;
    if is_fault { handler.info.fields[0] } else { 0 }
}

fn enter(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    handler: &Handler,
    place: signal_frame::Placement,
) {
    let action = &handler.action;
    frame.x[0] = u64::from(handler.signal);
    frame.x[1] = place.frame;
    frame.x[2] = place.frame + CONTEXT_OFFSET;
    frame.x[29] = place.record;
    frame.x[30] = if action.flags & SA_RESTORER != 0 {
        action.restorer
    } else {
        thread.process.image.lock().sigreturn_page as u64
    };
    frame.sp = place.frame;
    frame.pc = action.handler;
    frame.pstate &= PROGRAM_FLAGS;
}

fn save_fp(record: &mut FpsimdContext) {
    let mut state = FpState::zeroed();
    machine::save_fp_state(&mut state);
    record.magic = FPSIMD_MAGIC;
    record.size = size_of::<FpsimdContext>() as u32;
    record.fpsr = state.fpsr;
    record.fpcr = state.fpcr;
    record.vregs = state.vregs;
}

/// `rt_sigreturn(2)`: continues where the handler's frame says. A bad frame
/// raises `SIGSEGV`.
///
/// # Errors
/// None: the result is the restored `x0`.
pub fn sigreturn(frame: &mut TrapFrame) -> Result<usize, Errno> {
    let thread = current();
    if restore(&thread, frame).is_err() {
        let mut signals = thread.process.signals.lock();
        let sent = signals.state.frame_failed(thread.key, SIGSEGV);
        act::carry_out(&signals, &sent);
    }
    Ok(frame.x[0] as usize)
}

fn restore(thread: &CurrentThread, frame: &mut TrapFrame) -> Result<(), Errno> {
    if !frame.sp.is_multiple_of(signal_frame::FRAME_ALIGNMENT) {
        return Err(Errno::EFAULT);
    }
    let mut saved = SignalFrame::new_zeroed();
    UserSlice::new(frame.sp as usize, size_of::<SignalFrame>())?
        .read(0, saved.as_mut_bytes())?;
    let registers = &saved.context.machine;
    let is_user = registers.pstate & PRIVILEGED_FLAGS == 0;
    if !saved.fpsimd.is_valid() || !is_user {
        return Err(Errno::EFAULT);
    }
    frame.x = registers.regs;
    frame.sp = registers.sp;
    frame.pc = registers.pc;
    frame.pstate = registers.pstate & PROGRAM_FLAGS;
    restore_fp(&saved.fpsimd);
    let mut signals = thread.process.signals.lock();
    let mask = SignalSet(saved.context.mask);
    let lost = signals.state.set_blocked(thread.key, mask);
    act::retarget(&signals, lost);
    let stack = &saved.context.stack;
    // As on Linux, a bad stack in the frame is passed over.
    let _ = signals.state.set_alternative_stack(thread.key, frame.sp, stack);
    signals.recalculate(thread.key, &thread.task());
    Ok(())
}

fn restore_fp(record: &FpsimdContext) {
    let mut state = FpState::zeroed();
    state.vregs = record.vregs;
    state.fpsr = record.fpsr;
    state.fpcr = record.fpcr;
    machine::set_fp_state(&state);
}
