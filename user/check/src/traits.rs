//! `prctl(2)`: what a process says of itself.

use user_lib::linux::{
    __NR_capget, __NR_capset, __NR_clone3, __NR_getppid, __NR_prctl,
    __NR_setuid, SIGCHLD, SIGUSR1,
};
use user_lib::process::{self, Fork};
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, Result, environment, file, time};

use crate::tool::{Outcome, ensure, ensure_eq, fresh_path, in_child, tests};
use user_lib::child::Child;

tests! {
    what_a_process_says_of_itself_is_kept
    a_child_inherits_some_of_it
    a_reaper_gets_the_children_of_its_descendants
    without_new_rights_a_set_id_program_gives_none
    root_has_all_capabilities_and_others_none
    a_child_is_made_by_arguments_in_memory
}

const SET_PDEATHSIG: u32 = 1;
const GET_PDEATHSIG: u32 = 2;
const GET_DUMPABLE: u32 = 3;
const SET_DUMPABLE: u32 = 4;
const GET_KEEPCAPS: u32 = 7;
const SET_KEEPCAPS: u32 = 8;
const SET_NAME: u32 = 15;
const GET_NAME: u32 = 16;
const SET_TIMERSLACK: u32 = 29;
const GET_TIMERSLACK: u32 = 30;
const SET_CHILD_SUBREAPER: u32 = 36;
const GET_CHILD_SUBREAPER: u32 = 37;
const SET_NO_NEW_PRIVS: u32 = 38;
const GET_NO_NEW_PRIVS: u32 = 39;

fn prctl(option: u32, value: usize) -> Result<usize> {
    let arguments = [option as usize, value, 0, 0, 0, 0];
    arbitrary(__NR_prctl, arguments)
}

fn what_a_process_says_of_itself_is_kept() -> Outcome {
    ensure_eq!(prctl(GET_DUMPABLE, 0)?, 1);
    prctl(SET_DUMPABLE, 0)?;
    ensure_eq!(prctl(GET_DUMPABLE, 0)?, 0);
    ensure_eq!(prctl(SET_DUMPABLE, 3), Err(Errno::EINVAL));
    ensure_eq!(prctl(GET_KEEPCAPS, 0)?, 0);
    prctl(SET_KEEPCAPS, 1)?;
    ensure_eq!(prctl(GET_KEEPCAPS, 0)?, 1);
    let usual = prctl(GET_TIMERSLACK, 0)?;
    prctl(SET_TIMERSLACK, 7)?;
    ensure_eq!(prctl(GET_TIMERSLACK, 0)?, 7);
    prctl(SET_TIMERSLACK, 0)?;
    ensure_eq!(prctl(GET_TIMERSLACK, 0)?, usual);
    let mut number = 0_u32;
    let place = &raw mut number as usize;
    prctl(SET_PDEATHSIG, SIGUSR1 as usize)?;
    prctl(GET_PDEATHSIG, place)?;
    ensure_eq!(number, SIGUSR1);
    ensure_eq!(prctl(SET_PDEATHSIG, 65), Err(Errno::EINVAL));
    let mut name = *b"a name that is too long\0";
    prctl(SET_NAME, name.as_mut_ptr() as usize)?;
    let mut given = [b'x'; 16];
    prctl(GET_NAME, given.as_mut_ptr() as usize)?;
    ensure_eq!(&given, b"a name that is \0");
    ensure_eq!(prctl(9999, 0), Err(Errno::EINVAL));
    Ok(())
}

