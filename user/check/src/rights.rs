//! Rights as they were: asked for at one moment and used at another, when
//! whoever asked has others (ptrace(2), credentials(7)).

use alloc::format;
use alloc::string::String;

use user_lib::linux::{
    __NR_faccessat2, __NR_prctl, __NR_setresgid, __NR_setresuid, AT_FDCWD,
    O_CREAT, O_WRONLY,
};
use user_lib::ptrace::{self, SEIZE};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, process};

use crate::capability::sets::{control, get, give_up, set};
use crate::group::Mount;
use crate::tool::{
    Outcome, become_user, ensure, ensure_eq, fresh_path, in_child, soon, tests,
};
use user_lib::child::Child;

tests! {
    a_tracer_counts_as_it_was_when_it_began
    the_way_to_a_file_is_asked_for_by_the_same_user
    no_capability_moves_tasks_of_others
}

const USER: u32 = 1000;
const AT_EACCESS: usize = 0x200;
const SET_DUMPABLE: usize = 4;
const SET_KEEPCAPS: u32 = 8;

/// A program of root's.
fn copy_of(program: &str, mode: u32) -> Result<String> {
    let path = fresh_path("rights");
    let to = file::open(&path, O_CREAT | O_WRONLY, 0o700)?;
    file::write_all(to, &file::contents(program)?)?;
    file::close(to)?;
    file::change_mode(&path, mode)?;
    Ok(path)
}

/// What a program of root's that gives its rights says of its user, if it is
/// traced by somebody who uses the rights of `first`, and of `then` when the
/// program begins.
fn user_of_traced(path: &str, [first, then]: [usize; 2]) -> Result<String> {
    let ([from, to], [go, start]) = (file::pipe(0)?, file::pipe(0)?);
    let child = Child::start(|| {
        let begin = || -> Result<Errno> {
            become_user(USER)?;
            arbitrary(__NR_prctl, [SET_DUMPABLE, 1, 0, 0, 0, 0])?;
            file::duplicate(to, 1, 0)?;
            file::write(to, b"x")?;
            file::read(go, &mut [0])?;
            let none: [&str; 0] = [];
            let words = ["cat", "/proc/self/status"];
            Ok(process::execute(path, &words, &none))
        };
        i32::from(begin().is_ok())
    })?;
    file::close(to)?;
    file::read(from, &mut [0])?;
    let user = USER as usize;
    arbitrary(__NR_setresgid, [user, user, user, 0, 0, 0])?;
    arbitrary(__NR_setresuid, [user, first, 0, 0, 0, 0])?;
    ptrace::request(SEIZE, child.id(), 0, 0)?;
    arbitrary(__NR_setresuid, [usize::MAX, then, usize::MAX, 0, 0, 0])?;
    file::write(start, b"x")?;
    let text = file::read_to_end(from)?;
    child.wait()?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Whoever runs a program of root's for a moment, and traces somebody
/// meanwhile, is not root's tracer.
fn a_tracer_counts_as_it_was_when_it_began() -> Outcome {
    let path = copy_of("/bin/cat", 0o4755)?;
    let user = USER as usize;
    for (users, expected) in [
        ([user, user], "Uid:\t1000\t1000\t1000\t1000\n"),
        ([user, 0], "Uid:\t1000\t1000\t1000\t1000\n"),
        ([0, user], "Uid:\t1000\t0\t0\t0\n"),
    ] {
        let status = in_child(|| {
            let text = user_of_traced(&path, users)?;
            ensure!(text.contains(expected));
            Ok(0)
        })?;
        ensure_eq!((users, status.exit_code()), (users, Some(0)));
    }
    file::remove(&path)?;
    Ok(())
}

/// What `access` says must not tell the real user what is in a directory that
/// this one may not search.
fn the_way_to_a_file_is_asked_for_by_the_same_user() -> Outcome {
    let directory = fresh_path("way");
    file::make_directory(&directory, 0o700)?;
    let path = format!("{directory}/file");
    file::close(file::open(&path, O_CREAT | O_WRONLY, 0o666)?)?;
    let ask = |path: &str, flags: usize| {
        let place = format!("{path}\0");
        let at = [AT_FDCWD as usize, place.as_ptr().addr(), 0, flags];
        let [base, place, mode, flags] = at;
        arbitrary(__NR_faccessat2, [base, place, mode, flags, 0, 0])
    };
    let other = format!("{directory}/other");
    let (own, user) = (usize::MAX, USER as usize);
    let be = |real: usize, effective: usize| {
        arbitrary(__NR_setresuid, [real, effective, 0, 0, 0, 0])
    };
    let status = in_child(|| {
        be(user, 0)?;
        ensure_eq!(ask(&path, 0), Err(Errno::EACCES));
        ensure_eq!(ask(&other, 0), Err(Errno::EACCES));
        ensure_eq!(ask(&path, AT_EACCESS), Ok(0));
        ensure_eq!(ask(&other, AT_EACCESS), Err(Errno::ENOENT));
        // Whoever uses files as somebody else asks for root.
        be(0, own)?;
        be(own, user)?;
        ensure_eq!(ask(&path, 0), Ok(0));
        ensure_eq!(ask(&path, AT_EACCESS), Err(Errno::EACCES));
        Ok(0)
    })?;
    file::remove(&path)?;
    file::remove_directory(&directory)?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

/// In cgroup v1 the user alone says whose tasks may be moved, as into a group
/// that is frozen.
// spec: V9
fn no_capability_moves_tasks_of_others() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("capable")?;
    let (own, user) = (format!("{}", process::current_id()), USER as usize);
    let status = in_child(|| {
        let all = get()?;
        control(SET_KEEPCAPS, [1, 0])?;
        arbitrary(__NR_setresuid, [user, user, user, 0, 0, 0])?;
        set(all)?;
        for task in ["1", "2", &own] {
            for name in ["tasks", "cgroup.procs"] {
                let written = group.write(name, task);
                ensure_eq!((task, written), (task, Err(Errno::EACCES)));
            }
        }
        ensure_eq!(group.write("tasks", "0"), Ok(1));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(group.read("tasks")?, "");
    // Root moves whom it likes, without any.
    let other = Child::start(|| {
        let _ = become_user(USER);
        time::sleep(Time::from_millis(1 << 40));
        0
    })?;
    let words = format!("/proc/{}/status", other.id());
    ensure!(soon(|| {
        file::text(&words).is_ok_and(|it| it.contains("Uid:\t1000"))
    }));
    let status = in_child(|| {
        give_up(get()?[1], true)?;
        group.add(other.id())?;
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(group.read("tasks")?, format!("{}", other.id()));
    Ok(())
}
