//! Descriptors of processes, and the rest of `clone3(2)`.

use alloc::format;
use core::sync::atomic::Ordering;

use user_lib::linux::{
    __NR_pidfd_getfd, __NR_pidfd_open, __NR_pidfd_send_signal, __NR_waitid,
    CLONE_DETACHED, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_SIGHAND,
    CLONE_THREAD, CLONE_VM, O_NONBLOCK, O_RDONLY, POLLIN, SIGKILL, SIGTERM,
    SIGUSR1, SIGUSR2, WEXITED, WNOHANG, clone_args,
};
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, Result, file, process, signal, terminal};

use super::clone::{self, CLEAR_SIGHAND};
use super::freezer::words;
use super::tool::{NOBODY, Outcome, ensure, ensure_eq, in_child, tests};
use user_lib::child::Child;

tests! {
    a_descriptor_tells_of_the_end_of_its_process
    a_descriptor_means_its_process_and_no_other
    a_descriptor_is_waited_for
    signals_go_to_a_descriptor
    descriptors_are_taken_from_who_may_be_looked_at
    a_clone_gives_a_descriptor
    clone3_checks_its_arguments
    a_child_has_the_number_that_it_is_given
}

fn open(pid: i32, flags: u32) -> Result<i32> {
    let words = [pid as usize, flags as usize, 0, 0, 0, 0];
    arbitrary(__NR_pidfd_open, words).map(|fd| fd as i32)
}

fn send(fd: i32, signal: u32) -> Result<()> {
    let words = [fd as usize, signal as usize, 0, 0, 0, 0];
    arbitrary(__NR_pidfd_send_signal, words).map(drop)
}

/// `waitid(P_PIDFD)`: what `si_status` says, and `si_pid`.
fn wait(fd: i32, options: u32) -> Result<[i32; 2]> {
    const P_PIDFD: usize = 3;
    let mut info = [0_i32; 32];
    let place = info.as_mut_ptr().addr();
    let words = [P_PIDFD, fd as usize, place, options as usize, 0, 0];
    arbitrary(__NR_waitid, words)?;
    // The kernel has written behind the compiler's back.
    let info = core::hint::black_box(info);
    Ok([info[6], info[4]])
}

fn is_over(fd: i32, ms: i64) -> Result<bool> {
    let mut entries = [terminal::poll_entry(fd, POLLIN)];
    terminal::poll(&mut entries, Some(Time::from_millis(ms)), None)?;
    Ok(entries[0].revents as u32 == POLLIN)
}

fn sleeper() -> Result<Child> {
    Child::start(|| {
        user_lib::time::sleep(Time::from_millis(1 << 40));
        0
    })
}

fn a_descriptor_tells_of_the_end_of_its_process() -> Outcome {
    ensure_eq!(open(0, 0), Err(Errno::EINVAL));
    ensure_eq!(open(-1, 0), Err(Errno::EINVAL));
    ensure_eq!(open(process::current_id(), 1), Err(Errno::EINVAL));
    ensure_eq!(open(32_767, 0), Err(Errno::ESRCH));
    let child = sleeper()?;
    let fd = open(child.id(), 0)?;
    ensure!(!is_over(fd, 0)?);
    // Who waits already is woken.
    let killer = Child::start(|| {
        user_lib::time::sleep(Time::from_millis(20));
        i32::from(send(fd, SIGKILL).is_err())
    })?;
    ensure!(is_over(fd, 10_000)?);
    ensure_eq!(killer.wait()?.exit_code(), Some(0));
    let text = file::text(&format!("/proc/self/fdinfo/{fd}"))?;
    let line = format!("\nPid:\t{0}\nNSpid:\t{0}\n", child.id());
    ensure!(text.contains(&line));
    ensure!(text.starts_with("pos:\t0\nflags:\t02"));
    ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    ensure!(is_over(fd, 0)?);
    let text = file::text(&format!("/proc/self/fdinfo/{fd}"))?;
    ensure!(text.contains("\nPid:\t-1\n"));
    ensure_eq!(file::read(fd, &mut [0; 8]), Err(Errno::EINVAL));
    file::close(fd)?;
    Ok(())
}

