//! Limits that root may set (proc(5), mq_overview(7)). Their files: `sysctl.rs`.

use alloc::string::String;
use core::ops::RangeInclusive;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::ipc::identifier::PLACES;
use kernel_core::ipc::priority::{HARD_MESSAGES, HARD_SIZE, Limits};
use kernel_core::ipc::setting::{parse, show};

/// Semaphores of all sets, at the start.
pub(crate) const ALL_SEMAPHORES: i32 = 32_000 * 32_000;

const INT: RangeInclusive<u64> = 0..=i32::MAX as u64;
const COUNT: RangeInclusive<u64> = 0..=PLACES as u64;
/// Most bytes, and pages, of shared memory: nearly all there can be.
const SHARED_MAX: u64 = u64::MAX - (1 << 24);

/// Numbers that root may set.
pub(crate) struct Setting<const N: usize> {
    values: [AtomicU64; N],
    ranges: [RangeInclusive<u64>; N],
}

impl<const N: usize> Setting<N> {
    fn get(&self) -> [u64; N] {
        self.values.each_ref().map(|value| value.load(Relaxed))
    }

    /// As its file shows it.
    ///
    /// # Errors
    /// None.
    pub(crate) fn show(&self) -> Result<String, Errno> {
        Ok(show(self.get()))
    }

    /// Takes what was written to its file.
    ///
    /// # Errors
    /// `EINVAL`.
    pub(crate) fn store(&self, text: &[u8]) -> Result<(), Errno> {
        let new = parse(text, self.get(), self.ranges.clone())?;
        for (value, new) in self.values.iter().zip(new) {
            value.store(new, Relaxed);
        }
        Ok(())
    }
}

impl Setting<1> {
    const fn new(value: u64, range: RangeInclusive<u64>) -> Self {
        Self { values: [AtomicU64::new(value)], ranges: [range] }
    }

    /// The number.
    pub(crate) fn value(&self) -> u64 {
        self.values[0].load(Relaxed)
    }
}

pub(crate) static SEM: Setting<4> = Setting {
    values: [
        AtomicU64::new(32_000),
        AtomicU64::new(ALL_SEMAPHORES as u64),
        AtomicU64::new(500),
        AtomicU64::new(32_000),
    ],
    ranges: [INT, INT, INT, COUNT],
};

/// Most bytes of a message.
pub(crate) static MSGMAX: Setting<1> = Setting::new(8192, INT);
/// Most bytes of a queue.
pub(crate) static MSGMNB: Setting<1> = Setting::new(16_384, INT);
/// Most queues.
pub(crate) static MSGMNI: Setting<1> = Setting::new(32_000, COUNT);
/// Most bytes of a segment.
pub(crate) static SHMMAX: Setting<1> = Setting::new(SHARED_MAX, 0..=u64::MAX);
/// Most pages of all segments.
pub(crate) static SHMALL: Setting<1> = Setting::new(SHARED_MAX, 0..=u64::MAX);
/// Most segments.
pub(crate) static SHMMNI: Setting<1> = Setting::new(4096, COUNT);
/// A segment ends with its last use.
pub(crate) static SHM_RMID_FORCED: Setting<1> = Setting::new(0, 0..=1);

const USUAL: Limits = Limits::USUAL;
pub(crate) static QUEUES_MAX: Setting<1> = Setting::new(USUAL.queues_max, INT);
pub(crate) static MSG_MAX: Setting<1> =
    Setting::new(USUAL.msg_max, 1..=HARD_MESSAGES);
pub(crate) static MSGSIZE_MAX: Setting<1> =
    Setting::new(USUAL.msgsize_max, 128..=HARD_SIZE);
pub(crate) static MSG_DEFAULT: Setting<1> =
    Setting::new(USUAL.msg_default, 1..=HARD_MESSAGES);
pub(crate) static MSGSIZE_DEFAULT: Setting<1> =
    Setting::new(USUAL.msgsize_default, 128..=HARD_SIZE);

/// Limits of semaphores.
#[derive(Clone, Copy)]
pub(crate) struct Semaphores {
    /// Most of a set.
    pub(crate) per_set: usize,
    /// Most of all sets.
    pub(crate) all: usize,
    /// Most operations of a call.
    pub(crate) operations: usize,
    /// Most sets.
    pub(crate) sets: usize,
}

/// The limits of semaphores.
pub(crate) fn semaphores() -> Semaphores {
    let [per_set, all, operations, sets] = SEM.get().map(|it| it as usize);
    Semaphores { per_set, all, operations, sets }
}

/// The limits of POSIX message queues.
pub(crate) fn posix() -> Limits {
    Limits {
        queues_max: QUEUES_MAX.value(),
        msg_max: MSG_MAX.value(),
        msgsize_max: MSGSIZE_MAX.value(),
        msg_default: MSG_DEFAULT.value(),
        msgsize_default: MSGSIZE_DEFAULT.value(),
    }
}
