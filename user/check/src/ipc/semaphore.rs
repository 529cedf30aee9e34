//! Sets of semaphores.

use core::sync::atomic::Ordering::SeqCst;

use user_lib::linux::__NR_semtimedop;
use user_lib::memory::PAGE_SIZE;
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, file, process, signal};

use super::{
    CREATE, EXCLUSIVE, NO_WAIT, PRIVATE, REMOVE, REMOVED, SET_VALUE, UNDO,
    VALUE, WAITERS, WAITERS_FOR_0, semctl, semget, semop,
};
use crate::freezer::{wait_for_place, words};
use crate::tool::{
    NOBODY, Outcome, ensure, ensure_eq, in_background, in_child, soon, tests,
};

tests! {
    semaphores_are_found_by_their_key
    operations_on_semaphores_wait_their_turn
    what_a_call_adds_itself_shortens_its_wait
    what_a_process_did_to_a_semaphore_is_undone
    the_end_of_semaphores_ends_a_wait
    a_semaphore_wait_ends_in_time
    semaphores_are_their_owners
    a_call_with_more_operations_than_memory_fails
}

fn value(id: usize) -> user_lib::Result<usize> {
    semctl(id, 0, VALUE, 0)
}

fn semaphores_are_found_by_their_key() -> Outcome {
    let key = 0x5000_0000 | process::current_id() as usize;
    ensure_eq!(semget(key, 1, 0), Err(Errno::ENOENT));
    let id = semget(key, 3, CREATE | 0o600)?;
    ensure_eq!(semget(key, 2, 0), Ok(id));
    ensure_eq!(semget(key, 4, 0), Err(Errno::EINVAL));
    let exclusive = CREATE | EXCLUSIVE;
    ensure_eq!(semget(key, 1, exclusive), Err(Errno::EEXIST));
    let text = file::text("/proc/sysvipc/sem")?;
    let is_it = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().and_then(|it| it.parse().ok()) == Some(key)
            && words.next().and_then(|it| it.parse().ok()) == Some(id)
            && words.eq(["600", "3", "0", "0", "0", "0", "0"])
    };
    let shown = text.lines().any(|line| {
        is_it(line.rsplit_once(' ').map_or("", |it| it.0).trim_end())
    });
    ensure!(shown);
    semctl(id, 0, REMOVE, 0)?;
    ensure_eq!(semget(key, 1, 0), Err(Errno::ENOENT));
    ensure_eq!(value(id), Err(Errno::EINVAL));
    Ok(())
}

fn operations_on_semaphores_wait_their_turn() -> Outcome {
    let id = semget(PRIVATE, 2, 0o600)?;
    let both = [[0, -1, 0], [1, -1, 0]];
    let no_wait = [[0, -1, NO_WAIT as i16]];
    ensure_eq!(semop(id, &no_wait, None), Err(Errno::EAGAIN));
    ensure_eq!(semop(id, &[[2, 1, 0]], None), Err(Errno::EFBIG));
    let child = in_background(|| Ok(semop(id, &both, None).map(drop)?))?;
    ensure!(soon(|| semctl(id, 0, WAITERS, 0) == Ok(1)));
    semop(id, &[[0, 1, 0]], None)?;
    ensure!(soon(|| semctl(id, 1, WAITERS, 0) == Ok(1)));
    // It has taken nothing as long as it cannot take both.
    ensure_eq!(value(id), Ok(1));
    semop(id, &[[1, 1, 0]], None)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(value(id), Ok(0));
    semctl(id, 0, SET_VALUE, 32_767)?;
    ensure_eq!(semop(id, &[[0, 1, 0]], None), Err(Errno::ERANGE));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}

fn what_a_call_adds_itself_shortens_its_wait() -> Outcome {
    let id = semget(PRIVATE, 1, 0o600)?;
    let waits_for = |steps: &[[i16; 3]], counted, change| {
        let child = in_background(|| {
            Ok(semop(id, steps, Some(Time::from_millis(60_000))).map(drop)?)
        })?;
        ensure!(soon(|| semctl(id, 0, counted, 0) == Ok(1)));
        semop(id, &[[0, change, 0]], None)?;
        ensure!(soon(|| semctl(id, 0, counted, 0) == Ok(0)));
        ensure_eq!(child.wait()?.exit_code(), Some(0));
        Ok(())
    };
    waits_for(&[[0, 1, 0], [0, -2, 0]], WAITERS, 1)?;
    ensure_eq!(value(id), Ok(0));
    semctl(id, 0, SET_VALUE, 2)?;
    waits_for(&[[0, -1, 0], [0, 0, 0]], WAITERS_FOR_0, -1)?;
    ensure_eq!(value(id), Ok(0));
    semctl(id, 0, SET_VALUE, 1)?;
    waits_for(&[[0, -1, 0], [0, -1, 0]], WAITERS, 1)?;
    ensure_eq!(value(id), Ok(0));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}

