//! The registers of user mode, as `vectors.s` saves and loads them.

use core::mem::offset_of;

/// The flags of a saved state that belong to the program: N, Z, C, V, and that
/// no instruction takes longer for its data (DIT).
pub const PROGRAM_FLAGS: u64 = 0xf000_0000 | 1 << 24;

/// The registers of user mode while its task is in the kernel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrapFrame {
    /// `x0` to `x30`.
    pub x: [u64; 31],
    /// Stack pointer.
    pub sp: u64,
    /// Where user mode goes on (`elr_el1`).
    pub pc: u64,
    /// Flags and mode (`spsr_el1`).
    pub pstate: u64,
}

// What `vectors.s` takes for granted.
const _: () = assert!(size_of::<TrapFrame>() == 272);
const _: () = assert!(offset_of!(TrapFrame, x) == 0);
const _: () = assert!(offset_of!(TrapFrame, sp) == 248);
const _: () = assert!(offset_of!(TrapFrame, pc) == 256);
const _: () = assert!(offset_of!(TrapFrame, pstate) == 264);
