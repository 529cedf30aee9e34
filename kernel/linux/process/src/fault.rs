//! What user mode may not do: faults become pages, or signals.

use kernel_abi::signal::{
    BUS_ADRALN, BUS_ADRERR, FPE_INTDIV, ILL_ILLOPC, SEGV_ACCERR, SEGV_MAPERR,
    SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, SigInfo, TRAP_BRKPT,
};

use core::sync::atomic::Ordering::Relaxed;

use kernel_core::cpu_feature::Read;

use super::ptrace::event;
use super::signal::send;
use super::{CurrentThread, current, oom, thread_of};
use kernel_machine::arch::thread::work;
use kernel_machine::arch::trap::{
    ExceptionKind, Fault, TrapFrame, UserException,
};
use kernel_machine::arch::{cpu, step};
use kernel_machine::mm::{FaultError, user};
use kernel_task as task;
use kernel_task::stretch::{self, Place};

/// User mode touched memory that is not there, or not so. Interrupts on.
pub fn user_fault(_frame: &mut TrapFrame, fault: &Fault) {
    stretch::begin(Place::FAULT);
    let thread = current();
    match resolve(&thread, fault) {
        Ok(()) => {}
        // Whatever comes of it: memory is back, and the instruction faults
        // again, or the task is about to end.
        Err(FaultError::OutOfMemory) => {
            step::end();
            let _ = oom::out_of_memory();
        }
        Err(error) => raise(fault.address, error),
    }
    stretch::end();
}

fn resolve(thread: &CurrentThread, fault: &Fault) -> Result<(), FaultError> {
    let faults = &thread.faults;
    faults.store(faults.load(Relaxed) + 1, Relaxed);
    let space = thread.space().map_err(|_| FaultError::Unmapped)?;
    space.fault(fault)
}

fn raise(address: usize, error: FaultError) {
    let (signal, code) = match error {
        FaultError::Denied => (SIGSEGV, SEGV_ACCERR),
        FaultError::PastEnd => (SIGBUS, BUS_ADRERR),
        _ => (SIGSEGV, SEGV_MAPERR),
    };
    send::force_current(&SigInfo::fault(signal, code, address as u64));
}

/// A copy from or to user memory faulted. True if the address is mapped now;
/// false ends the copy with `EFAULT`.
pub fn kernel_fault(fault: &Fault) -> bool {
    if thread_of(&task::current()).is_none() {
        return false;
    }
    let thread = current();
    loop {
        match resolve(&thread, fault) {
            Ok(()) => return true,
            Err(FaultError::OutOfMemory) => {}
            Err(_) => return false,
        }
        if oom::out_of_memory_in_call().is_err() {
            return false;
        }
    }
}

/// Answers a read of an identification register, which traps. False if the
/// instruction is another one, or the register is none of those.
fn answer_read(frame: &mut TrapFrame) -> bool {
    const INSTRUCTION: u64 = 4;
    let instruction = user::load_word(frame.pc as usize);
    let read = instruction.ok().and_then(Read::decode);
    let answer = read.and_then(|read| {
        let value = cpu::all_have().answer(read, cpu::model())?;
        Some((read.target, value))
    });
    let Some((target, value)) = answer else { return false };
    // Register 31 is the one that is always zero.
    if let Some(register) = frame.x.get_mut(target) {
        *register = value;
    }
    frame.pc += INSTRUCTION;
    let thread = current();
    if thread.task().pending_work() & work::STEP != 0 {
        event::stepped(&thread, frame);
    }
    true
}

/// User mode did something else that it may not. Interrupts on.
pub fn user_exception(frame: &mut TrapFrame, exception: UserException) {
    if exception.kind == ExceptionKind::Undefined && answer_read(frame) {
        return;
    }
    let (signal, code) = match exception.kind {
        ExceptionKind::Step => return event::stepped(&current(), frame),
        ExceptionKind::Breakpoint => (SIGTRAP, TRAP_BRKPT),
        ExceptionKind::Alignment => (SIGBUS, BUS_ADRALN),
        ExceptionKind::FloatingPoint => (SIGFPE, FPE_INTDIV),
        ExceptionKind::Bus => (SIGBUS, BUS_ADRERR),
        ExceptionKind::Undefined => (SIGILL, ILL_ILLOPC),
    };
    let address = match exception.kind {
        ExceptionKind::Alignment => exception.address as u64,
        _ => frame.pc,
    };
    send::force_current(&SigInfo::fault(signal, code, address));
}
