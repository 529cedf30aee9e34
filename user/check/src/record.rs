//! Record locks of `fcntl`: who is told of, circles of waiters, locks of open
//! files; and the size of pipes.

use user_lib::linux::{
    __NR_splice, __NR_vmsplice, F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_RDLCK,
    F_SETLK, F_SETLKW, F_UNLCK, F_WRLCK, O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, process};

use crate::tool::{
    NOBODY, Outcome, ensure, ensure_eq, fresh_path, in_background, in_child,
    soon, tests,
};
use user_lib::child::Child;

tests! {
    the_lowest_lock_in_the_way_is_told
    locks_side_by_side_become_one
    a_circle_of_waiters_is_refused
    a_circle_that_an_unlock_closes_is_refused
    locks_of_open_files_have_no_process
    a_user_has_so_many_locks
    a_pipe_holds_what_it_is_told_to
    a_pipe_keeps_its_bytes_over_a_change_of_size
    pipes_of_users_are_not_all_large
    large_pipes_of_a_user_leave_others_theirs
    memory_is_spliced_as_far_as_a_pipe_holds
    a_file_is_spliced_as_far_as_a_pipe_holds
}

/// `struct flock`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Record {
    kind: i16,
    whence: i16,
    start: i64,
    length: i64,
    process: i32,
}

fn record(kind: u32, start: i64, length: i64) -> Record {
    Record { kind: kind as i16, start, length, ..Record::default() }
}

fn lock(open: i32, command: u32, mut record: Record) -> Result<Record> {
    file::control(open, command, &raw mut record as usize)?;
    Ok(record)
}

fn make(name: &str) -> Result<i32> {
    let path = fresh_path(name);
    let open = file::open(&path, O_CREAT | O_RDWR, 0o666)?;
    file::remove(&path)?;
    Ok(open)
}