fn what_a_process_did_to_a_semaphore_is_undone() -> Outcome {
    let id = semget(PRIVATE, 1, 0o600)?;
    semctl(id, 0, SET_VALUE, 3)?;
    let status = in_child(|| {
        semop(id, &[[0, -2, UNDO]], None)?;
        // A child of its own undoes nothing of it.
        let child = in_background(|| Ok(()))?;
        ensure_eq!(child.wait()?.exit_code(), Some(0));
        ensure_eq!(value(id), Ok(1));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(value(id), Ok(3));
    let child = in_background(|| {
        semop(id, &[[0, -1, UNDO]], None)?;
        process::execute("/bin/sleep", &["sleep", "100"], &[""; 0]);
        Ok(())
    })?;
    ensure!(soon(|| value(id) == Ok(2)));
    ensure!(soon(|| file::text(&alloc::format!("/proc/{}/comm", child.id()))
        .is_ok_and(|name| name == "sleep\n")));
    ensure_eq!(value(id), Ok(2));
    signal::send(child.id(), user_lib::linux::SIGKILL)?;
    ensure!(soon(|| value(id) == Ok(3)));
    // What was set since is not undone.
    let status = in_child(|| {
        semop(id, &[[0, 5, UNDO]], None)?;
        semctl(id, 0, SET_VALUE, 1)?;
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(value(id), Ok(1));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}

fn the_end_of_semaphores_ends_a_wait() -> Outcome {
    let id = semget(PRIVATE, 1, 0o600)?;
    let child = in_background(|| {
        ensure_eq!(semop(id, &[[0, -1, UNDO]], None), Err(REMOVED));
        Ok(())
    })?;
    wait_for_place(child.id(), "do_semtimedop")?;
    semctl(id, 0, REMOVE, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

extern "C" fn nothing(_: i32) {}

fn a_semaphore_wait_ends_in_time() -> Outcome {
    let id = semget(PRIVATE, 1, 0o600)?;
    let wait = Some(Time::from_millis(20));
    ensure_eq!(semop(id, &[[0, -1, 0]], wait), Err(Errno::EAGAIN));
    ensure_eq!(semctl(id, 0, WAITERS, 0), Ok(0));
    let [begun] = words()?;
    let child = in_background(|| {
        signal::handle(user_lib::linux::SIGUSR1, nothing)?;
        begun.store(1, SeqCst);
        ensure_eq!(semop(id, &[[0, -1, 0]], None), Err(Errno::EINTR));
        Ok(())
    })?;
    wait_for_place(child.id(), "do_semtimedop")?;
    ensure_eq!(begun.load(SeqCst), 1);
    signal::send(child.id(), user_lib::linux::SIGUSR1)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}

fn a_call_with_more_operations_than_memory_fails() -> Outcome {
    const LIMIT: &str = "/proc/sys/kernel/sem";
    let old = file::text(LIMIT)?;
    let id = semget(PRIVATE, 1, 0o600)?;
    file::overwrite(LIMIT, b"32000 1024000000 2147483647 32000\n")?;
    // Whether something is there does not matter any more.
    let arguments = [id, PAGE_SIZE, 1 << 30, 0, 0, 0];
    let result = arbitrary(__NR_semtimedop, arguments);
    file::overwrite(LIMIT, old.as_bytes())?;
    ensure_eq!(result, Err(Errno::ENOMEM));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}

fn semaphores_are_their_owners() -> Outcome {
    let id = semget(PRIVATE, 1, 0o644)?;
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(value(id), Ok(0));
        ensure_eq!(semop(id, &[[0, 0, 0]], None), Ok(0));
        ensure_eq!(semop(id, &[[0, 1, 0]], None), Err(Errno::EACCES));
        ensure_eq!(semctl(id, 0, SET_VALUE, 1), Err(Errno::EACCES));
        ensure_eq!(semctl(id, 0, REMOVE, 0), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}