fn a_descriptor_means_its_process_and_no_other() -> Outcome {
    let child = Child::start(|| 0)?;
    let id = child.id();
    let fd = open(id, 0)?;
    let directory = file::open(&format!("/proc/{id}"), O_RDONLY, 0)?;
    child.wait()?;
    ensure_eq!(send(fd, 0), Err(Errno::ESRCH));
    // Another process gets the number.
    let mut arguments = clone::arguments();
    arguments.set_tid = core::ptr::from_ref(&id).addr() as u64;
    arguments.set_tid_size = 1;
    let other = clone::start(&arguments, || {
        user_lib::time::sleep(Time::from_millis(1 << 40));
        0
    })?;
    ensure_eq!(other, id);
    ensure_eq!(send(fd, SIGTERM), Err(Errno::ESRCH));
    ensure_eq!(send(directory, SIGTERM), Err(Errno::ESRCH));
    ensure_eq!(wait(fd, WEXITED | WNOHANG), Err(Errno::ECHILD));
    ensure!(is_over(fd, 0)?);
    signal::send(other, SIGKILL)?;
    process::wait_for(other)?;
    file::close(fd)?;
    Ok(())
}

fn a_descriptor_is_waited_for() -> Outcome {
    let child = Child::start(|| {
        user_lib::time::sleep(Time::from_millis(20));
        5
    })?;
    let fd = open(child.id(), O_NONBLOCK)?;
    ensure_eq!(wait(fd, WEXITED), Err(Errno::EAGAIN));
    ensure_eq!(wait(fd, WEXITED | WNOHANG), Err(Errno::EAGAIN));
    let patient = open(child.id(), 0)?;
    ensure_eq!(wait(patient, WEXITED | WNOHANG)?, [0, 0]);
    ensure_eq!(wait(patient, WEXITED)?, [5, child.id()]);
    ensure_eq!(wait(patient, WEXITED), Err(Errno::ECHILD));
    core::mem::forget(child);
    ensure_eq!(wait(-1, WEXITED), Err(Errno::EINVAL));
    ensure_eq!(wait(999, WEXITED), Err(Errno::EBADF));
    let own = open(process::current_id(), 0)?;
    ensure_eq!(wait(own, WEXITED), Err(Errno::ECHILD));
    for fd in [fd, patient, own] {
        file::close(fd)?;
    }
    Ok(())
}

