//! Limits that are kept (setrlimit(2)).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{
    __NR_brk, __NR_mmap, __NR_mremap, __NR_setrlimit, MAP_ANONYMOUS, MAP_FIXED,
    MAP_PRIVATE, O_CREAT, O_TRUNC, O_WRONLY, PROT_READ, SIG_BLOCK, SIGKILL,
    SIGXFSZ,
};
use user_lib::signal::{self, bit};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, process};

use crate::tool::{
    Failure, Outcome, become_user, ensure, ensure_eq, fresh_path, in_child,
    tests,
};
use user_lib::child::Child;

tests! {
    a_user_has_so_many_tasks
    zombies_count_for_their_user
    whoever_may_do_everything_may_have_more
    a_program_is_refused_to_whom_has_too_many_tasks
    some_tasks_are_left_for_root
    a_file_gets_no_longer_than_its_writer_may
    memory_grows_no_further_than_it_may
}

/// Users of whom nobody else has tasks.
pub const SOMEBODY: u32 = 21_001;
const ANOTHER: u32 = 21_002;
const CROWD: u32 = 21_003;

const FILE_SIZE: usize = 1;
const PROCESSES: usize = 6;
const ADDRESS_SPACE: usize = 9;

/// Sets both limits of a kind.
///
/// # Errors
/// Those of `setrlimit(2)`.
pub fn set_limit(kind: usize, soft: u64, hard: u64) -> Result<()> {
    let limit = [soft, hard];
    let place = limit.as_ptr() as usize;
    arbitrary(__NR_setrlimit, [kind, place, 0, 0, 0, 0]).map(drop)
}

