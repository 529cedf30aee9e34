//! What `clone(2)` and `clone3(2)` are asked for.

use kernel_abi::Errno;
use kernel_abi::signal::SIGRTMAX;
use kernel_task::TaskId;

use super::birthplace::Birthplace;

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
        /// Give the parent a descriptor of the child's process.
        const PIDFD = 0x1000;
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
        /// No meaning any more, accepted by `clone` alone.
        const DETACHED = 0x40_0000;
        /// The child is traced like its parent, whatever options say.
        const PTRACE = 0x2000;
        /// No option traces the child.
        const UNTRACED = 0x80_0000;
        /// Write the child's number into the child's memory.
        const CHILD_SETTID = 0x100_0000;
        /// Share I/O contexts: accepted, there are none.
        const IO = 0x8000_0000;
        /// The child handles no signal (`clone3`).
        const CLEAR_SIGHAND = 1 << 32;
        /// The child is born in a group of cgroup v2 (`clone3`).
        const INTO_CGROUP = 1 << 33;
    }
}

/// Those that `clone` itself does not know.
const ONLY_CLONE3: Flags = Flags::CLEAR_SIGHAND.union(Flags::INTO_CGROUP);

/// What `clone` asks for.
pub struct Request<'a> {
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
    /// For `PIDFD`: where the parent reads the descriptor's number.
    pub pidfd_word: usize,
    /// The number that the child gets, if not just any.
    pub wanted_id: Option<TaskId>,
    /// The group it is born in, if not its parent's.
    pub birthplace: Option<&'a dyn Birthplace>,
}

impl Request<'_> {
    /// Decodes the first argument of `clone`: flags, and the signal in the
    /// low byte.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn check(word: u64) -> Result<(Flags, u32), Errno> {
        let signal = (word & 0xff) as u32;
        let flags = Flags::from_bits(word & !0xff).ok_or(Errno::EINVAL)?;
        // The descriptor's number goes where the child's would.
        let twice = Flags::PIDFD.union(Flags::PARENT_SETTID);
        let hidden = Flags::PIDFD.union(Flags::DETACHED);
        if flags.intersects(ONLY_CLONE3)
            || flags.contains(twice)
            || flags.contains(hidden)
        {
            return Err(Errno::EINVAL);
        }
        Self::check_flags(flags, signal)
    }

    /// Checks the flags and the signal of `clone3`.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn check3(flags: u64, signal: u64) -> Result<(Flags, u32), Errno> {
        let flags = Flags::from_bits(flags).ok_or(Errno::EINVAL)?;
        let signal = u32::try_from(signal).map_err(|_| Errno::EINVAL)?;
        let contradiction = Flags::SIGHAND.union(Flags::CLEAR_SIGHAND);
        // Both have the signal of somebody else.
        let others = Flags::THREAD.union(Flags::PARENT);
        if flags.contains(Flags::DETACHED)
            || flags.contains(contradiction)
            || flags.intersects(others) && signal != 0
        {
            return Err(Errno::EINVAL);
        }
        Self::check_flags(flags, signal)
    }

    /// Checks what cannot be together.
    fn check_flags(flags: Flags, signal: u32) -> Result<(Flags, u32), Errno> {
        let needs =
            |flag, other| !flags.contains(flag) || flags.contains(other);
        let is_whole = needs(Flags::THREAD, Flags::SIGHAND)
            && needs(Flags::SIGHAND, Flags::VM)
            && !flags.contains(Flags::PIDFD.union(Flags::THREAD));
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
