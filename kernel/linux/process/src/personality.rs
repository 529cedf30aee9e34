//! How a thread wants the kernel to behave (`personality(2)`).
//!
//! Every bit is kept and given on to children. Here act: `READ_IMPLIES_EXEC`,
//! `UNAME26`, `STICKY_TIMEOUTS`. `ADDR_NO_RANDOMIZE` is always so: addresses
//! are not random.
//! The others choose between layouts and habits of other systems, of which
//! there is one here.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

/// What may be read may be executed.
pub const READ_IMPLIES_EXEC: u32 = 0x40_0000;
/// `uname` tells of a release 2.6.
pub const UNAME26: u32 = 0x2_0000;
/// `ppoll` and `pselect6` leave the time-out as it was.
pub const STICKY_TIMEOUTS: u32 = 0x400_0000;
/// What a program that gives rights does not take over:
/// `READ_IMPLIES_EXEC`, `ADDR_NO_RANDOMIZE`, `ADDR_COMPAT_LAYOUT`,
/// `MMAP_PAGE_ZERO`.
const CLEARED_BY_RIGHTS: u32 = 0x74_0000;

/// The word that `personality(2)` sets.
pub struct Personality(AtomicU32);

impl Personality {
    /// That of a thread which one with this word makes.
    pub(crate) fn inherited(maker: Option<&Self>) -> Self {
        Self(AtomicU32::new(maker.map_or(0, Self::get)))
    }

    /// The word.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Sets it; what it was.
    pub fn set(&self, word: u32) -> u32 {
        self.0.swap(word, Relaxed)
    }

    /// Another program takes over, with new rights or with the old ones.
    pub(crate) fn exec(&self, gives_rights: bool) {
        let cleared = match gives_rights {
            true => CLEARED_BY_RIGHTS,
            false => READ_IMPLIES_EXEC,
        };
        self.0.fetch_and(!cleared, Relaxed);
    }
}