fn the_lowest_lock_in_the_way_is_told() -> Outcome {
    let open = make("lowest")?;
    for start in [40, 10, 30, 20] {
        lock(open, F_SETLK, record(F_WRLCK, start, 5))?;
    }
    let own = process::current_id();
    let status = in_child(|| {
        let found = lock(open, F_GETLK, record(F_WRLCK, 12, 100))?;
        ensure_eq!((found.start, found.length), (10, 5));
        ensure_eq!(found.process, own);
        let found = lock(open, F_GETLK, record(F_RDLCK, 15, 0))?;
        ensure_eq!((found.start, found.length), (20, 5));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn locks_side_by_side_become_one() -> Outcome {
    let open = make("joined")?;
    for (start, length) in [(0, 10), (20, 10), (10, 10)] {
        lock(open, F_SETLK, record(F_WRLCK, start, length))?;
    }
    lock(open, F_SETLK, record(F_RDLCK, 30, 10))?;
    lock(open, F_SETLK, record(F_UNLCK, 5, 5))?;
    let status = in_child(|| {
        let told = |start| lock(open, F_GETLK, record(F_WRLCK, start, 0));
        let place = |it: Record| (it.start, it.length);
        ensure_eq!(told(0).map(place), Ok((0, 5)));
        ensure_eq!(told(5).map(place), Ok((10, 20)));
        ensure_eq!(told(30).map(place), Ok((30, 10)));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

/// Each of three has a byte and waits for the next one's; the last to wait is
/// refused, gives its byte back, and the others go on.
fn a_circle_of_waiters_is_refused() -> Outcome {
    let open = make("circle")?;
    let has = |at: i64| {
        let told = lock(open, F_GETLK, record(F_WRLCK, at, 1));
        told.is_ok_and(|it| it.kind != F_UNLCK as i16)
    };
    let wait = |own: i64, next: i64| {
        in_background(|| {
            lock(open, F_SETLK, record(F_WRLCK, own, 1))?;
            ensure!(soon(|| has(next)));
            lock(open, F_SETLKW, record(F_WRLCK, next, 1))?;
            Ok(())
        })
    };
    lock(open, F_SETLK, record(F_WRLCK, 0, 1))?;
    let one = wait(1, 2)?;
    let two = wait(2, 0)?;
    let sleeps = |id: i32| {
        let path = alloc::format!("/proc/{id}/wchan");
        file::text(&path).is_ok_and(|it| it == "locks_lock")
    };
    ensure!(soon(|| sleeps(one.id()) && sleeps(two.id())));
    let refused = lock(open, F_SETLKW, record(F_WRLCK, 1, 1));
    ensure_eq!(refused, Err(Errno::EDEADLK));
    // Without waiting it is only in the way.
    let refused = lock(open, F_SETLK, record(F_WRLCK, 1, 1));
    ensure_eq!(refused, Err(Errno::EAGAIN));
    lock(open, F_SETLK, record(F_UNLCK, 0, 1))?;
    ensure_eq!(two.wait()?.exit_code(), Some(0));
    ensure_eq!(one.wait()?.exit_code(), Some(0));
    Ok(())
}

/// One waits for two others, of whom one waits for it: no circle before the
/// other one goes.
fn a_circle_that_an_unlock_closes_is_refused() -> Outcome {
    const REFUSED: i32 = 35;
    let open = make("closed")?;
    let has = |at: i64| {
        let told = lock(open, F_GETLK, record(F_WRLCK, at, 1));
        told.is_ok_and(|it| it.kind != F_UNLCK as i16)
    };
    let start = |kind, own: i64, next: i64| {
        Child::start(move || {
            let took = lock(open, F_SETLK, record(kind, own, 1));
            // The parent says that all have what they are to have.
            if took.is_err() || !soon(|| has(9)) {
                return 1;
            }
            match lock(open, F_SETLKW, record(F_WRLCK, next, 1)) {
                Ok(_) => 0,
                Err(Errno::EDEADLK) => REFUSED,
                Err(_) => 1,
            }
        })
    };
    let one = start(F_WRLCK, 1, 0)?;
    let other = start(F_RDLCK, 0, 1)?;
    ensure!(soon(|| has(0) && has(1)));
    lock(open, F_SETLK, record(F_RDLCK, 0, 1))?;
    lock(open, F_SETLK, record(F_WRLCK, 9, 1))?;
    let sleeps = |id: i32| {
        let path = alloc::format!("/proc/{id}/wchan");
        file::text(&path).is_ok_and(|it| it == "locks_lock")
    };
    ensure!(soon(|| sleeps(one.id()) && sleeps(other.id())));
    lock(open, F_SETLK, record(F_UNLCK, 0, 1))?;
    let ends = [one.wait()?.exit_code(), other.wait()?.exit_code()];
    let of =
        |wanted: i32| ends.iter().filter(|it| **it == Some(wanted)).count();
    ensure_eq!((ends, of(0), of(REFUSED)), (ends, 1, 1));
    Ok(())
}

fn locks_of_open_files_have_no_process() -> Outcome {
    let open = make("open-file")?;
    lock(open, F_OFD_SETLK, record(F_WRLCK, 3, 4))?;
    let found = lock(open, F_GETLK, record(F_WRLCK, 0, 0))?;
    ensure_eq!((found.start, found.length, found.process), (3, 4, -1));
    let own = Record { process: 1, ..record(F_WRLCK, 0, 0) };
    ensure_eq!(lock(open, F_OFD_SETLK, own), Err(Errno::EINVAL));
    ensure_eq!(lock(open, F_OFD_GETLK, own), Err(Errno::EINVAL));
    Ok(())
}

/// A lock that is cut into many is many, and leaves others theirs.
fn a_user_has_so_many_locks() -> Outcome {
    const MORE_THAN_ALL: i64 = 8192;
    let [open, other] = [make("many")?, make("other")?];
    let ([told, tell], [going, go]) = (file::pipe(0)?, file::pipe(0)?);
    let child = in_background(|| {
        process::set_user_id(NOBODY)?;
        lock(open, F_SETLK, record(F_WRLCK, 0, 0))?;
        let cut = |at| lock(open, F_SETLK, record(F_UNLCK, 2 * at + 1, 1));
        let refused = (0..MORE_THAN_ALL).find_map(|at| cut(at).err());
        ensure_eq!(refused, Some(Errno::ENOLCK));
        let one_more = lock(open, F_SETLK, record(F_RDLCK, 1, 1));
        ensure_eq!(one_more, Err(Errno::ENOLCK));
        file::write(tell, b"x")?;
        file::read(going, &mut [0])?;
        lock(open, F_SETLK, record(F_UNLCK, 0, 0))?;
        lock(open, F_SETLK, record(F_RDLCK, 1, 1))?;
        Ok(())
    })?;
    file::close(tell)?;
    file::read(told, &mut [0])?;
    let roots = lock(other, F_SETLK, record(F_WRLCK, 0, 0));
    file::write(go, b"x")?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    roots.map(drop)?;
    Ok(())
}

const SET_SIZE: u32 = 1031;
const GET_SIZE: u32 = 1032;

fn a_pipe_holds_what_it_is_told_to() -> Outcome {
    let [from, to] = file::pipe(O_NONBLOCK)?;
    ensure_eq!(file::control(from, GET_SIZE, 0)?, 65_536);
    for (asked, given) in [(0, 4096), (4097, 8192), (1 << 21, 1 << 21)] {
        file::control(from, SET_SIZE, asked)?;
        ensure_eq!(file::control(to, GET_SIZE, 0)?, given);
    }
    file::control(to, SET_SIZE, 8192)?;
    ensure_eq!(file::write(to, &[1; 9000])?, 8192);
    ensure_eq!(file::write(to, &[1; 1]), Err(Errno::EAGAIN));
    ensure_eq!(file::control(to, SET_SIZE, 4096), Err(Errno::EBUSY));
    let large = file::control(to, SET_SIZE, (1 << 31) + 1);
    ensure_eq!(large, Err(Errno::EINVAL));
    let null = file::open("/dev/null", O_RDWR, 0)?;
    ensure_eq!(file::control(null, GET_SIZE, 0), Err(Errno::EBADF));
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        let most = file::text("/proc/sys/fs/pipe-max-size")?;
        let most: usize = most.trim().parse().unwrap_or(0);
        ensure!(file::control(to, SET_SIZE, most).is_ok());
        let more = file::control(to, SET_SIZE, 2 * most);
        ensure_eq!(more, Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn pipes_of_users_are_not_all_large() -> Outcome {
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        let mut large = 0;
        for _ in 0..200 {
            let [from, _to] = file::pipe(0)?;
            match file::control(from, SET_SIZE, 1 << 20) {
                Ok(_) => large += 1,
                Err(error) => {
                    ensure_eq!(error, Errno::EPERM);
                    // New ones are small, and may be made smaller.
                    ensure_eq!(file::control(from, GET_SIZE, 0)?, 8192);
                    ensure!(file::control(from, SET_SIZE, 4096).is_ok());
                }
            }
        }
        ensure!((1..=70).contains(&large));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    // All of them are gone.
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        let [from, _to] = file::pipe(0)?;
        ensure!(file::control(from, SET_SIZE, 1 << 20).is_ok());
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn large_pipes_of_a_user_leave_others_theirs() -> Outcome {
    let ([told, tell], [going, go]) = (file::pipe(0)?, file::pipe(0)?);
    let enlarge = |pipes: usize| {
        let grown = (0..pipes).map(|_| {
            let [from, _to] = file::pipe(0)?;
            file::control(from, SET_SIZE, 1 << 20)
        });
        grown.filter_map(Result::err).next()
    };
    let child = in_background(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(enlarge(80), Some(Errno::EPERM));
        file::write(tell, b"x")?;
        file::read(going, &mut [0])?;
        Ok(())
    })?;
    file::close(tell)?;
    file::read(told, &mut [0])?;
    let status = in_child(|| {
        process::set_user_id(NOBODY - 1)?;
        ensure_eq!(enlarge(32), None);
        Ok(0)
    })?;
    file::write(go, b"x")?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(status.exit_code(), Some(0));
    let soft = file::text("/proc/sys/fs/pipe-user-pages-soft")?;
    let hard = file::text("/proc/sys/fs/pipe-user-pages-hard")?;
    ensure_eq!((soft.as_str(), hard.as_str()), ("16384\n", "0\n"));
    Ok(())
}

fn a_pipe_keeps_its_bytes_over_a_change_of_size() -> Outcome {
    let mut state = 9_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let [from, to] = file::pipe(O_NONBLOCK)?;
    let (mut put, mut got) = (0_usize, 0_usize);
    for _ in 0..600 {
        let count = random(30_000);
        let bytes: alloc::vec::Vec<u8> =
            (put..put + count).map(|at| (at % 251) as u8).collect();
        put += file::write(to, &bytes).unwrap_or(0);
        let mut room = alloc::vec![0; random(30_000)];
        let count = file::read(from, &mut room).unwrap_or(0);
        let is_right =
            |(at, byte): (usize, &u8)| (got + at) % 251 == *byte as usize;
        ensure!(room[..count].iter().enumerate().all(is_right));
        got += count;
        let size = file::control(to, SET_SIZE, 4096 << random(6));
        ensure!(matches!(size, Ok(_) | Err(Errno::EBUSY)));
    }
    ensure!(got > 1_000_000);
    Ok(())
}

fn memory_is_spliced_as_far_as_a_pipe_holds() -> Outcome {
    let [_from, to] = file::pipe(0)?;
    let bytes = alloc::vec![1_u8; 200_000];
    let piece = [bytes.as_ptr() as usize, bytes.len()];
    let words = [to as usize, piece.as_ptr() as usize, 1, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_vmsplice, words)?, 65_536);
    Ok(())
}

fn a_file_is_spliced_as_far_as_a_pipe_holds() -> Outcome {
    let open = make("source")?;
    file::write_all(open, &alloc::vec![7; 200_000])?;
    file::seek(open, 0, 0)?;
    let [from, to] = file::pipe(0)?;
    let splice = |from: i32, to: i32| {
        let words = [from as usize, 0, to as usize, 0, 200_000, 0];
        arbitrary(__NR_splice, words)
    };
    ensure_eq!(splice(open, to)?, 65_536);
    let path = fresh_path("end");
    let end = file::open(&path, O_CREAT | O_RDWR | O_APPEND, 0o600)?;
    ensure_eq!(splice(from, end), Err(Errno::EINVAL));
    ensure_eq!(splice(open, from), Err(Errno::EBADF));
    ensure_eq!(splice(to, end), Err(Errno::EBADF));
    let target = make("target")?;
    ensure_eq!(splice(from, target)?, 65_536);
    Ok(())
}
