//! Who may look at another process, and change it: `ptrace(2)`, `prctl(2)`
//! (`PR_SET_DUMPABLE`), `proc(5)`. Everybody here who tries is user 1000.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::Ordering::{Acquire, Release};

use user_lib::linux::{
    __NR_prctl, __NR_sched_setaffinity, __NR_setpriority, __NR_setresuid,
    __NR_setreuid, __NR_setuid, __NR_syslog, O_CLOEXEC, O_CREAT, O_RDONLY,
    O_WRONLY, SIGKILL,
};
use user_lib::ptrace::{self, SEIZE};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, memory, process, signal};

use crate::tool::{
    Outcome, become_user, ensure, ensure_eq, fresh_path, in_background,
    in_child, soon, stack_top, tests,
};
use user_lib::child::Child;

tests! {
    a_program_shows_nothing_while_it_gets_rights
    who_was_somebody_else_is_not_looked_at
    a_program_that_may_not_be_read_is_not_looked_at
    a_program_with_rights_outlives_its_parent
    an_open_file_does_not_show_the_next_program
    files_of_others_in_proc_are_closed
    the_log_is_cleared_by_root_alone
    a_program_with_rights_is_scheduled_by_root_alone
    ids_are_exchanged_as_they_were_saved
}

const USER: u32 = 1000;
const SET_PDEATHSIG: usize = 1;
const GET_PDEATHSIG: usize = 2;
const GET_DUMPABLE: usize = 3;
const SET_DUMPABLE: usize = 4;
const SET_CHILD_SUBREAPER: usize = 36;
/// Stands in the environment of a program that nobody may look at.
const SECRET: &str = "SECRET=told";

fn prctl(option: usize, value: usize) -> Result<usize> {
    arbitrary(__NR_prctl, [option, value, 0, 0, 0, 0])
}

/// Becomes user 1000, and others may look at it afterwards.
fn become_open_user() -> Result<()> {
    become_user(USER)?;
    prctl(SET_DUMPABLE, 1).map(drop)
}

/// A program of root's that sleeps, with these permissions.
fn program(name: &str, mode: u32) -> Result<String> {
    let path = fresh_path(name);
    let to = file::open(&path, O_CREAT | O_WRONLY, 0o700)?;
    file::write_all(to, &file::contents("/bin/sleep")?)?;
    file::close(to)?;
    file::change_mode(&path, mode)?;
    Ok(path)
}

/// A child of user 1000 that becomes the program at `path`, for a while.
fn user_running(path: &str) -> Result<Child> {
    let id = |child: &Child| format!("/proc/{}/cmdline", child.id());
    let child = Child::start(|| {
        if become_user(USER).is_ok() {
            process::execute(path, &["sleep", "100"], &[SECRET]);
        }
        1
    })?;
    let words = id(&child);
    let runs = || file::text(&words).is_ok_and(|it| it.starts_with("sleep"));
    soon(runs).then_some(child).ok_or(Errno::ESRCH)
}

/// What user 1000 hears who seizes, reads and writes the process `id`.
fn attempts(id: i32) -> Result<[Result<usize>; 3]> {
    let top = stack_top()?;
    let mut bytes = [0; 8];
    let seized = ptrace::request(SEIZE, id, 0, 0);
    let read = ptrace::read_memory(id, top - 64, &mut bytes);
    Ok([seized, read, ptrace::write_memory(id, top - 64, &bytes)])
}

/// Whoever could read the memory of the old program must not read that of
/// the new one, at no instant of the exec, which here closes a large file.
fn a_program_shows_nothing_while_it_gets_rights() -> Outcome {
    const PIECES: usize = 24;
    /// The program is about to call `execve`; its memory has been read.
    const READY: u32 = 1;
    const SEEN: u32 = 2;
    let path = program("victim", 0o4755)?;
    let top = stack_top()?;
    let shared = memory::shared_words(1)?;
    for _ in 0..10 {
        shared[0].store(0, Release);
        let victim = Child::start(|| {
            let large = || -> Result<()> {
                let name = fresh_path("large");
                let to = file::open(&name, O_CREAT | O_WRONLY | O_CLOEXEC, 0)?;
                file::remove(&name)?;
                let piece = alloc::vec![1; 1 << 20];
                for _ in 0..PIECES {
                    file::write_all(to, &piece)?;
                }
                become_open_user()
            };
            if large().is_ok() {
                shared[0].store(READY, Release);
                if !soon(|| shared[0].load(Acquire) == SEEN) {
                    return 2;
                }
                process::execute(&path, &["sleep", "0.01"], &[SECRET]);
            }
            1
        })?;
        ensure!(soon(|| shared[0].load(Acquire) == READY));
        let id = victim.id();
        let spy = in_background(|| {
            become_user(USER)?;
            let mut bytes = [0; 256];
            loop {
                match ptrace::read_memory(id, top - 256, &mut bytes) {
                    Ok(_) => shared[0].store(SEEN, Release),
                    Err(Errno::ESRCH | Errno::EPERM) => break,
                    Err(error) => return Err(error.into()),
                }
                let told = SECRET.as_bytes();
                ensure!(!bytes.windows(told.len()).any(|it| it == told));
            }
            Ok(())
        })?;
        ensure_eq!(spy.wait()?.exit_code(), Some(0));
        ensure_eq!(victim.wait()?.exit_code(), Some(0));
    }
    file::remove(&path)?;
    Ok(())
}

