//! What `clone(2)` is asked for.

use kernel_abi::Errno;
use kernel_abi::signal::SIGRTMAX;

bitflags::bitflags! {
    /// Flags of `clone`, with Linux's values; the low byte is the signal.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Flags: u64 {
        /// Share memory.
        const VM = 0x100;
        /// Share directories.
        const FS = 0x200;
        /// Share open files.
        const FILES = 0x400;
        /// Share signal handlers.
        const SIGHAND = 0x800;
        /// The parent waits until the child lets go of its memory.
        const VFORK = 0x4000;
        /// The child's parent is the caller's.
        const PARENT = 0x8000;
        /// A thread of the caller's process.
        const THREAD = 0x1_0000;
        /// Share what is undone at the end (`undo.rs`).
        const SYSVSEM = 0x4_0000;
        /// Set the child's thread pointer.
        const SETTLS = 0x8_0000;
        /// Write the child's number into the parent's memory.
        const PARENT_SETTID = 0x10_0000;
        /// Clear a word and wake its futex when the child ends.
        const CHILD_CLEARTID = 0x20_0000;
        /// No meaning any more, accepted.
        const DETACHED = 0x40_0000;
        /// The child is traced like its parent, whatever options say.
        const PTRACE = 0x2000;
        /// No option traces the child.
        const UNTRACED = 0x80_0000;
        /// Write the child's number into the child's memory.
        const CHILD_SETTID = 0x100_0000;
        /// Share I/O contexts: accepted, there are none.
        const IO = 0x8000_0000;
    }
}

/// What `clone` asks for.
pub struct Request {
    /// What is shared.
    pub flags: Flags,
    /// Sent to the parent when the child ends; 0 for none.
    pub exit_signal: u32,
    /// The child's stack pointer; 0 for the caller's.
    pub stack: u64,
    /// For `PARENT_SETTID`.
    pub parent_word: usize,
    /// For `SETTLS`.
    pub thread_pointer: u64,
    /// For `CHILD_SETTID` and `CHILD_CLEARTID`.
    pub child_word: usize,
}

impl Request {
    /// Decodes the first argument and checks what cannot be together.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn check(flags: u64) -> Result<(Flags, u32), Errno> {
        let signal = (flags & 0xff) as u32;
        let flags = Flags::from_bits(flags & !0xff).ok_or(Errno::EINVAL)?;
        let needs =
            |flag, other| !flags.contains(flag) || flags.contains(other);
        let is_whole = needs(Flags::THREAD, Flags::SIGHAND)
            && needs(Flags::SIGHAND, Flags::VM);
        if !is_whole || signal > SIGRTMAX {
            return Err(Errno::EINVAL);
        }
        Ok((flags, signal))
    }

    pub(super) fn has(&self, flag: Flags) -> bool {
        self.flags.contains(flag)
    }

    /// The caller waits until the child lets go of its memory.
    pub fn is_vfork(&self) -> bool {
        self.has(Flags::VFORK)
    }

    /// The caller's tracer is not to trace the child.
    pub fn is_untraced(&self) -> bool {
        self.has(Flags::UNTRACED)
    }
}
