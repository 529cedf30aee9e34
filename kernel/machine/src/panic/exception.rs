//! Exceptions of the kernel itself, which `vectors.s` hands over: a fault in a
//! user copy, a call of firmware that is not there, or the end.
//!
//! They stand above all that a panic needs, so no lower layer has to ask for
//! one. Those of user mode are in `arch/aarch64/trap.rs`.

use super::{die, no_device};
use crate::arch::fault::{self, Cause};
use crate::arch::trap::{
    Access, ExceptionKind, HOOKS, TrapFrame, UserException,
};
use crate::arch::{fixup, irq, mmu, psci};

/// An exception in the kernel: a fault in a user copy, or a bug.
#[unsafe(no_mangle)]
extern "C" fn kernel_exception_taken(frame: &mut TrapFrame) {
    let syndrome = fault::syndrome();
    let address = fault::address();
    let memory = match fault::cause(syndrome, address) {
        Cause::Memory(memory) => memory,
        Cause::Other(exception) => {
            let is_undefined = exception.kind == ExceptionKind::Undefined;
            if is_undefined && psci::is_no_call(frame) {
                log::error!("firmware does not answer: the device tree lies");
                return;
            }
            unexpected(frame, exception)
        }
    };
    let fixup = fixup::find(frame.pc as usize);
    let is_user = address >> 55 & 1 == 0;
    let (Some(fixup), true, true) =
        (fixup, is_user, memory.access != Access::Execute)
    else {
        fatal("memory fault", frame, syndrome, address);
    };
    if frame.pstate & 1 << 7 == 0 {
        irq::enable();
    }
    let is_mapped = HOOKS.get().is_some_and(|h| (h.kernel_fault)(&memory));
    irq::disable();
    if !is_mapped {
        frame.pc = fixup as u64;
    }
}

#[unsafe(no_mangle)]
extern "C" fn stack_overflowed(frame: &mut TrapFrame) -> ! {
    let (syndrome, address) = (fault::syndrome(), fault::address());
    fatal("kernel stack overflow", frame, syndrome, address)
}

#[unsafe(no_mangle)]
extern "C" fn unexpected_exception(frame: &mut TrapFrame, vector: u64) -> ! {
    const NAMES: [&str; 4] = ["exception", "IRQ", "FIQ", "SError"];
    let (syndrome, address) = (fault::syndrome(), fault::address());
    let name = NAMES[vector as usize % 4];
    fatal(name, frame, syndrome, address)
}

/// Ends the kernel over an exception that it cannot have caused rightly.
#[cold]
fn fatal(what: &str, frame: &TrapFrame, syndrome: u64, address: u64) -> ! {
    let message = format_args!(
        "{what} at {:#x} (address {address:#x}, esr {syndrome:#x})",
        frame.pc
    );
    die(frame, message)
}

/// Ends the kernel over an exception that is not a fault of memory: a bug,
/// or a device tree that tells of a device where there is none.
#[cold]
fn unexpected(frame: &TrapFrame, exception: UserException) -> ! {
    let device = match exception.kind {
        ExceptionKind::Bus => mmu::device_at(exception.address),
        _ => None,
    };
    if let Some(device) = device {
        no_device(frame, device);
    }
    let (syndrome, address) = (exception.esr, exception.address);
    fatal("unexpected exception", frame, syndrome, address as u64)
}
