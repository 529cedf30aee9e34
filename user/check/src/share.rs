//! What processes share, as `kcmp(2)` tells; tables that are not shared any
//! more; programs that a descriptor names.

use alloc::format;
use core::sync::atomic::Ordering;

use user_lib::linux::{
    __NR_clone, __NR_close_range, __NR_execveat, __NR_kcmp, AT_EMPTY_PATH,
    AT_SYMLINK_NOFOLLOW, CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD,
    CLONE_VFORK, CLONE_VM, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_PATH, O_RDONLY,
    O_WRONLY,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, process};

use crate::clone;
use crate::freezer::words;
use crate::tool::{NOBODY, Outcome, ensure, ensure_eq, in_child, tests};
use user_lib::child::Child;

tests! {
    what_is_shared_is_the_same
    descriptors_are_closed_in_a_table_of_ones_own
    a_descriptor_names_a_program
    the_number_of_a_thread_means_its_process
}

fn compare(ids: [i32; 2], kind: usize, fds: [i32; 2]) -> Result<usize> {
    let [one, other] = ids.map(|id| id as usize);
    let [first, second] = fds.map(|fd| fd as usize);
    arbitrary(__NR_kcmp, [one, other, kind, first, second, 0])
}

fn what_is_shared_is_the_same() -> Outcome {
    const FILE: usize = 0;
    let own = process::current_id();
    let [read, write] = file::pipe(0)?;
    let copy = file::duplicate_above(read, 0)?;
    ensure_eq!(compare([own; 2], FILE, [read, copy])?, 0);
    let order = compare([own; 2], FILE, [read, write])?;
    ensure!(order == 1 || order == 2);
    ensure_eq!(compare([own; 2], FILE, [write, read])?, 3 - order);
    let mut arguments = clone::arguments();
    arguments.flags = u64::from(CLONE_FILES | CLONE_FS);
    let child = clone::start(&arguments, || {
        user_lib::time::sleep(user_lib::time::Time::from_millis(1 << 40));
        0
    })?;
    // File, memory, table, directories, handlers, and what there is none of.
    for (kind, is_same) in [
        (0, true),
        (1, false),
        (2, true),
        (3, true),
        (4, false),
        (5, true),
        (6, true),
    ] {
        let found = compare([own, child], kind, [read, read])?;
        ensure_eq!(found == 0, is_same);
    }
    ensure_eq!(compare([own; 2], FILE, [99, read]), Err(Errno::EBADF));
    ensure_eq!(compare([own; 2], 9, [0; 2]), Err(Errno::EINVAL));
    ensure_eq!(compare([own, 32_767], 1, [0; 2]), Err(Errno::ESRCH));
    let end = in_child(|| {
        process::set_user_id(NOBODY)?;
        let other = process::current_id();
        ensure_eq!(compare([other, child], 1, [0; 2]), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    user_lib::signal::send(child, user_lib::linux::SIGKILL)?;
    process::wait_for(child)?;
    for fd in [read, write, copy] {
        file::close(fd)?;
    }
    Ok(())
}

fn descriptors_are_closed_in_a_table_of_ones_own() -> Outcome {
    const UNSHARE: usize = 2;
    let [read, write] = file::pipe(0)?;
    let [seen] = words()?;
    let mut arguments = clone::arguments();
    arguments.flags = u64::from(CLONE_FILES | CLONE_VFORK);
    let child = clone::start(&arguments, || {
        let all = [read as usize, u32::MAX as usize, UNSHARE, 0, 0, 0];
        let closed = arbitrary(__NR_close_range, all);
        let is_gone = file::write(write, b"x") == Err(Errno::EBADF);
        seen.store(u32::from(closed.is_ok() && is_gone), Ordering::SeqCst);
        0
    })?;
    process::wait_for(child)?;
    ensure_eq!(seen.load(Ordering::SeqCst), 1);
    file::write(write, b"x")?;
    for fd in [read, write] {
        file::close(fd)?;
    }
    Ok(())
}

/// A child that becomes the program; what it exits with.
fn run(fd: i32, path: &str, flags: u32) -> Result<Option<i32>> {
    let path = format!("{path}\0");
    let name = c"false".as_ptr().addr();
    let arguments = [name, 0];
    let child = Child::start(|| {
        let place = core::hint::black_box(&arguments).as_ptr().addr();
        let path = path.as_ptr().addr();
        let words = [fd as usize, path, place, 0, flags as usize, 0];
        match arbitrary(__NR_execveat, words) {
            Err(error) => i32::from(error.0),
            Ok(_) => 0,
        }
    })?;
    Ok(child.wait()?.exit_code())
}

fn a_descriptor_names_a_program() -> Outcome {
    let own = "/bin/false";
    let fd = file::open(own, O_PATH | O_CLOEXEC, 0)?;
    ensure_eq!(run(fd, "", AT_EMPTY_PATH)?, Some(1));
    let error = |errno: Errno| Some(i32::from(errno.0));
    ensure_eq!(run(fd, "", 0)?, error(Errno::ENOENT));
    ensure_eq!(run(fd, "x", 0)?, error(Errno::ENOTDIR));
    ensure_eq!(run(fd, "", 1)?, error(Errno::EINVAL));
    ensure_eq!(run(999, "x", 0)?, error(Errno::EBADF));
    let (folder, name) = own.rsplit_once('/').unwrap_or(("", own));
    let folder = format!("{folder}/");
    let directory = file::open(&folder, O_RDONLY | O_DIRECTORY, 0)?;
    ensure_eq!(run(directory, name, 0)?, Some(1));
    ensure_eq!(run(directory, "", AT_EMPTY_PATH)?, error(Errno::EACCES));
    let link = format!("/tmp/program-{}", process::current_id());
    file::symbolic_link(own, &link)?;
    ensure_eq!(run(-1, &link, 0)?, Some(1));
    let refused = run(-1, &link, AT_SYMLINK_NOFOLLOW)?;
    ensure_eq!(refused, error(Errno::ELOOP));
    file::remove(&link)?;
    file::close(directory)?;
    file::close(fd)?;
    // A script's interpreter cannot open what the exec closes.
    let script = format!("/tmp/script-{}", process::current_id());
    let fd = file::open(&script, O_CREAT | O_WRONLY, 0o755)?;
    file::write_all(fd, b"#!/bin/false\n")?;
    file::close(fd)?;
    file::change_mode(&script, 0o755)?;
    for (flags, end) in [(0, Some(1)), (O_CLOEXEC, error(Errno::ENOENT))] {
        let fd = file::open(&script, O_RDONLY | flags, 0)?;
        ensure_eq!(run(fd, "", AT_EMPTY_PATH)?, end);
        file::close(fd)?;
    }
    file::remove(&script)?;
    Ok(())
}

/// What the thread finds that a vfork-like clone made; its process waits.
fn ask_by_thread() -> i32 {
    let own = process::thread_id();
    let is_other = own != process::current_id();
    let group = process::group(own);
    let means_all = user_lib::signal::send(own, 0).is_ok()
        && group.is_ok()
        && group == process::group(0)
        && process::session(own) == process::session(0);
    i32::from(!is_other || !means_all)
}

fn the_number_of_a_thread_means_its_process() -> Outcome {
    let end = in_child(|| {
        let flags = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VFORK;
        let flags = flags | CLONE_FS | CLONE_FILES;
        let made = arbitrary(__NR_clone, [flags as usize, 0, 0, 0, 0, 0])?;
        match made {
            0 => process::exit(ask_by_thread()),
            _ => Ok(2),
        }
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    Ok(())
}
