//! Limits, and the files by which root sets them: `/proc/sys/kernel/sem` and
//! its relatives, `/proc/sys/fs/mqueue` (proc(5), mq_overview(7)).

use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicI64, AtomicU64};

use kernel_abi::Errno;
use kernel_control::proc::register;
use kernel_core::ipc::identifier::PLACES;
use kernel_core::ipc::priority::{HARD_MESSAGES, HARD_SIZE, Limits};
use kernel_core::ipc::setting::{parse, show};
use kernel_core::number::{parse_signed, trim};
use kernel_files::attribute::{Attribute, ShowFn, StoreFn};

use crate::{message, segment, semaphore};

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

    fn show(&self) -> Result<String, Errno> {
        Ok(show(self.get()))
    }

    fn store(&self, text: &[u8]) -> Result<(), Errno> {
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

static SEM: Setting<4> = Setting {
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
static QUEUES_MAX: Setting<1> = Setting::new(USUAL.queues_max, INT);
static MSG_MAX: Setting<1> = Setting::new(USUAL.msg_max, 1..=HARD_MESSAGES);
static MSGSIZE_MAX: Setting<1> =
    Setting::new(USUAL.msgsize_max, 128..=HARD_SIZE);
static MSG_DEFAULT: Setting<1> =
    Setting::new(USUAL.msg_default, 1..=HARD_MESSAGES);
static MSGSIZE_DEFAULT: Setting<1> =
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

fn show_next(next: &AtomicI64) -> Result<String, Errno> {
    Ok(format!("{}\n", next.load(Relaxed)))
}

fn store_next(next: &AtomicI64, text: &[u8]) -> Result<(), Errno> {
    let value = parse_signed(trim(text)).map_err(|_| Errno::EINVAL)?;
    if !(0..=i64::from(i32::MAX)).contains(&value) {
        return Err(Errno::EINVAL);
    }
    next.store(value, Relaxed);
    Ok(())
}

macro_rules! file {
    ($path:literal $setting:ident) => {
        ($path, || $setting.show(), |text| $setting.store(text))
    };
    ($path:literal next $registry:expr) => {
        (
            $path,
            || show_next(&$registry.next_id),
            |text| store_next(&$registry.next_id, text),
        )
    };
}

/// Makes the files.
///
/// # Errors
/// `EEXIST` if called twice.
pub(crate) fn register_all() -> Result<(), Errno> {
    let files: [(&str, ShowFn, StoreFn); 15] = [
        file!("/proc/sys/kernel/sem" SEM),
        file!("/proc/sys/kernel/msgmax" MSGMAX),
        file!("/proc/sys/kernel/msgmnb" MSGMNB),
        file!("/proc/sys/kernel/msgmni" MSGMNI),
        file!("/proc/sys/kernel/shmmax" SHMMAX),
        file!("/proc/sys/kernel/shmall" SHMALL),
        file!("/proc/sys/kernel/shmmni" SHMMNI),
        file!("/proc/sys/kernel/sem_next_id" next semaphore::SETS),
        file!("/proc/sys/kernel/msg_next_id" next message::QUEUES),
        file!("/proc/sys/kernel/shm_next_id" next segment::SEGMENTS),
        file!("/proc/sys/fs/mqueue/queues_max" QUEUES_MAX),
        file!("/proc/sys/fs/mqueue/msg_max" MSG_MAX),
        file!("/proc/sys/fs/mqueue/msgsize_max" MSGSIZE_MAX),
        file!("/proc/sys/fs/mqueue/msg_default" MSG_DEFAULT),
        file!("/proc/sys/fs/mqueue/msgsize_default" MSGSIZE_DEFAULT),
    ];
    for (path, show, store) in files {
        register(path, Attribute::new(show, store))?;
    }
    let forced = Attribute::new(
        || SHM_RMID_FORCED.show(),
        |text| {
            SHM_RMID_FORCED.store(text)?;
            segment::remove_unused();
            Ok(())
        },
    );
    register("/proc/sys/kernel/shm_rmid_forced", forced)
}
