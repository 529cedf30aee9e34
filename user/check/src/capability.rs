//! Capabilities, given up one by one, and what each is for (capabilities(7)).

use alloc::format;

use user_lib::child::Child;
use user_lib::linux::{
    __NR_faccessat, __NR_kcmp, __NR_msgctl, __NR_msgget, __NR_setdomainname,
    __NR_setfsuid, __NR_setresuid, AT_FDCWD, CAP_DAC_READ_SEARCH, CAP_KILL,
    CAP_SYS_ADMIN, CAP_SYS_PTRACE, O_CREAT, O_DIRECTORY, O_RDONLY, O_RDWR,
    SIGKILL,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, file, process, signal};

use crate::tool::{
    Failure, NOBODY, Outcome, ensure, ensure_eq, fresh_path, in_child, soon,
    tests,
};

mod question;
pub mod sets;

use question::{QUESTIONS, Scene, give};
use sets::{PR_CAPBSET_DROP, control, get, give_up, set};

tests! {
    a_capability_that_is_given_up_is_gone
    each_question_is_for_its_own_capability
    files_are_used_by_another_user
    capabilities_outlive_a_change_of_user_where_that_is_said
    an_exec_gives_what_the_sets_say
    secure_bits_take_the_meaning_from_user_0
    who_gains_by_an_exec_is_not_looked_at
    files_are_read_and_directories_searched_by_one_capability
    a_question_for_the_real_user_is_about_what_that_may
}

const PR_SET_KEEPCAPS: u32 = 8;
const PR_CAPBSET_READ: u32 = 23;
const PR_GET_SECUREBITS: u32 = 27;
const PR_SET_SECUREBITS: u32 = 28;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const PR_CAP_AMBIENT: u32 = 47;
const PR_CAP_AMBIENT_IS_SET: usize = 1;
const PR_CAP_AMBIENT_RAISE: usize = 2;

fn ensure_ok(
    work: impl FnOnce() -> core::result::Result<i32, Failure>,
) -> Outcome {
    ensure_eq!(in_child(work)?.exit_code(), Some(0));
    Ok(())
}

fn a_capability_that_is_given_up_is_gone() -> Outcome {
    ensure_ok(|| {
        let all = get()?;
        ensure_eq!(all[0], (1 << 41) - 1);
        give_up(1 << CAP_SYS_ADMIN, false)?;
        let name = c"x".as_ptr().addr();
        let rename = || arbitrary(__NR_setdomainname, [name, 1, 0, 0, 0, 0]);
        ensure_eq!(rename(), Err(Errno::EPERM));
        set(all)?;
        rename()?;
        give_up(1 << CAP_SYS_ADMIN, true)?;
        ensure_eq!(set(all), Err(Errno::EPERM));
        ensure_eq!(rename(), Err(Errno::EPERM));
        let status = file::text("/proc/self/status")?;
        let left = all[1] & !(1 << CAP_SYS_ADMIN);
        for (name, set) in [
            ("Inh", 0),
            ("Prm", left),
            ("Eff", left),
            ("Bnd", all[1]),
            ("Amb", 0),
        ] {
            ensure!(status.contains(&format!("Cap{name}:\t{set:016x}\n")));
        }
        // A child has what its parent has.
        ensure_ok(|| {
            ensure_eq!(rename(), Err(Errno::EPERM));
            Ok(0)
        })?;
        Ok(0)
    })
}

fn each_question_is_for_its_own_capability() -> Outcome {
    let path = fresh_path("capability");
    file::close(file::open(&path, O_RDWR | O_CREAT, 0o600)?)?;
    give(&path, NOBODY)?;
    let child = Child::start(|| {
        let _ = process::set_user_id(NOBODY);
        user_lib::time::sleep(user_lib::time::Time::from_millis(1 << 40));
        0
    })?;
    // Until it is somebody else's.
    let status = format!("/proc/{}/status", child.id());
    while file::text(&status)?.contains("Uid:\t0") {
        user_lib::time::sleep(user_lib::time::Time::from_millis(1));
    }
    let queue = arbitrary(__NR_msgget, [0; 6])?;
    let scene = Scene { path, child: child.id(), queue };
    for (capability, ask, error) in QUESTIONS {
        let own = 1 << capability;
        let end = in_child(|| {
            // It has all others.
            give_up(own, true)?;
            ensure_eq!((capability, ask(&scene)), (capability, Err(*error)));
            Ok(0)
        })?;
        ensure_eq!((capability, end.exit_code()), (capability, Some(0)));
        let end = in_child(|| {
            let most = get()?[1];
            give_up(most & !own, true)?;
            ensure_eq!((capability, ask(&scene)), (capability, Ok(())));
            Ok(0)
        })?;
        ensure_eq!((capability, end.exit_code()), (capability, Some(0)));
    }
    arbitrary(__NR_msgctl, [queue, 0, 0, 0, 0, 0])?;
    file::remove(&scene.path)?;
    Ok(())
}