fn a_child_inherits_some_of_it() -> Outcome {
    let mut number = 0_u32;
    let place = &raw mut number as usize;
    prctl(SET_CHILD_SUBREAPER, 1)?;
    prctl(SET_PDEATHSIG, SIGUSR1 as usize)?;
    ensure_eq!(prctl(GET_NO_NEW_PRIVS, 0)?, 0);
    ensure_eq!(prctl(SET_NO_NEW_PRIVS, 0), Err(Errno::EINVAL));
    prctl(SET_NO_NEW_PRIVS, 1)?;
    let status = in_child(|| {
        ensure_eq!(prctl(GET_NO_NEW_PRIVS, 0)?, 1);
        prctl(GET_PDEATHSIG, place)?;
        ensure_eq!(number, 0);
        prctl(GET_CHILD_SUBREAPER, place)?;
        ensure_eq!(number, 0);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    prctl(GET_CHILD_SUBREAPER, place)?;
    ensure_eq!(number, 1);
    Ok(())
}

fn a_reaper_gets_the_children_of_its_descendants() -> Outcome {
    prctl(SET_CHILD_SUBREAPER, 1)?;
    let own = process::current_id();
    let child = Child::start(|| {
        let Ok(Fork::Child) = process::fork() else { return 0 };
        while process::parent_id() != own {
            time::sleep(time::Time::from_millis(1));
        }
        process::exit(7)
    })?;
    let id = child.id();
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    let (orphan, status) =
        process::wait(-1, 0)?.unwrap_or((0, process::WaitStatus(0)));
    ensure!(orphan != id && orphan > 0);
    ensure_eq!(status.exit_code(), Some(7));
    Ok(())
}

/// Makes a child that has the same directories, and not the pipe `to`, until
/// its parent is gone.
fn share_directories(to: i32) -> Result<()> {
    const CLONE_FS: u64 = 0x200;
    let mut words = [0_u64; 11];
    (words[0], words[4]) = (CLONE_FS, SIGCHLD.into());
    let parent = process::current_id() as usize;
    let arguments = [words.as_ptr() as usize, 88, 0, 0, 0, 0];
    if arbitrary(__NR_clone3, arguments)? > 0 {
        return Ok(());
    }
    file::close(to)?;
    while arbitrary(__NR_getppid, [0; 6])? == parent {
        time::sleep(Time::from_millis(1));
    }
    process::exit(0)
}

fn without_new_rights_a_set_id_program_gives_none() -> Outcome {
    let path = fresh_path("rights");
    file::overwrite(&path, &[]).or_else(|_| {
        file::close(file::open(
            &path,
            user_lib::linux::O_CREAT | user_lib::linux::O_WRONLY,
            0o755,
        )?)
    })?;
    file::overwrite(&path, &file::contents("/bin/cat")?)?;
    file::change_mode(&path, 0o4755)?;
    for (no_new, is_led, expected) in
        [(0, false, "0"), (1, false, "1000"), (0, true, "1000")]
    {
        let [from, to] = file::pipe(user_lib::linux::O_CLOEXEC)?;
        let child = Child::start(|| {
            let run = || -> Result<Errno> {
                if is_led {
                    share_directories(to)?;
                }
                file::duplicate(to, 1, 0)?;
                if no_new == 1 {
                    prctl(SET_NO_NEW_PRIVS, 1)?;
                }
                arbitrary(__NR_setuid, [1000, 0, 0, 0, 0, 0])?;
                let words = ["cat", "/proc/self/status"];
                Ok(process::execute(&path, &words, &environment()))
            };
            i32::from(run().is_ok())
        })?;
        file::close(to)?;
        let text = file::read_to_end(from)?;
        file::close(from)?;
        ensure_eq!(child.wait()?.exit_code(), Some(0));
        let text = alloc::string::String::from_utf8_lossy(&text).into_owned();
        let line = text.lines().find(|line| line.starts_with("Uid:"));
        let mut words = line.unwrap_or("").split_whitespace();
        ensure_eq!(words.nth(2), Some(expected));
        let told = text.contains(&alloc::format!("NoNewPrivs:\t{no_new}\n"));
        ensure!(told);
    }
    file::remove(&path)?;
    Ok(())
}

/// The two sets of `capget`, each effective, permitted, inheritable.
type Capabilities = [[u32; 3]; 2];

fn capabilities() -> Result<Capabilities> {
    let (header, mut sets) = ([0x2008_0522_u32, 0], Capabilities::default());
    let places = [header.as_ptr() as usize, sets.as_mut_ptr() as usize];
    arbitrary(__NR_capget, [places[0], places[1], 0, 0, 0, 0])?;
    Ok(sets)
}

fn root_has_all_capabilities_and_others_none() -> Outcome {
    let all = capabilities()?;
    ensure_eq!(all, [[u32::MAX, u32::MAX, 0], [0x1ff, 0x1ff, 0]]);
    let header = [0x2008_0522_u32, 0];
    let set = |sets: &Capabilities| {
        let places = [header.as_ptr() as usize, sets.as_ptr() as usize];
        arbitrary(__NR_capset, [places[0], places[1], 0, 0, 0, 0])
    };
    ensure_eq!(set(&all), Ok(0));
    let status = in_child(|| {
        ensure_eq!(set(&Capabilities::default()), Ok(0));
        ensure_eq!(capabilities()?, Capabilities::default());
        ensure_eq!(set(&all), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    // An unknown version is answered with the known one.
    let mut header = [1_u32, 0];
    let place = header.as_mut_ptr() as usize;
    let asked = arbitrary(__NR_capget, [place, place, 0, 0, 0, 0]);
    ensure_eq!(asked, Err(Errno::EINVAL));
    ensure_eq!(core::hint::black_box(header)[0], 0x2008_0522);
    let status = in_child(|| {
        arbitrary(__NR_setuid, [1000, 0, 0, 0, 0, 0])?;
        ensure_eq!(capabilities()?, Capabilities::default());
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn a_child_is_made_by_arguments_in_memory() -> Outcome {
    let clone = |words: &[u64], size: usize| {
        let place = words.as_ptr() as usize;
        arbitrary(__NR_clone3, [place, size, 0, 0, 0, 0])
    };
    let mut words = [0_u64; 13];
    words[4] = SIGCHLD.into();
    ensure_eq!(clone(&words, 63), Err(Errno::EINVAL));
    ensure_eq!(clone(&words, 4097), Err(Errno::E2BIG));
    words[12] = 1;
    ensure_eq!(clone(&words, 104), Err(Errno::E2BIG));
    // A stack without a length.
    words[5] = 4096;
    ensure_eq!(clone(&words, 88), Err(Errno::EINVAL));
    words[5] = 0;
    let child = clone(&words, 88)?;
    if child == 0 {
        process::exit(5);
    }
    ensure_eq!(process::wait_for(child as i32)?.exit_code(), Some(5));
    Ok(())
}
