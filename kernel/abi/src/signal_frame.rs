//! What a signal handler finds on its stack, and `rt_sigreturn` reads back.
//!
//! ```text
//! higher   frame record: x29, x30 of the interrupted code   <- new x29
//!          (up to 4688 bytes)
//!          siginfo, 128 bytes                               <- x1
//!          ucontext: flags, link, stack, mask               <- x2
//!            mcontext: fault address, x0..x30, sp, pc, pstate
//!            records: FPSIMD, (ESR,) terminator
//! lower                                                     <- new sp
//! ```
//!
//! Layout from Linux's `asm/sigcontext.h` and `asm/ucontext.h`. The space for
//! records is 4096 bytes; [`SignalFrame`] is the part that is written.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::signal::{SIGINFO_SIZE, SigInfo, SigStack};

/// Bytes that a frame takes on the stack, the unwritten rest included.
pub const FRAME_SIZE: u64 = 4688;
/// The stack pointer keeps this alignment.
pub const FRAME_ALIGNMENT: u64 = 16;
/// Marks the record with the floating-point registers.
pub const FPSIMD_MAGIC: u32 = 0x4650_8001;
/// Marks the record with the syndrome of a fault.
pub const ESR_MAGIC: u32 = 0x4553_5201;

/// `struct fpsimd_context`.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FpsimdContext {
    /// [`FPSIMD_MAGIC`].
    pub magic: u32,
    /// 528.
    pub size: u32,
    /// Status.
    pub fpsr: u32,
    /// Control.
    pub fpcr: u32,
    /// V0 to V31, low half first.
    pub vregs: [[u64; 2]; 32],
}

const _: () = assert!(size_of::<FpsimdContext>() == 528);

impl FpsimdContext {
    /// Whether this is a record of that kind and size.
    pub const fn is_valid(&self) -> bool {
        self.magic == FPSIMD_MAGIC
            && self.size as usize == size_of::<FpsimdContext>()
    }
}

/// `struct esr_context`, followed by the terminator.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct EsrRecord {
    /// [`ESR_MAGIC`], or 0 for the terminator.
    pub magic: u32,
    /// 16, or 0 for the terminator.
    pub size: u32,
    /// `ESR_EL1` of the fault.
    pub esr: u64,
}

impl EsrRecord {
    /// The end of the records.
    pub const END: EsrRecord = EsrRecord { magic: 0, size: 0, esr: 0 };

    /// A record with a syndrome.
    pub const fn new(esr: u64) -> Self {
        EsrRecord { magic: ESR_MAGIC, size: 16, esr }
    }
}

/// `struct sigcontext` up to its records.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct MachineContext {
    /// Address of the fault that raised the signal, else 0.
    pub fault_address: u64,
    /// x0 to x30.
    pub regs: [u64; 31],
    /// Stack pointer.
    pub sp: u64,
    /// Where the interrupted code goes on.
    pub pc: u64,
    /// Flags; only NZCV and a few more bits are taken back.
    pub pstate: u64,
    /// Records are aligned to 16.
    pub pad: u64,
}

/// `ucontext_t` up to its records.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct UserContext {
    /// 0.
    pub flags: u64,
    /// 0.
    pub link: u64,
    /// The alternative stack as it was.
    pub stack: SigStack,
    /// The blocked signals as they were.
    pub mask: u64,
    /// glibc's room for a mask of 1024 bits, and alignment.
    pub reserved: [u64; 16],
    /// Registers.
    pub machine: MachineContext,
}

/// The written part of `struct rt_sigframe`.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SignalFrame {
    /// `x1` of the handler.
    pub info: SigInfo,
    /// 0.
    pub info_rest: [u64; (SIGINFO_SIZE - size_of::<SigInfo>()) / 8],
    /// `x2` of the handler.
    pub context: UserContext,
    /// First record.
    pub fpsimd: FpsimdContext,
    /// Second record, or the terminator.
    pub esr: EsrRecord,
    /// Terminator.
    pub end: EsrRecord,
}

/// Offset of the `ucontext` in the frame.
pub const CONTEXT_OFFSET: u64 = offset_of!(SignalFrame, context) as u64;

const _: () = {
    assert!(offset_of!(UserContext, mask) == 40);
    assert!(offset_of!(UserContext, machine) == 176);
    assert!(offset_of!(MachineContext, regs) == 8);
    assert!(offset_of!(MachineContext, sp) == 256);
    assert!(offset_of!(MachineContext, pc) == 264);
    assert!(offset_of!(MachineContext, pstate) == 272);
    assert!(size_of::<MachineContext>() == 288);
    assert!(offset_of!(SignalFrame, context) == SIGINFO_SIZE);
    assert!(offset_of!(SignalFrame, fpsimd) == 128 + 176 + 288);
    assert!(offset_of!(SignalFrame, fpsimd) as u64 + 4096 == FRAME_SIZE);
    assert!(FRAME_SIZE.is_multiple_of(FRAME_ALIGNMENT));
};

/// Where frame and frame record go for a handler on a stack whose top is
/// `stack_top`; `None` if there is no room below it.
pub fn place(stack_top: u64) -> Option<Placement> {
    let record = stack_top.checked_sub(16)? & !(FRAME_ALIGNMENT - 1);
    let frame = record.checked_sub(FRAME_SIZE)?;
    Some(Placement { frame, record })
}

/// Addresses chosen by [`place`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placement {
    /// New `sp`; the [`SignalFrame`] goes here.
    pub frame: u64,
    /// New `x29`; old `x29` and `x30` go here.
    pub record: u64,
}
