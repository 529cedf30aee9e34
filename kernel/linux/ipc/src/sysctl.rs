//! The files by which root sets limits: `/proc/sys/kernel/sem` and its
//! relatives, `/proc/sys/fs/mqueue`.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::AtomicI64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_control::proc::register;
use kernel_core::number::{parse_signed, trim};
use kernel_files::attribute::{Attribute, ShowFn, StoreFn};

use crate::message::QUEUES;
use crate::segment::{SEGMENTS, remove_unused};
use crate::semaphore::SETS;
use crate::setting::{
    MSG_DEFAULT, MSG_MAX, MSGMAX, MSGMNB, MSGMNI, MSGSIZE_DEFAULT, MSGSIZE_MAX,
    QUEUES_MAX, SEM, SHM_RMID_FORCED, SHMALL, SHMMAX, SHMMNI,
};

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
        file!("/proc/sys/kernel/sem_next_id" next SETS),
        file!("/proc/sys/kernel/msg_next_id" next QUEUES),
        file!("/proc/sys/kernel/shm_next_id" next SEGMENTS),
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
            remove_unused()
        },
    );
    register("/proc/sys/kernel/shm_rmid_forced", forced)
}