fn files_are_used_by_another_user() -> Outcome {
    let path = format!("/tmp/other-{}", process::current_id());
    file::close(file::open(&path, O_RDWR | O_CREAT, 0o600)?)?;
    let open = || file::open(&path, O_RDWR, 0).and_then(file::close);
    let be =
        |user: u32| arbitrary(__NR_setfsuid, [user as usize, 0, 0, 0, 0, 0]);
    ensure_ok(|| {
        ensure_eq!(be(NOBODY)?, 0);
        ensure_eq!(open(), Err(Errno::EACCES));
        ensure_eq!(be(u32::MAX)?, NOBODY as usize);
        let mine = format!("{path}-mine");
        file::close(file::open(&mine, O_RDWR | O_CREAT, 0o600)?)?;
        ensure_eq!(file::status(&mine)?.st_uid, NOBODY);
        file::remove(&mine)?;
        ensure_eq!(be(0)?, NOBODY as usize);
        open()?;
        Ok(0)
    })?;
    file::remove(&path)?;
    Ok(())
}

fn capabilities_outlive_a_change_of_user_where_that_is_said() -> Outcome {
    let become_nobody = || {
        let id = NOBODY as usize;
        arbitrary(__NR_setresuid, [id, id, id, 0, 0, 0])
    };
    ensure_ok(|| {
        become_nobody()?;
        ensure_eq!(get()?, [0; 3]);
        Ok(0)
    })?;
    ensure_ok(|| {
        let all = get()?[1];
        control(PR_SET_KEEPCAPS, [1, 0])?;
        become_nobody()?;
        ensure_eq!(get()?, [0, all, 0]);
        set([1 << CAP_KILL, 1 << CAP_KILL, 0])?;
        signal::send(1, 0)?;
        Ok(0)
    })
}

/// The permitted set that a program finds, as a child's shell tells.
fn of_program() -> core::result::Result<u64, Failure> {
    let words = ["grep", "CapPrm", "/proc/self/status"];
    let (text, _) = crate::tool::output_of("/bin/grep", &words)?;
    let digits = text.trim_end().rsplit('\t').next().unwrap_or("");
    u64::from_str_radix(digits, 16).map_err(|_| Failure(text.clone()))
}

fn an_exec_gives_what_the_sets_say() -> Outcome {
    let kill = 1_u64 << CAP_KILL;
    let number = CAP_KILL as usize;
    ensure_ok(|| {
        let all = get()?[1];
        ensure_eq!(of_program()?, all);
        control(PR_CAPBSET_DROP, [CAP_SYS_ADMIN as usize, 0])?;
        ensure_eq!(control(PR_CAPBSET_READ, [CAP_SYS_ADMIN as usize, 0])?, 0);
        ensure_eq!(of_program()?, all & !(1 << CAP_SYS_ADMIN));
        let unknown = control(PR_CAPBSET_READ, [41, 0]);
        ensure_eq!(unknown, Err(Errno::EINVAL));
        // Who gave something up has it back, unless it wants nothing new.
        give_up(kill, true)?;
        ensure!(of_program()? & kill != 0);
        control(PR_SET_NO_NEW_PRIVS, [1, 0])?;
        ensure!(of_program()? & kill == 0);
        Ok(0)
    })?;
    ensure_ok(|| {
        let raise = PR_CAP_AMBIENT_RAISE;
        let raised = control(PR_CAP_AMBIENT, [raise, number]);
        ensure_eq!(raised, Err(Errno::EPERM));
        let [effective, permitted, _] = get()?;
        set([effective, permitted, kill])?;
        control(PR_SET_KEEPCAPS, [1, 0])?;
        process::set_user_id(NOBODY)?;
        control(PR_CAP_AMBIENT, [raise, number])?;
        let asked = [PR_CAP_AMBIENT_IS_SET, number];
        ensure_eq!(control(PR_CAP_AMBIENT, asked)?, 1);
        ensure_eq!(of_program()?, kill);
        Ok(0)
    })
}

