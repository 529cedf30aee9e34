//! File descriptors: numbers, copies, positions.

use core::sync::atomic::Ordering;

use user_lib::linux::{
    __NR_clone, __NR_fcntl, CLONE_FILES, F_DUPFD, F_GETFD, F_SETFD, F_SETLK,
    F_SETLKW, F_WRLCK, FD_CLOEXEC, O_APPEND, O_CLOEXEC, O_CREAT, O_RDONLY,
    O_RDWR, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET, SIGCHLD,
};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, process};

use crate::freezer::{wait_for, wait_for_place, words};
use crate::tool::{Outcome, ensure, ensure_eq, fresh_path, in_child, tests};
use user_lib::child::Child;

tests! {
    the_lowest_number_is_taken
    a_copy_shares_the_position
    dup3_replaces_and_refuses
    a_closed_descriptor_is_refused
    close_on_exec_belongs_to_the_number
    a_child_shares_the_position
    seeking_moves_and_refuses
    appending_goes_to_the_end
    reading_needs_permission
    too_many_files_are_refused
    a_lock_of_a_closed_descriptor_is_given_back
}

/// A file that is gone from its directory, open for reading and writing.
fn scratch() -> Result<i32> {
    let path = fresh_path("scratch");
    let descriptor = file::open(&path, O_RDWR | O_CREAT, 0o600)?;
    file::remove(&path)?;
    Ok(descriptor)
}

fn the_lowest_number_is_taken() -> Outcome {
    let first = scratch()?;
    let second = scratch()?;
    ensure!(second > first);
    file::close(first)?;
    ensure_eq!(scratch()?, first);
    Ok(())
}

fn a_copy_shares_the_position() -> Outcome {
    let one = scratch()?;
    let other = file::control(one, F_DUPFD, 20)? as i32;
    ensure!(other >= 20);
    file::write(one, b"hello")?;
    ensure_eq!(file::seek(other, 0, SEEK_CUR)?, 5);
    file::close(one)?;
    file::seek(other, 0, SEEK_SET)?;
    ensure_eq!(file::read_to_end(other)?, b"hello");
    Ok(())
}

fn dup3_replaces_and_refuses() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let other = scratch()?;
    file::duplicate(to, other, 0)?;
    file::close(to)?;
    ensure_eq!(file::write(other, b"x")?, 1);
    ensure_eq!(file::read(from, &mut [0; 4])?, 1);
    ensure_eq!(file::duplicate(other, other, 0), Err(Errno::EINVAL));
    ensure_eq!(file::duplicate(77, other, 0), Err(Errno::EBADF));
    ensure_eq!(file::duplicate(other, -1, 0), Err(Errno::EBADF));
    ensure_eq!(file::duplicate(other, 5, 1), Err(Errno::EINVAL));
    Ok(())
}

fn a_closed_descriptor_is_refused() -> Outcome {
    let descriptor = scratch()?;
    file::close(descriptor)?;
    ensure_eq!(file::close(descriptor), Err(Errno::EBADF));
    ensure_eq!(file::read(descriptor, &mut [0]), Err(Errno::EBADF));
    ensure_eq!(file::write(descriptor, b"x"), Err(Errno::EBADF));
    ensure_eq!(file::seek(descriptor, 0, SEEK_SET), Err(Errno::EBADF));
    ensure_eq!(file::close(-1), Err(Errno::EBADF));
    ensure_eq!(file::close(i32::MAX), Err(Errno::EBADF));
    Ok(())
}

fn close_on_exec_belongs_to_the_number() -> Outcome {
    let [from, _] = file::pipe(O_CLOEXEC)?;
    let flag = FD_CLOEXEC as usize;
    ensure_eq!(file::control(from, F_GETFD, 0)?, flag);
    let copy = file::control(from, F_DUPFD, 0)? as i32;
    ensure_eq!(file::control(copy, F_GETFD, 0)?, 0);
    file::control(copy, F_SETFD, flag)?;
    file::control(from, F_SETFD, 0)?;
    ensure_eq!(file::control(copy, F_GETFD, 0)?, flag);
    ensure_eq!(file::control(from, F_GETFD, 0)?, 0);
    Ok(())
}

