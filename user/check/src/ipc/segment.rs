//! Shared memory of System V.

use core::sync::atomic::Ordering::SeqCst;

use user_lib::child::Child;
use user_lib::linux::IN_DELETE_SELF;
use user_lib::memory::{PAGE_SIZE, read_byte, write_byte};
use user_lib::time::{self, Time};
use user_lib::{Errno, file, process};

use super::{PRIVATE, REMOVE, STAT, shmat, shmctl, shmdt, shmget};
use crate::freezer::words;
use crate::limit::set_limit;
use crate::notify::Watcher;
use crate::tool::{
    Failure, NOBODY, Outcome, ensure, ensure_eq, in_background, in_child, soon,
    tests,
};

tests! {
    shared_memory_is_shared_over_a_fork
    a_segment_ends_with_its_last_use
    a_segment_is_attached_where_it_is_asked_for
    a_part_of_a_segment_is_detached_with_the_rest
    segments_are_their_owners
    segments_end_with_their_maker_if_they_must
    segments_have_limits
    so_many_pages_of_segments_are_locked
}

const READ_ONLY: usize = 0o10000;
const ROUND: usize = 0o20000;
const REPLACE: usize = 0o40000;

/// How often it is attached, of `struct shmid_ds`.
fn attached(id: usize) -> user_lib::Result<u64> {
    let mut status = [0_u64; 14];
    shmctl(id, STAT, &raw mut status as usize)?;
    Ok(status[11])
}

fn shared_memory_is_shared_over_a_fork() -> Outcome {
    let id = shmget(PRIVATE, 2 * PAGE_SIZE, 0o600)?;
    let address = shmat(id, 0, 0)?;
    write_byte(address, 1);
    let child = in_background(|| {
        ensure_eq!(read_byte(address), 1);
        write_byte(address + PAGE_SIZE, 2);
        ensure_eq!(attached(id), Ok(2));
        let other = shmat(id, 0, READ_ONLY)?;
        ensure_eq!(read_byte(other + PAGE_SIZE), 2);
        ensure_eq!(attached(id), Ok(3));
        Ok(())
    })?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(read_byte(address + PAGE_SIZE), 2);
    ensure_eq!(attached(id), Ok(1));
    // An exec lets go of it.
    let child = in_background(|| {
        process::execute("/bin/sleep", &["sleep", "100"], &[""; 0]);
        Ok(())
    })?;
    ensure!(soon(|| attached(id) == Ok(1)));
    drop(child);
    shmdt(address)?;
    ensure_eq!(attached(id), Ok(0));
    ensure_eq!(shmdt(address), Err(Errno::EINVAL));
    shmctl(id, REMOVE, 0)?;
    Ok(())
}

fn a_segment_ends_with_its_last_use() -> Outcome {
    let key = 0x6000_0000 | process::current_id() as usize;
    let id = shmget(key, PAGE_SIZE, 0o1600)?;
    let address = shmat(id, 0, 0)?;
    write_byte(address, 7);
    shmctl(id, REMOVE, 0)?;
    ensure_eq!(shmget(key, PAGE_SIZE, 0), Err(Errno::ENOENT));
    let child = in_background(|| {
        let again = shmat(id, 0, 0)?;
        ensure_eq!(read_byte(again), 7);
        Ok(())
    })?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(read_byte(address), 7);
    shmdt(address)?;
    ensure_eq!(attached(id), Err(Errno::EINVAL));
    Ok(())
}

fn a_segment_is_attached_where_it_is_asked_for() -> Outcome {
    let id = shmget(PRIVATE, PAGE_SIZE, 0o600)?;
    let address = shmat(id, 0, 0)?;
    ensure_eq!(shmat(id, address, 0), Err(Errno::EINVAL));
    ensure_eq!(shmat(id, address, REPLACE), Ok(address));
    ensure_eq!(attached(id), Ok(1));
    shmdt(address)?;
    ensure_eq!(shmat(id, address + 1, 0), Err(Errno::EINVAL));
    ensure_eq!(shmat(id, address + 1, ROUND), Ok(address));
    ensure_eq!(shmat(id, 0, REPLACE), Err(Errno::EINVAL));
    let maps = file::text("/proc/self/maps")?;
    ensure!(maps.contains("/SYSV00000000 (deleted)"));
    shmdt(address)?;
    shmctl(id, REMOVE, 0)?;
    Ok(())
}

fn a_part_of_a_segment_is_detached_with_the_rest() -> Outcome {
    use user_lib::linux::{__NR_mprotect, __NR_munmap};
    use user_lib::syscall::arbitrary;
    let id = shmget(PRIVATE, 4 * PAGE_SIZE, 0o600)?;
    let address = shmat(id, 0, 0)?;
    let second = address + PAGE_SIZE;
    arbitrary(__NR_munmap, [second, PAGE_SIZE, 0, 0, 0, 0])?;
    arbitrary(__NR_mprotect, [address, PAGE_SIZE, 1, 0, 0, 0])?;
    ensure_eq!(attached(id), Ok(2));
    shmdt(address)?;
    ensure_eq!(attached(id), Ok(0));
    shmctl(id, REMOVE, 0)?;
    Ok(())
}