fn who_was_somebody_else_is_not_looked_at() -> Outcome {
    let target = Child::start(|| {
        let number = 0_u32;
        let place = &raw const number as usize;
        let dropped = || -> Result<bool> {
            prctl(SET_PDEATHSIG, SIGKILL as usize)?;
            become_user(USER)?;
            prctl(GET_PDEATHSIG, place)?;
            Ok(prctl(GET_DUMPABLE, 0)? == 0)
        };
        let is_closed = dropped() == Ok(true);
        if !is_closed || core::hint::black_box(number) != 0 {
            return 1;
        }
        // It is awaited by its name, and opens itself later.
        let _ = file::open(&fresh_path("dropped"), O_CREAT, 0);
        time::sleep(Time::from_millis(300));
        i32::from(prctl(SET_DUMPABLE, 1).is_err())
            + process::execute("/bin/sleep", &["sleep", "100"], &[SECRET]).0
                as i32
    })?;
    let id = target.id();
    let name = format!("/tmp/check-{id}-dropped");
    ensure!(soon(|| file::status(&name).is_ok()));
    file::remove(&name)?;
    let owner = |path: &str| file::status(&format!("/proc/{id}{path}"));
    ensure_eq!(owner("")?.st_uid, USER);
    ensure_eq!(owner("/status")?.st_uid, 0);
    let look = |expected: Result<usize>| {
        in_child(|| {
            become_user(USER)?;
            let environment = format!("/proc/{id}/environ");
            let opened = file::contents(&environment).map(|_| 0);
            match expected {
                Err(_) => {
                    ensure_eq!(attempts(id)?, [expected; 3]);
                    ensure_eq!(opened, Err(Errno::EACCES));
                }
                Ok(_) => {
                    ensure_eq!(attempts(id)?, [Ok(0), Ok(8), Ok(8)]);
                    ensure_eq!(opened, Ok(0));
                }
            }
            Ok(0)
        })
    };
    ensure_eq!(look(Err(Errno::EPERM))?.exit_code(), Some(0));
    // An ordinary program is for its user to see.
    ensure!(soon(|| owner("/status").is_ok_and(|it| it.st_uid != 0)));
    let runs = || {
        let words = file::text(&format!("/proc/{id}/cmdline"));
        words.is_ok_and(|it| it.starts_with("sleep"))
    };
    ensure!(soon(runs));
    ensure_eq!(look(Ok(0))?.exit_code(), Some(0));
    Ok(())
}

fn a_program_that_may_not_be_read_is_not_looked_at() -> Outcome {
    for (mode, answer) in [(0o711, Err(Errno::EPERM)), (0o755, Ok(0))] {
        let path = program("unreadable", mode)?;
        let target = user_running(&path)?;
        let status = in_child(|| {
            become_user(USER)?;
            ensure_eq!(attempts(target.id())?[0], answer);
            Ok(0)
        })?;
        file::remove(&path)?;
        ensure_eq!(status.exit_code(), Some(0));
    }
    Ok(())
}

fn a_program_with_rights_outlives_its_parent() -> Outcome {
    prctl(SET_CHILD_SUBREAPER, 1)?;
    for (mode, survives) in [(0o4755, true), (0o755, false)] {
        let path = program("heir", mode)?;
        let id = memory::shared_words(1)?;
        let parent = Child::start(|| {
            let Ok(child) = Child::start(|| {
                if become_user(USER).is_ok()
                    && prctl(SET_PDEATHSIG, SIGKILL as usize).is_ok()
                {
                    process::execute(&path, &["sleep", "100"], &[SECRET]);
                }
                1
            }) else {
                return 1;
            };
            let words = format!("/proc/{}/cmdline", child.id());
            let is_there = soon(|| {
                file::text(&words).is_ok_and(|it| it.starts_with("sleep"))
            });
            let number = child.id() as u32;
            id[0].store(number, core::sync::atomic::Ordering::Release);
            core::mem::forget(child);
            i32::from(!is_there)
        })?;
        ensure_eq!(parent.wait()?.exit_code(), Some(0));
        let heir = id[0].load(core::sync::atomic::Ordering::Acquire) as i32;
        time::sleep(Time::from_millis(20));
        let is_alive = signal::send(heir, 0).is_ok()
            && !file::text(&format!("/proc/{heir}/stat"))?.contains(" Z ");
        signal::send(heir, SIGKILL)?;
        process::wait_for(heir)?;
        file::remove(&path)?;
        ensure_eq!(is_alive, survives);
    }
    Ok(())
}

