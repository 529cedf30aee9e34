//! A set of signals in one word: bit `n - 1` is signal `n`.

use core::ops::{BitAnd, BitOr, Not};

use kernel_abi::signal as abi;

/// Signals 1 to 64, laid out as programs pass them.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(pub u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: Self = SignalSet(0);
    /// Every signal.
    pub const ALL: Self = SignalSet(u64::MAX);
    /// What cannot be caught, blocked or ignored.
    pub const UNBLOCKABLE: Self = Self::of(&[abi::SIGKILL, abi::SIGSTOP]);
    /// What stops a process by default.
    pub const STOP: Self =
        Self::of(&[abi::SIGSTOP, abi::SIGTSTP, abi::SIGTTIN, abi::SIGTTOU]);
    /// What a fault of the thread itself raises; delivered first.
    pub const SYNCHRONOUS: Self = Self::of(&[
        abi::SIGSEGV,
        abi::SIGBUS,
        abi::SIGILL,
        abi::SIGTRAP,
        abi::SIGFPE,
        abi::SIGSYS,
    ]);
    pub(super) const IGNORED_BY_DEFAULT: Self =
        Self::of(&[abi::SIGCONT, abi::SIGCHLD, abi::SIGWINCH, abi::SIGURG]);
    pub(super) const DUMPS_CORE: Self = Self::of(&[
        abi::SIGQUIT,
        abi::SIGILL,
        abi::SIGTRAP,
        abi::SIGABRT,
        abi::SIGFPE,
        abi::SIGSEGV,
        abi::SIGBUS,
        abi::SIGSYS,
        abi::SIGXCPU,
        abi::SIGXFSZ,
    ]);

    /// The set of these signals, each 1 to 64.
    pub const fn of(signals: &[u32]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < signals.len() {
            bits |= Self::one(signals[at]).0;
            at += 1;
        }
        SignalSet(bits)
    }

    /// One signal; the empty set for a number out of range.
    pub const fn one(signal: u32) -> Self {
        match signal {
            1..=abi::SIGRTMAX => SignalSet(1 << (signal - 1)),
            _ => SignalSet(0),
        }
    }

    /// Whether `signal` is in the set.
    pub const fn contains(self, signal: u32) -> bool {
        self.0 & Self::one(signal).0 != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// This set less another.
    pub const fn without(self, other: Self) -> Self {
        SignalSet(self.0 & !other.0)
    }

    /// The lowest signal.
    pub const fn first(self) -> Option<u32> {
        if self.0 == 0 { None } else { Some(self.0.trailing_zeros() + 1) }
    }
}

impl BitOr for SignalSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        SignalSet(self.0 | other.0)
    }
}

impl BitAnd for SignalSet {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        SignalSet(self.0 & other.0)
    }
}

impl Not for SignalSet {
    type Output = Self;
    fn not(self) -> Self {
        SignalSet(!self.0)
    }
}

impl core::fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let signals = (1..=abi::SIGRTMAX).filter(|&s| self.contains(s));
        f.debug_set().entries(signals).finish()
    }
}