fn segments_are_their_owners() -> Outcome {
    let id = shmget(PRIVATE, PAGE_SIZE, 0o644)?;
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(shmat(id, 0, 0), Err(Errno::EACCES));
        shmdt(shmat(id, 0, READ_ONLY)?)?;
        ensure_eq!(shmctl(id, REMOVE, 0), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    shmctl(id, REMOVE, 0)?;
    Ok(())
}

fn so_many_pages_of_segments_are_locked() -> Outcome {
    const LIMIT: usize = 8;
    const LOCK: usize = 11;
    const UNLOCK: usize = 12;
    let status = in_child(|| {
        let pages = 2 * PAGE_SIZE as u64;
        set_limit(LIMIT, pages, pages)?;
        process::set_user_id(NOBODY)?;
        // A part of a page is one.
        let [one, two] = [
            shmget(PRIVATE, 1, 0o600)?,
            shmget(PRIVATE, PAGE_SIZE + 1, 0o600)?,
        ];
        shmctl(two, LOCK, 0)?;
        ensure_eq!(shmctl(two, LOCK, 0), Ok(0));
        ensure_eq!(shmctl(one, LOCK, 0), Err(Errno::ENOMEM));
        shmctl(two, UNLOCK, 0)?;
        shmctl(one, LOCK, 0)?;
        set_limit(LIMIT, 0, 0)?;
        ensure_eq!(shmctl(one, LOCK, 0), Err(Errno::EPERM));
        ensure_eq!(shmctl(two, LOCK, 0), Err(Errno::EPERM));
        shmctl(one, REMOVE, 0)?;
        shmctl(two, REMOVE, 0)?;
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

/// `shm_rmid_forced`.
fn segments_end_with_their_maker_if_they_must() -> Outcome {
    const FORCED: &str = "/proc/sys/kernel/shm_rmid_forced";
    const INVALID: user_lib::Result<u64> = Err(Errno::EINVAL);
    let [id] = words()?;
    let make = || {
        id.store(u32::MAX, SeqCst);
        in_background(|| {
            let made = shmget(PRIVATE, PAGE_SIZE, 0o600)?;
            id.store(made as u32, SeqCst);
            while id.load(SeqCst) != u32::MAX {
                time::sleep(Time::from_millis(1));
            }
            Ok(())
        })
    };
    let made = || {
        ensure!(soon(|| id.load(SeqCst) != u32::MAX));
        Ok::<_, Failure>(id.load(SeqCst) as usize)
    };
    let ends = |maker: Child| {
        id.store(u32::MAX, SeqCst);
        ensure_eq!(maker.wait()?.exit_code(), Some(0));
        Ok::<_, Failure>(())
    };
    // One whose maker has ended, and one whose maker lives.
    let maker = make()?;
    let orphan = made()?;
    ends(maker)?;
    ensure_eq!(attached(orphan), Ok(0));
    let maker = make()?;
    let other = made()?;
    file::overwrite(FORCED, b"1\n")?;
    ensure_eq!(attached(orphan), INVALID);
    ensure_eq!(attached(other), Ok(0));
    ends(maker)?;
    ensure_eq!(attached(other), INVALID);
    // What others use goes with its last use.
    let maker = make()?;
    let used = made()?;
    let address = shmat(used, 0, 0)?;
    ends(maker)?;
    ensure_eq!(attached(used), Ok(1));
    shmdt(address)?;
    ensure_eq!(attached(used), INVALID);
    file::overwrite(FORCED, b"0\n")?;
    Ok(())
}

fn segments_have_limits() -> Outcome {
    const MOST: &str = "/proc/sys/kernel/shmmni";
    ensure_eq!(shmget(PRIVATE, 0, 0o600), Err(Errno::EINVAL));
    ensure_eq!(shmget(PRIVATE, 1 << 62, 0o600), Err(Errno::ENOMEM));
    let old = file::text(MOST)?;
    // What is made in vain tells nobody that it ends while a lock is held.
    let watcher = Watcher::new()?;
    watcher.watch("/tmp", IN_DELETE_SELF)?;
    file::overwrite(MOST, b"0\n")?;
    let refused = shmget(PRIVATE, 1, 0o600);
    file::overwrite(MOST, old.as_bytes())?;
    ensure_eq!(refused, Err(Errno::ENOSPC));
    let large = 0o4600;
    ensure_eq!(shmget(PRIVATE, PAGE_SIZE, large), Err(Errno::ENOMEM));
    Ok(())
}