fn secure_bits_take_the_meaning_from_user_0() -> Outcome {
    const NO_ROOT: usize = 1;
    const NO_ROOT_LOCKED: usize = 2;
    ensure_ok(|| {
        let all = get()?[1];
        control(PR_SET_SECUREBITS, [NO_ROOT, 0])?;
        ensure_eq!(of_program()?, 0);
        control(PR_SET_SECUREBITS, [0, 0])?;
        ensure_eq!(of_program()?, all);
        let locked = NO_ROOT | NO_ROOT_LOCKED;
        control(PR_SET_SECUREBITS, [locked, 0])?;
        let freed = control(PR_SET_SECUREBITS, [0, 0]);
        ensure_eq!(freed, Err(Errno::EPERM));
        ensure_eq!(control(PR_GET_SECUREBITS, [0; 2])?, locked);
        Ok(0)
    })
}

/// Whether this process may look at a child that gives `given` up and then
/// becomes a program.
fn may_look_at_program(given: u64) -> core::result::Result<bool, Failure> {
    let child = Child::start(|| {
        if give_up(given, true).is_err() {
            return 1;
        }
        let none: [&str; 0] = [];
        process::execute("/bin/sleep", &["sleep", "1000"], &none);
        1
    })?;
    let name = format!("/proc/{}/comm", child.id());
    ensure!(soon(|| file::text(&name).as_deref() == Ok("sleep\n")));
    let ids = [process::current_id() as usize, child.id() as usize];
    let found = arbitrary(__NR_kcmp, [ids[0], ids[1], 1, 0, 0, 0]);
    signal::send(child.id(), SIGKILL)?;
    child.wait()?;
    Ok(found.is_ok())
}

fn who_gains_by_an_exec_is_not_looked_at() -> Outcome {
    ensure_ok(|| {
        control(PR_CAPBSET_DROP, [CAP_SYS_PTRACE as usize, 0])?;
        give_up(1 << CAP_SYS_PTRACE, true)?;
        ensure!(may_look_at_program(0)?);
        ensure!(!may_look_at_program(1 << CAP_KILL)?);
        Ok(0)
    })
}

fn files_are_read_and_directories_searched_by_one_capability() -> Outcome {
    let directory = fresh_path("searched");
    file::make_directory(&directory, 0o700)?;
    let path = format!("{directory}/file");
    file::close(file::open(&path, O_RDWR | O_CREAT, 0o200)?)?;
    give(&path, NOBODY)?;
    give(&directory, NOBODY)?;
    let open = |path: &str, flags: u32| {
        file::open(path, flags, 0o600).and_then(file::close)
    };
    ensure_ok(|| {
        let all = get()?[1];
        give_up(all & !(1 << CAP_DAC_READ_SEARCH), true)?;
        open(&directory, O_RDONLY | O_DIRECTORY)?;
        open(&path, O_RDONLY)?;
        ensure_eq!(open(&path, O_RDWR), Err(Errno::EACCES));
        let other = format!("{directory}/other");
        ensure_eq!(open(&other, O_RDWR | O_CREAT), Err(Errno::EACCES));
        give_up(all, true)?;
        ensure_eq!(open(&path, O_RDONLY), Err(Errno::EACCES));
        Ok(0)
    })?;
    file::remove(&path)?;
    file::remove_directory(&directory)?;
    Ok(())
}

fn a_question_for_the_real_user_is_about_what_that_may() -> Outcome {
    const R_OK: usize = 4;
    let path = fresh_path("asked");
    file::close(file::open(&path, O_RDWR | O_CREAT, 0)?)?;
    let ask = || {
        let place = format!("{path}\0");
        let words = [AT_FDCWD as usize, place.as_ptr().addr(), R_OK, 0, 0, 0];
        arbitrary(__NR_faccessat, words)
    };
    let own = usize::MAX;
    let be = |real: usize, effective: usize| {
        arbitrary(__NR_setresuid, [real, effective, own, 0, 0, 0])
    };
    ensure_ok(|| {
        be(own, NOBODY as usize)?;
        let opened = file::open(&path, O_RDONLY, 0);
        ensure_eq!(opened, Err(Errno::EACCES));
        ensure_eq!(ask(), Ok(0));
        be(own, 0)?;
        be(NOBODY as usize, own)?;
        file::close(file::open(&path, O_RDONLY, 0)?)?;
        ensure_eq!(ask(), Err(Errno::EACCES));
        Ok(0)
    })?;
    file::remove(&path)?;
    Ok(())
}