fn signals_go_to_a_descriptor() -> Outcome {
    let child = sleeper()?;
    let fd = open(child.id(), 0)?;
    send(fd, 0)?;
    ensure_eq!(send(fd, 65), Err(Errno::EINVAL));
    let file = file::open("/proc/self/stat", O_RDONLY, 0)?;
    ensure_eq!(send(file, 0), Err(Errno::EBADF));
    let flags = [fd as usize, 0, 0, 1, 0, 0];
    let flagged = arbitrary(__NR_pidfd_send_signal, flags);
    ensure_eq!(flagged, Err(Errno::EINVAL));
    // What a program says of a signal must be about it, and not forged.
    let mut info = [0_i32; 32];
    let mut say = |number: u32, code: i32| {
        [info[0], info[2]] = [number as i32, code];
        let place = core::hint::black_box(&info).as_ptr().addr();
        let words = [fd as usize, SIGUSR1 as usize, place, 0, 0, 0];
        arbitrary(__NR_pidfd_send_signal, words)
    };
    ensure_eq!(say(SIGUSR2, -1), Err(Errno::EINVAL));
    ensure_eq!(say(SIGUSR1, 0), Err(Errno::EPERM));
    let end = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(send(fd, SIGTERM), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    // A directory of /proc means a process, too.
    let place = format!("/proc/{}", child.id());
    let directory = file::open(&place, O_RDONLY, 0)?;
    send(directory, 0)?;
    ensure_eq!(say(SIGUSR1, -1), Ok(0));
    ensure_eq!(child.wait()?.killed_by(), Some(SIGUSR1));
    ensure_eq!(send(directory, 0), Err(Errno::ESRCH));
    for fd in [fd, file, directory] {
        file::close(fd)?;
    }
    Ok(())
}

fn take(fd: i32, theirs: i32) -> Result<i32> {
    let words = [fd as usize, theirs as usize, 0, 0, 0, 0];
    arbitrary(__NR_pidfd_getfd, words).map(|fd| fd as i32)
}

fn descriptors_are_taken_from_who_may_be_looked_at() -> Outcome {
    let [read, write] = file::pipe(0)?;
    let child = sleeper()?;
    file::close(read)?;
    let fd = open(child.id(), 0)?;
    let mine = take(fd, read)?;
    file::write(write, b"x")?;
    let mut byte = [0];
    ensure_eq!(file::read(mine, &mut byte)?, 1);
    ensure_eq!(take(fd, 777), Err(Errno::EBADF));
    ensure_eq!(take(write, read), Err(Errno::EBADF));
    let end = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(take(fd, read), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    signal::send(child.id(), SIGKILL)?;
    child.wait()?;
    ensure_eq!(take(fd, read), Err(Errno::ESRCH));
    for fd in [write, fd, mine] {
        file::close(fd)?;
    }
    Ok(())
}

fn a_clone_gives_a_descriptor() -> Outcome {
    let [handled, descriptor] = words()?;
    let mut arguments = clone::arguments();
    arguments.flags = u64::from(CLONE_PIDFD);
    arguments.pidfd = core::ptr::from_ref(descriptor).addr() as u64;
    signal::handle(SIGUSR1, ignore)?;
    arguments.flags |= CLEAR_SIGHAND;
    let child = clone::start(&arguments, || {
        let is_default =
            signal::disposition(SIGUSR1).is_ok_and(|it| it.handler == 0);
        handled.store(u32::from(!is_default) + 1, Ordering::SeqCst);
        3
    })?;
    let fd = descriptor.load(Ordering::SeqCst) as i32;
    ensure!(fd > 2);
    ensure_eq!(wait(fd, WEXITED)?, [3, child]);
    ensure_eq!(handled.load(Ordering::SeqCst), 1);
    file::close(fd)?;
    // A bad address makes neither child nor descriptor.
    arguments.pidfd = 8;
    ensure_eq!(clone::refusal(&arguments), Some(Errno::EFAULT));
    let [next, other] = file::pipe(0)?;
    ensure_eq!(next, fd);
    file::close(next)?;
    file::close(other)?;
    Ok(())
}

extern "C" fn ignore(_: i32) {}

fn clone3_checks_its_arguments() -> Outcome {
    let refused = |change: &dyn Fn(&mut clone_args)| {
        let mut arguments = clone::arguments();
        change(&mut arguments);
        clone::refusal(&arguments)
    };
    let bad: [&dyn Fn(&mut clone_args); 12] = [
        &|it| it.flags = u64::from(CLONE_DETACHED),
        &|it| it.flags = 0xff,
        &|it| it.flags = 1 << 40,
        &|it| it.exit_signal = 65,
        &|it| it.exit_signal = 1 << 32,
        &|it| it.stack = 4096,
        &|it| it.stack_size = 4096,
        &|it| it.set_tid_size = 1,
        &|it| it.set_tid = 4096,
        &|it| it.flags = u64::from(CLONE_SIGHAND | CLONE_VM) | CLEAR_SIGHAND,
        &|it| {
            let thread = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
            it.flags = u64::from(thread);
        },
        &|it| {
            let thread = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_PIDFD;
            it.flags = u64::from(thread);
            it.exit_signal = 0;
        },
    ];
    for change in bad {
        ensure_eq!(refused(change), Some(Errno::EINVAL));
    }
    let arguments = clone::arguments();
    let place = core::ptr::from_ref(&arguments).addr();
    ensure_eq!(clone::raw(place, 63), Err(Errno::EINVAL));
    ensure_eq!(clone::raw(place, 4097), Err(Errno::E2BIG));
    ensure_eq!(clone::raw(8, 64), Err(Errno::EFAULT));
    // The descriptor of `clone` goes where the number would.
    let words = CLONE_PIDFD | CLONE_PARENT_SETTID;
    let made = [words as usize, 0, place, 0, 0, 0];
    let made = arbitrary(user_lib::linux::__NR_clone, made);
    ensure_eq!(made, Err(Errno::EINVAL));
    Ok(())
}

fn a_child_has_the_number_that_it_is_given() -> Outcome {
    let refused = |id: i32| {
        let mut arguments = clone::arguments();
        arguments.set_tid = core::ptr::from_ref(&id).addr() as u64;
        arguments.set_tid_size = 1;
        clone::refusal(&arguments)
    };
    ensure_eq!(refused(30_003), None);
    ensure_eq!(refused(process::current_id()), Some(Errno::EEXIST));
    ensure_eq!(refused(0), Some(Errno::EINVAL));
    ensure_eq!(refused(-3), Some(Errno::EINVAL));
    ensure_eq!(refused(1 << 22), Some(Errno::EINVAL));
    let end = in_child(|| {
        process::set_user_id(NOBODY)?;
        ensure_eq!(refused(30_004), Some(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    Ok(())
}