/// Children that sleep until they are killed; why there were no more.
fn sleepers(most: usize) -> (Vec<Child>, Option<Errno>) {
    let mut all = Vec::new();
    while all.len() < most {
        let started = Child::start(|| {
            time::sleep(Time::from_millis(60_000));
            0
        });
        match started {
            Ok(child) => all.push(child),
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}

fn end(children: Vec<Child>) -> Outcome {
    for child in &children {
        signal::send(child.id(), SIGKILL)?;
    }
    for child in children {
        child.wait()?;
    }
    Ok(())
}

/// Does something in a child, which must not fail.
///
/// # Errors
/// It failed.
pub fn ensure_done(work: impl FnOnce() -> Outcome) -> Outcome {
    let status = in_child(|| work().map(|()| 0))?;
    ensure_eq!((status.exit_code(), status.killed_by()), (Some(0), None));
    Ok(())
}

fn a_user_has_so_many_tasks() -> Outcome {
    ensure_done(|| {
        set_limit(PROCESSES, 10, 10)?;
        become_user(SOMEBODY)?;
        // This one is the tenth.
        let (children, why) = sleepers(20);
        ensure_eq!((children.len(), why), (9, Some(Errno::EAGAIN)));
        end(children)?;
        // All have been waited for.
        let (children, why) = sleepers(9);
        ensure_eq!((children.len(), why), (9, None));
        end(children)
    })
}

fn zombies_count_for_their_user() -> Outcome {
    ensure_done(|| {
        set_limit(PROCESSES, 2, 2)?;
        become_user(SOMEBODY)?;
        let child = Child::start(|| 0)?;
        time::sleep(Time::from_millis(100));
        let another = Child::start(|| 0);
        ensure!(matches!(another, Err(Errno::EAGAIN)));
        child.wait()?;
        Child::start(|| 0)?.wait()?;
        Ok(())
    })
}

fn whoever_may_do_everything_may_have_more() -> Outcome {
    ensure_done(|| {
        set_limit(PROCESSES, 1, 1)?;
        let (children, why) = sleepers(3);
        ensure_eq!((children.len(), why), (3, None));
        end(children)
    })
}

fn a_program_is_refused_to_whom_has_too_many_tasks() -> Outcome {
    let holder = |to: i32| {
        become_user(ANOTHER)?;
        file::write(to, b"!")?;
        time::sleep(Time::from_millis(60_000));
        Ok::<i32, Errno>(0)
    };
    let [from, to] = file::pipe(0)?;
    let other = Child::start(|| holder(to).unwrap_or(1))?;
    file::read(from, &mut [0])?;
    ensure_done(|| {
        set_limit(PROCESSES, 1, 1)?;
        become_user(ANOTHER)?;
        // If it runs nevertheless, that fails too.
        let words = ["false"];
        let refused = process::execute::<_, &str>("/bin/false", &words, &[]);
        ensure_eq!(refused, Errno::EAGAIN);
        Ok(())
    })?;
    end(Vec::from([other]))
}

/// Where one writes how many tasks there may be.
const THREADS_MAX: &str = "/proc/sys/kernel/threads-max";

/// As many tasks as there may be, until this is dropped.
struct Crowded(String);

impl Crowded {
    fn new(most: usize) -> Result<Self> {
        let before = file::text(THREADS_MAX)?;
        file::overwrite(THREADS_MAX, format!("{most}").as_bytes())?;
        Ok(Self(before))
    }
}

impl Drop for Crowded {
    fn drop(&mut self) {
        let _ = file::overwrite(THREADS_MAX, self.0.as_bytes());
    }
}

/// There may be few tasks in all, so that it takes no minutes to make them.
fn some_tasks_are_left_for_root() -> Outcome {
    const MOST: usize = 500;
    let _crowded = Crowded::new(MOST)?;
    let [from, to] = file::pipe(0)?;
    let [held, holder] = file::pipe(0)?;
    let crowd = Child::start(|| {
        let _ = file::close(holder);
        let work = || -> core::result::Result<(), Failure> {
            set_limit(PROCESSES, MOST as u64, MOST as u64)?;
            become_user(CROWD)?;
            let (children, why) = sleepers(MOST);
            let answer = [u8::from(why == Some(Errno::EAGAIN))];
            file::write(to, &answer)?;
            // Waits until root has looked.
            file::read(held, &mut [0])?;
            end(children)
        };
        i32::from(work().is_err())
    })?;
    let mut answer = [0];
    file::read(from, &mut answer)?;
    ensure_eq!(answer, [1]);
    let (children, why) = sleepers(8);
    let count = children.len();
    end(children)?;
    file::close(holder)?;
    ensure_eq!(crowd.wait()?.exit_code(), Some(0));
    ensure_eq!((count, why), (8, None));
    Ok(())
}

fn a_file_gets_no_longer_than_its_writer_may() -> Outcome {
    let path = fresh_path("limit");
    ensure_done(|| {
        signal::change_mask(SIG_BLOCK, bit(SIGXFSZ))?;
        set_limit(FILE_SIZE, 1000, 2000)?;
        let open = file::open(&path, O_CREAT | O_TRUNC | O_WRONLY, 0o600)?;
        ensure_eq!(file::write(open, &[1; 600])?, 600);
        ensure_eq!(signal::pending()? & bit(SIGXFSZ), 0);
        ensure_eq!(file::write(open, &[2; 600])?, 400);
        ensure_eq!(file::write(open, &[3; 1]), Err(Errno::EFBIG));
        ensure!(signal::pending()? & bit(SIGXFSZ) != 0);
        ensure_eq!(file::truncate(open, 1001), Err(Errno::EFBIG));
        file::truncate(open, 1000)?;
        file::truncate(open, 10)?;
        ensure_eq!(file::descriptor_status(open)?.st_size, 10);
        Ok(())
    })?;
    let status = in_child(|| {
        set_limit(FILE_SIZE, 1000, 2000)?;
        let open = file::open(&path, O_WRONLY, 0)?;
        file::truncate(open, 1001)?;
        Ok(0)
    })?;
    ensure_eq!(status.killed_by(), Some(SIGXFSZ));
    file::remove(&path)?;
    Ok(())
}

fn map(address: usize, length: usize, more_flags: u32) -> Result<usize> {
    let flags = (MAP_PRIVATE | MAP_ANONYMOUS | more_flags) as usize;
    let rights = PROT_READ as usize;
    arbitrary(__NR_mmap, [address, length, rights, flags, usize::MAX, 0])
}

fn memory_grows_no_further_than_it_may() -> Outcome {
    const MIB: usize = 1 << 20;
    ensure_done(|| {
        set_limit(ADDRESS_SPACE, 64 * MIB as u64, 64 * MIB as u64)?;
        let place = map(0, 32 * MIB, 0)?;
        ensure_eq!(map(0, 32 * MIB, 0), Err(Errno::ENOMEM));
        // What is there makes room for what takes its place.
        ensure_eq!(map(place, 32 * MIB, MAP_FIXED), Ok(place));
        let grow = [place, 32 * MIB, 64 * MIB, 1, 0, 0];
        ensure_eq!(arbitrary(__NR_mremap, grow), Err(Errno::ENOMEM));
        let end = arbitrary(__NR_brk, [0; 6])?;
        let far = [end + 32 * MIB, 0, 0, 0, 0, 0];
        ensure_eq!(arbitrary(__NR_brk, far), Ok(end));
        let near = [end + MIB, 0, 0, 0, 0, 0];
        ensure_eq!(arbitrary(__NR_brk, near), Ok(end + MIB));
        Ok(())
    })
}
