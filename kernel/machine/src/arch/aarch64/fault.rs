//! What an exception was: the syndrome register, read once and sorted.
//!
//! Arm ARM D17.2.37 (`ESR_EL1`).

use core::arch::asm;

/// What was done to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A load.
    Read,
    /// A store.
    Write,
    /// An instruction fetch.
    Execute,
}

/// An access that the page tables refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The address; for user addresses without the tag in its top byte.
    pub address: usize,
    /// What was tried.
    pub access: Access,
    /// The page is mapped, but not for this; else it is not mapped.
    pub is_permission: bool,
}

/// Kinds of exceptions that are neither system call nor memory fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionKind {
    /// An instruction that does not exist or is not allowed.
    Undefined,
    /// `brk`, or a debug exception.
    Breakpoint,
    /// One instruction was executed, as a tracer asked.
    Step,
    /// A misaligned address, program counter or stack pointer.
    Alignment,
    /// A floating-point exception that was asked for.
    FloatingPoint,
    /// The bus refused an access: no memory there, or broken memory.
    Bus,
}

/// An exception of user mode that ends in a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserException {
    /// What it was.
    pub kind: ExceptionKind,
    /// The syndrome register, for signal frames.
    pub esr: u64,
    /// The address it is about, if any.
    pub address: usize,
}

/// The two ways an exception can go.
pub enum Cause {
    /// To the memory manager.
    Memory(Fault),
    /// To a signal, or a panic.
    Other(UserException),
}

const FETCH_ABORT_USER: u64 = 0x20;
const FETCH_ABORT_KERNEL: u64 = 0x21;
const PC_ALIGNMENT: u64 = 0x22;
const DATA_ABORT_USER: u64 = 0x24;
const DATA_ABORT_KERNEL: u64 = 0x25;
const SP_ALIGNMENT: u64 = 0x26;
const FLOATING_POINT: u64 = 0x2c;
const ASYNCHRONOUS: u64 = 0x2f;
const DEBUG_FIRST: u64 = 0x30;
const STEP: u64 = 0x32;
const BREAK: u64 = 0x3c;
const WRITE: u64 = 1 << 6;
/// A cache maintenance instruction: counts as a read, whatever bit 6 says.
const CACHE: u64 = 1 << 8;

/// `ESR_EL1`.
#[inline(always)]
pub fn syndrome() -> u64 {
    let value;
    // SAFETY: reads a register without side effects.
    unsafe {
        asm!("mrs {}, esr_el1", out(reg) value,
            options(nomem, nostack, preserves_flags));
    }
    value
}

/// `FAR_EL1`.
#[inline(always)]
pub fn address() -> u64 {
    let value;
    // SAFETY: reads a register without side effects.
    unsafe {
        asm!("mrs {}, far_el1", out(reg) value,
            options(nomem, nostack, preserves_flags));
    }
    value
}

#[inline(always)]
fn class(syndrome: u64) -> u64 {
    syndrome >> 26 & 0x3f
}

/// Sorts an exception by its syndrome and fault address.
pub fn cause(syndrome: u64, address: u64) -> Cause {
    use ExceptionKind::{
        Alignment, Breakpoint, Bus, FloatingPoint, Step, Undefined,
    };
    let kind = match class(syndrome) {
        FETCH_ABORT_USER | FETCH_ABORT_KERNEL => {
            return abort(syndrome, address, Access::Execute);
        }
        DATA_ABORT_USER | DATA_ABORT_KERNEL => {
            let access = match syndrome & (WRITE | CACHE) {
                WRITE => Access::Write,
                _ => Access::Read,
            };
            return abort(syndrome, address, access);
        }
        PC_ALIGNMENT | SP_ALIGNMENT => Alignment,
        FLOATING_POINT => FloatingPoint,
        ASYNCHRONOUS => Bus,
        STEP => Step,
        DEBUG_FIRST..=BREAK => Breakpoint,
        _ => Undefined,
    };
    other(kind, syndrome, address)
}

fn abort(syndrome: u64, address: u64, access: Access) -> Cause {
    let is_permission = match syndrome >> 2 & 0xf {
        // After a translation or access flag fault the page counts as not mapped.
        0b0001 | 0b0010 => false,
        0b0011 => true,
        0b1000 => return other(ExceptionKind::Alignment, syndrome, address),
        _ => return other(ExceptionKind::Bus, syndrome, address),
    };
    let address = untagged(address);
    Cause::Memory(Fault { address, access, is_permission })
}

fn other(kind: ExceptionKind, esr: u64, address: u64) -> Cause {
    Cause::Other(UserException { kind, esr, address: untagged(address) })
}

/// A user address without its tag; kernel addresses have none.
fn untagged(address: u64) -> usize {
    let is_kernel = address >> 55 & 1 == 1;
    (if is_kernel { address } else { address & !(0xff << 56) }) as usize
}
