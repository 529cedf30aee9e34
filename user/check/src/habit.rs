//! What each thread has of its own: personality, nice value, place at a disk;
//! and names of the machine.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use user_lib::linux::{
    __NR_clone, __NR_exit, __NR_ioprio_get, __NR_ioprio_set, __NR_personality,
    __NR_ppoll, __NR_uname, CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD,
    CLONE_VFORK, CLONE_VM,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, directory, file, process, schedule};

use crate::freezer::words;
use crate::tool::{Outcome, become_user, ensure, ensure_eq, fresh_path, tests};
use user_lib::child::Child;

tests! {
    a_personality_is_kept_and_inherited
    what_is_read_may_be_executed_if_so_asked
    an_old_release_is_told_to_who_asks
    a_time_out_stays_as_it_was_if_so_asked
    a_place_at_a_disk_is_kept_and_inherited
    only_root_has_a_place_before_all_others
    a_nice_value_is_a_threads_own
    a_directory_outside_the_root_is_told_as_such
    the_machine_has_names_that_root_sets
    root_chooses_the_next_number
}

const ASK: usize = 0xffff_ffff;
const UNAME26: usize = 0x2_0000;
const NO_RANDOM_ADDRESSES: usize = 0x4_0000;
const STICKY_TIMEOUTS: usize = 0x400_0000;
const READ_IMPLIES_EXEC: usize = 0x40_0000;

fn personality(word: usize) -> Result<usize> {
    arbitrary(__NR_personality, [word, 0, 0, 0, 0, 0])
}