fn a_child_shares_the_position() -> Outcome {
    let descriptor = scratch()?;
    file::write(descriptor, b"parent")?;
    let status = in_child(|| {
        file::write(descriptor, b" child")?;
        file::close(descriptor)?;
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    file::write(descriptor, b" end")?;
    file::seek(descriptor, 0, SEEK_SET)?;
    ensure_eq!(file::read_to_end(descriptor)?, b"parent child end");
    Ok(())
}

fn seeking_moves_and_refuses() -> Outcome {
    let descriptor = scratch()?;
    file::write(descriptor, b"0123456789")?;
    ensure_eq!(file::seek(descriptor, -3, SEEK_END)?, 7);
    let mut byte = [0];
    file::read(descriptor, &mut byte)?;
    ensure_eq!(byte, *b"7");
    ensure_eq!(file::seek(descriptor, -4, SEEK_CUR)?, 4);
    ensure_eq!(file::seek(descriptor, -1, SEEK_SET), Err(Errno::EINVAL));
    ensure_eq!(file::seek(descriptor, 0, 9), Err(Errno::EINVAL));
    ensure_eq!(file::seek(descriptor, 20, SEEK_SET)?, 20);
    ensure_eq!(file::read(descriptor, &mut byte)?, 0);
    file::write(descriptor, b"x")?;
    ensure_eq!(file::descriptor_status(descriptor)?.st_size, 21);
    file::seek(descriptor, 15, SEEK_SET)?;
    file::read(descriptor, &mut byte)?;
    ensure_eq!(byte, [0]);
    Ok(())
}

fn appending_goes_to_the_end() -> Outcome {
    let path = fresh_path("append");
    let flags = O_WRONLY | O_CREAT | O_APPEND;
    let one = file::open(&path, flags, 0o600)?;
    let other = file::open(&path, flags, 0o600)?;
    file::write(one, b"a")?;
    file::write(other, b"b")?;
    file::seek(one, 0, SEEK_SET)?;
    file::write(one, b"c")?;
    let text = file::contents(&path);
    file::remove(&path)?;
    ensure_eq!(text?, b"abc");
    Ok(())
}

fn reading_needs_permission() -> Outcome {
    let path = fresh_path("mode");
    let writer = file::open(&path, O_WRONLY | O_CREAT, 0o600)?;
    ensure_eq!(file::read(writer, &mut [0]), Err(Errno::EBADF));
    let reader = file::open(&path, O_RDONLY, 0)?;
    ensure_eq!(file::write(reader, b"x"), Err(Errno::EBADF));
    file::remove(&path)?;
    Ok(())
}

fn too_many_files_are_refused() -> Outcome {
    let first = scratch()?;
    let error = loop {
        match file::control(first, F_DUPFD, 0) {
            Ok(number) => ensure!(number < 1 << 20),
            Err(error) => break error,
        }
    };
    ensure_eq!(error, Errno::EMFILE);
    ensure_eq!(file::pipe(0), Err(Errno::EMFILE));
    Ok(())
}

/// Locks the whole file for writing.
fn lock(descriptor: i32, command: u32) -> Result<()> {
    let record = [u64::from(F_WRLCK), 0, 0, 0];
    let place = record.as_ptr() as usize;
    let arguments = [descriptor as usize, command as usize, place, 0, 0, 0];
    arbitrary(__NR_fcntl, arguments).map(drop)
}

/// Starts a process with this one's table of descriptors, which waits for a
/// lock; it exits with its error.
fn wait_for_lock(descriptor: i32) -> Result<i32> {
    let flags = (CLONE_FILES | SIGCHLD) as usize;
    match arbitrary(__NR_clone, [flags, 0, 0, 0, 0, 0])? {
        0 => {
            let error = lock(descriptor, F_SETLKW).err();
            process::exit(error.map_or(0, |it| it.0.into()))
        }
        id => Ok(id as i32),
    }
}

fn a_lock_of_a_closed_descriptor_is_given_back() -> Outcome {
    let path = fresh_path("locked");
    let closed = file::open(&path, O_RDWR | O_CREAT, 0o600)?;
    let [has_locked] = words()?;
    let holder = Child::start(|| {
        if lock(closed, F_SETLK).is_ok() {
            has_locked.store(1, Ordering::Release);
        }
        time::sleep(Time::from_millis(1 << 30));
        0
    })?;
    wait_for(has_locked, 1);
    let waiter = wait_for_lock(closed)?;
    wait_for_place(waiter, "locks_lock")?;
    file::close(closed)?;
    drop(holder);
    let error = i32::from(Errno::EBADF.0);
    ensure_eq!(process::wait_for(waiter)?.exit_code(), Some(error));
    // The table lives on, in this process, and has no lock.
    let other = in_child(|| {
        lock(file::open(&path, O_RDWR, 0)?, F_SETLK)?;
        Ok(0)
    })?;
    ensure_eq!(other.exit_code(), Some(0));
    file::remove(&path)?;
    Ok(())
}