fn an_open_file_does_not_show_the_next_program() -> Outcome {
    let path = program("next", 0o4755)?;
    let status = in_child(|| {
        become_open_user()?;
        let [from, to] = file::pipe(0)?;
        let victim = Child::start(|| {
            let _ = file::read(from, &mut [0]);
            process::execute(&path, &["sleep", "100"], &[SECRET]);
            1
        })?;
        let name = |file: &str| format!("/proc/{}/{file}", victim.id());
        let open = |it: &str| file::open(&name(it), O_RDONLY, 0);
        let held = [open("environ")?, open("maps")?];
        let descriptors = user_lib::directory::entries(&name("fd"));
        ensure!(descriptors.is_ok());
        file::write(to, b"x")?;
        let runs = || {
            let words = file::text(&name("cmdline"));
            words.is_ok_and(|it| it.starts_with("sleep"))
        };
        ensure!(soon(runs));
        for descriptor in held {
            // Linux has nothing to tell of the old program; here whoever
            // reads is asked again.
            match file::read_to_end(descriptor) {
                Ok(text) => ensure_eq!(text.len(), 0),
                Err(error) => ensure_eq!(error, Errno::EACCES),
            }
        }
        ensure_eq!(open("environ"), Err(Errno::EACCES));
        // It is root's: only a stranger may not end it.
        core::mem::forget(victim);
        Ok(0)
    })?;
    file::remove(&path)?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn files_of_others_in_proc_are_closed() -> Outcome {
    let status = in_child(|| {
        become_user(USER)?;
        for name in ["maps", "environ"] {
            let path = format!("/proc/1/{name}");
            ensure_eq!(file::open(&path, O_RDONLY, 0), Err(Errno::EACCES));
        }
        for name in ["exe", "cwd", "root", "fd/0", "fd"] {
            let path = format!("/proc/1/{name}");
            ensure_eq!(file::open(&path, O_RDONLY, 0), Err(Errno::EACCES));
        }
        for name in ["stat", "status", "cmdline", "cgroup"] {
            ensure!(file::text(&format!("/proc/1/{name}")).is_ok());
        }
        // Its own descriptors are its own, though it is closed to others.
        ensure!(file::open("/proc/self/fd", O_RDONLY, 0).is_ok());
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn the_log_is_cleared_by_root_alone() -> Outcome {
    const READ_ALL: usize = 3;
    const RESTRICTED: [usize; 5] = [2, 4, 5, 6, 7];
    let status = in_child(|| {
        become_user(USER)?;
        let mut bytes = [0_u8; 16];
        let place = bytes.as_mut_ptr() as usize;
        let ask = |what| arbitrary(__NR_syslog, [what, place, 16, 0, 0, 0]);
        for what in RESTRICTED {
            ensure_eq!(ask(what), Err(Errno::EPERM));
        }
        ensure_eq!(ask(READ_ALL), Ok(16));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn a_program_with_rights_is_scheduled_by_root_alone() -> Outcome {
    for (mode, answer) in [(0o4755, Err(Errno::EPERM)), (0o755, Ok(0))] {
        let path = program("scheduled", mode)?;
        let target = user_running(&path)?;
        let status = in_child(|| {
            become_user(USER)?;
            let (id, mask) = (target.id() as usize, 1_u64);
            let mask = &raw const mask as usize;
            let nice = arbitrary(__NR_setpriority, [0, id, 5, 0, 0, 0]);
            ensure_eq!(nice, answer);
            let pinned =
                arbitrary(__NR_sched_setaffinity, [id, 8, mask, 0, 0, 0]);
            ensure_eq!(pinned, answer);
            Ok(0)
        })?;
        file::remove(&path)?;
        ensure_eq!(status.exit_code(), Some(0));
    }
    Ok(())
}

fn ids_are_exchanged_as_they_were_saved() -> Outcome {
    const SAME: usize = u32::MAX as usize;
    let status = in_child(|| {
        let set = |ids: [usize; 3]| {
            arbitrary(__NR_setresuid, [ids[0], ids[1], ids[2], 0, 0, 0])
        };
        let two = |real, effective| {
            arbitrary(__NR_setreuid, [real, effective, 0, 0, 0, 0])
        };
        let ids = || -> Result<String> {
            let status = file::text("/proc/self/status")?;
            let mut lines = status.lines();
            Ok(lines.find(|it| it.starts_with("Uid:")).unwrap_or("").into())
        };
        set([1000, 1001, 1002])?;
        // The saved id is not for the real one.
        ensure_eq!(two(1002, SAME), Err(Errno::EPERM));
        // The effective one becomes the real one: the saved one stays.
        two(SAME, 1000)?;
        ensure_eq!(ids()?, "Uid:\t1000\t1000\t1002\t1000");
        two(SAME, 1002)?;
        ensure_eq!(ids()?, "Uid:\t1000\t1002\t1002\t1002");
        two(1002, 1000)?;
        ensure_eq!(ids()?, "Uid:\t1002\t1000\t1000\t1000");
        ensure_eq!(
            arbitrary(__NR_setuid, [SAME, 0, 0, 0, 0, 0]),
            Err(Errno::EINVAL)
        );
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}