/// Runs `work` in a child, which gives true if all is right.
fn in_child(work: impl FnOnce() -> Result<bool>) -> Outcome {
    let child = Child::start(|| i32::from(work() != Ok(true)))?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn a_personality_is_kept_and_inherited() -> Outcome {
    in_child(|| {
        let first = personality(NO_RANDOM_ADDRESSES)?;
        let child = Child::start(|| {
            i32::from(personality(ASK) != Ok(NO_RANDOM_ADDRESSES))
        })?;
        let is_inherited = child.wait()?.exit_code() == Some(0);
        Ok(first == 0
            && is_inherited
            && personality(0)? == NO_RANDOM_ADDRESSES
            && personality(ASK)? == 0)
    })
}

fn what_is_read_may_be_executed_if_so_asked() -> Outcome {
    use user_lib::memory::{Mapping, Sharing};
    in_child(|| {
        personality(READ_IMPLIES_EXEC)?;
        let mapping = Mapping::new(4096, Sharing::Private)?;
        let maps = file::text("/proc/self/maps")?;
        let start = alloc::format!("{:08x}-", mapping.address());
        let line = maps.lines().find(|line| line.starts_with(&start));
        Ok(line.is_some_and(|line| line.contains(" rwxp ")))
    })
}

fn release() -> Result<[u8; 65]> {
    let mut fields = [[0_u8; 65]; 6];
    let place = fields.as_mut_ptr() as usize;
    arbitrary(__NR_uname, [place, 0, 0, 0, 0, 0])?;
    Ok(fields[2])
}

fn an_old_release_is_told_to_who_asks() -> Outcome {
    ensure!(!release()?.starts_with(b"2.6."));
    in_child(|| {
        personality(UNAME26)?;
        Ok(release()?.starts_with(b"2.6.70-firn-"))
    })
}

fn a_time_out_stays_as_it_was_if_so_asked() -> Outcome {
    /// What `ppoll` leaves of a time-out of 2 ms.
    fn left() -> Result<[i64; 2]> {
        let mut time = [0_i64, 2_000_000];
        let place = time.as_mut_ptr() as usize;
        arbitrary(__NR_ppoll, [0, 0, place, 0, 8, 0])?;
        Ok(time)
    }
    ensure_eq!(left()?, [0, 0]);
    in_child(|| {
        personality(STICKY_TIMEOUTS)?;
        Ok(left()? == [0, 2_000_000])
    })
}

const THREAD: usize = 1;
const GROUP: usize = 2;
const fn place(class: usize, level: usize) -> usize {
    class << 13 | level
}

fn disk_place(whom: usize, who: usize) -> Result<usize> {
    arbitrary(__NR_ioprio_get, [whom, who, 0, 0, 0, 0])
}

fn set_disk_place(whom: usize, who: usize, place: usize) -> Result<usize> {
    arbitrary(__NR_ioprio_set, [whom, who, place, 0, 0, 0])
}

fn a_place_at_a_disk_is_kept_and_inherited() -> Outcome {
    ensure_eq!(disk_place(THREAD, 0)?, place(0, 4));
    ensure_eq!(set_disk_place(THREAD, 0, place(2, 8)), Err(Errno::EINVAL));
    ensure_eq!(set_disk_place(THREAD, 0, place(0, 1)), Err(Errno::EINVAL));
    ensure_eq!(set_disk_place(THREAD, 0, place(4, 0)), Err(Errno::EINVAL));
    ensure_eq!(set_disk_place(4, 0, place(2, 1)), Err(Errno::EINVAL));
    ensure_eq!(disk_place(THREAD, 99_999_999), Err(Errno::ESRCH));
    in_child(|| {
        process::set_group(0, 0)?;
        // To ask for none is not the same as to have asked for nothing.
        set_disk_place(THREAD, 0, place(0, 0))?;
        if disk_place(THREAD, 0)? != place(0, 0) {
            return Ok(false);
        }
        set_disk_place(THREAD, 0, place(3, 0))?;
        let child = Child::start(|| {
            let is_inherited = disk_place(THREAD, 0) == Ok(place(3, 0));
            let is_set = set_disk_place(THREAD, 0, place(2, 6)).is_ok();
            // The better of the two is told of the group.
            let is_best = disk_place(GROUP, 0) == Ok(place(2, 6));
            i32::from(!(is_inherited && is_set && is_best))
        })?;
        Ok(child.wait()?.exit_code() == Some(0)
            && disk_place(THREAD, 0)? == place(3, 0))
    })
}

fn only_root_has_a_place_before_all_others() -> Outcome {
    in_child(|| {
        set_disk_place(THREAD, 0, place(1, 7))?;
        become_user(65_534)?;
        let refused = set_disk_place(THREAD, 0, place(1, 7));
        Ok(refused == Err(Errno::EPERM)
            && set_disk_place(THREAD, 1, place(2, 1)) == Err(Errno::EPERM)
            && set_disk_place(THREAD, 0, place(2, 7)).is_ok())
    })
}

/// Makes a thread nice, on the stack of the one that waits for it as for a
/// vfork child; what it finds is in `found`.
fn nice_thread(found: &AtomicU32) -> Result<()> {
    let flags = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VFORK;
    let flags = flags | CLONE_FS | CLONE_FILES;
    if arbitrary(__NR_clone, [flags as usize, 0, 0, 0, 0, 0])? == 0 {
        let own = schedule::set_nice(0, 7).and_then(|()| schedule::nice(0));
        found.store(own.unwrap_or(99) as u32, Relaxed);
        let _ = arbitrary(__NR_exit, [0; 6]);
    }
    Ok(())
}

fn a_nice_value_is_a_threads_own() -> Outcome {
    let [found] = words()?;
    in_child(|| {
        nice_thread(found)?;
        Ok(schedule::nice(0)? == 0)
    })?;
    ensure_eq!(found.load(Relaxed), 7);
    Ok(())
}

fn a_directory_outside_the_root_is_told_as_such() -> Outcome {
    let path = fresh_path("outside");
    file::make_directory(&path, 0o755)?;
    let outcome = in_child(|| {
        directory::change("/")?;
        directory::change_root(&path)?;
        Ok(directory::current()? == "(unreachable)/")
    });
    file::remove_directory(&path)?;
    outcome
}

fn the_machine_has_names_that_root_sets() -> Outcome {
    for name in ["hostname", "domainname"] {
        let path = alloc::format!("/proc/sys/kernel/{name}");
        let before = file::text(&path)?;
        file::overwrite(&path, b"elsewhere\n")?;
        ensure_eq!(file::text(&path)?, "elsewhere\n");
        ensure_eq!(file::overwrite(&path, &[b'x'; 65]), Err(Errno::EINVAL));
        file::overwrite(&path, before.as_bytes())?;
        ensure_eq!(file::text(&path)?, before);
    }
    Ok(())
}

fn root_chooses_the_next_number() -> Outcome {
    const LAST: &str = "/proc/sys/kernel/ns_last_pid";
    ensure_eq!(file::overwrite(LAST, b"0"), Err(Errno::EINVAL));
    // Others may start processes meanwhile: their numbers come between.
    file::overwrite(LAST, b"7000")?;
    let child = Child::start(|| 0)?;
    ensure!((7001..7100).contains(&child.id()));
    child.wait()?;
    Ok(())
}
