//! `ptrace(2)`: requests, options, events and structures, with aarch64
//! Linux's values.

use zerocopy::{Immutable, IntoBytes};

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident $number:literal)*) => {$(
        $(#[$doc])*
        pub const $name: u32 = $number;
    )*};
}

requests! {
    /// The caller's parent traces the caller.
    TRACEME 0
    /// Reads a word of memory.
    PEEKTEXT 1
    /// Reads a word of memory.
    PEEKDATA 2
    /// Writes a word of memory.
    POKETEXT 4
    /// Writes a word of memory.
    POKEDATA 5
    /// Lets it go on.
    CONT 7
    /// Kills it.
    KILL 8
    /// Lets it go on for one instruction.
    SINGLESTEP 9
    /// Traces a task and stops it.
    ATTACH 16
    /// Traces it no longer.
    DETACH 17
    /// Lets it go on to its next system call, or the end of this one.
    SYSCALL 24
    /// Sets options.
    SETOPTIONS 0x4200
    /// What the last event told.
    GETEVENTMSG 0x4201
    /// The signal that stopped it.
    GETSIGINFO 0x4202
    /// Changes the signal that stopped it.
    SETSIGINFO 0x4203
    /// Reads registers.
    GETREGSET 0x4204
    /// Writes registers.
    SETREGSET 0x4205
    /// Traces a task without stopping it.
    SEIZE 0x4206
    /// Stops a seized task.
    INTERRUPT 0x4207
    /// Leaves a seized task in its group stop, but hears of its end.
    LISTEN 0x4208
    /// Reads the mask of blocked signals.
    GETSIGMASK 0x420a
    /// Writes the mask of blocked signals.
    SETSIGMASK 0x420b
    /// The system call at which it is stopped.
    GET_SYSCALL_INFO 0x420e
}

/// Option: system-call stops are told from other traps (`SIGTRAP | 0x80`).
pub const O_TRACESYSGOOD: u32 = 1;
/// Option: stop at `fork` and trace the child.
pub const O_TRACEFORK: u32 = 1 << EVENT_FORK;
/// Option: stop at `vfork` and trace the child.
pub const O_TRACEVFORK: u32 = 1 << EVENT_VFORK;
/// Option: stop at `clone` and trace the child.
pub const O_TRACECLONE: u32 = 1 << EVENT_CLONE;
/// Option: stop after `execve`.
pub const O_TRACEEXEC: u32 = 1 << EVENT_EXEC;
/// Option: stop when a vfork's child lets its parent go on.
pub const O_TRACEVFORKDONE: u32 = 1 << EVENT_VFORK_DONE;
/// Option: stop before the end.
pub const O_TRACEEXIT: u32 = 1 << EVENT_EXIT;
/// Option: stop at the request of a system-call filter. There are none.
pub const O_TRACESECCOMP: u32 = 1 << 7;
/// Option: the tracee dies with its tracer.
pub const O_EXITKILL: u32 = 1 << 20;
/// All options that are known.
pub const O_MASK: u32 = 0xff | O_EXITKILL;

/// Event: `fork` has made a child.
pub const EVENT_FORK: u32 = 1;
/// Event: `vfork` has made a child.
pub const EVENT_VFORK: u32 = 2;
/// Event: `clone` has made a child.
pub const EVENT_CLONE: u32 = 3;
/// Event: another program runs.
pub const EVENT_EXEC: u32 = 4;
/// Event: a vfork's child lets its parent go on.
pub const EVENT_VFORK_DONE: u32 = 5;
/// Event: about to end.
pub const EVENT_EXIT: u32 = 6;
/// Event: a seized task stops with its group, or was interrupted.
pub const EVENT_STOP: u32 = 128;

/// Register set: `x0` to `x30`, `sp`, `pc`, `pstate`.
pub const NT_PRSTATUS: u32 = 1;
/// Register set: `q0` to `q31`, `fpsr`, `fpcr`.
pub const NT_PRFPREG: u32 = 2;
/// Register set: the thread pointer.
pub const NT_ARM_TLS: u32 = 0x401;
/// Register set: the number of the system call.
pub const NT_ARM_SYSTEM_CALL: u32 = 0x404;

/// [`SyscallInfo::kind`]: not at a system call.
pub const SYSCALL_INFO_NONE: u8 = 0;
/// [`SyscallInfo::kind`]: before it.
pub const SYSCALL_INFO_ENTRY: u8 = 1;
/// [`SyscallInfo::kind`]: after it.
pub const SYSCALL_INFO_EXIT: u8 = 2;
/// `AUDIT_ARCH_AARCH64`.
pub const ARCHITECTURE: u32 = 0xc000_00b7;

/// `struct ptrace_syscall_info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, IntoBytes, Immutable)]
pub struct SyscallInfo {
    /// `SYSCALL_INFO_*`.
    pub kind: u8,
    /// 0.
    pub pad: [u8; 3],
    /// [`ARCHITECTURE`].
    pub architecture: u32,
    /// Program counter.
    pub pc: u64,
    /// Stack pointer.
    pub sp: u64,
    /// Entry: number and six arguments. Exit: result, then 1 if it is an
    /// error.
    pub values: [u64; 7],
}

impl SyscallInfo {
    /// Bytes that mean something, by kind.
    pub const fn length(&self) -> usize {
        match self.kind {
            SYSCALL_INFO_ENTRY => 80,
            SYSCALL_INFO_EXIT => 33,
            _ => 24,
        }
    }
}

const _: () = assert!(size_of::<SyscallInfo>() == 80);
