//! Things made and unmade many times: every page must come back.

use alloc::format;
use alloc::vec::Vec;

use user_lib::linux::{O_CREAT, O_RDWR, SIGKILL};
use user_lib::{environment, file, process, signal, time};

use super::usage::ensure_none_lost;
use crate::tool::{Outcome, ensure_eq};
use user_lib::child::Child;

/// Children that exit, are killed, run another program, or fail to.
pub fn fork_and_execute(rounds: u32) -> Outcome {
    ensure_none_lost(|| (0..rounds).try_for_each(|_| family()))
}

fn family() -> Outcome {
    let exits = Child::start(|| 3)?;
    ensure_eq!(exits.wait()?.exit_code(), Some(3));
    let killed = Child::start(|| {
        time::sleep(time::Time::from_millis(1 << 40));
        0
    })?;
    signal::send(killed.id(), SIGKILL)?;
    ensure_eq!(killed.wait()?.killed_by(), Some(SIGKILL));
    for (path, status) in [("/bin/true", 0), ("/bin/nothing", 99)] {
        let child = Child::start(|| {
            process::execute(path, &["true"], &environment());
            99
        })?;
        ensure_eq!(child.wait()?.exit_code(), Some(status));
    }
    let child = process::spawn("/bin/true", &["true"], &environment())?;
    ensure_eq!(process::wait_for(child)?.exit_code(), Some(0));
    Ok(())
}

/// Files, directories, links and pipes.
pub fn files(rounds: u32) -> Outcome {
    ensure_none_lost(|| (0..rounds).try_for_each(file_round))
}

fn file_round(round: u32) -> Outcome {
    let directory = format!("/tmp/churn-{round}");
    file::make_directory(&directory, 0o755)?;
    let mut names = Vec::new();
    for index in 0..10 {
        let name = format!("{directory}/{index}");
        let descriptor = file::open(&name, O_CREAT | O_RDWR, 0o600)?;
        file::write_all(descriptor, &[7; 9000])?;
        file::truncate(descriptor, 5000)?;
        file::close(descriptor)?;
        names.push(name);
    }
    file::link(&names[0], &format!("{directory}/hard"))?;
    file::symbolic_link(&names[0], &format!("{directory}/soft"))?;
    file::rename(&names[1], &names[2], 0)?;
    names.remove(1);
    names.push(format!("{directory}/hard"));
    names.push(format!("{directory}/soft"));
    names.iter().try_for_each(|name| file::remove(name))?;
    file::remove_directory(&directory)?;
    let [from, to] = file::pipe(0)?;
    file::write(to, &[1; 8000])?;
    file::close(from)?;
    file::close(to)?;
    Ok(())
}

/// Children whose parent ends first, which `init` must reap.
pub fn orphans(rounds: u32) -> Outcome {
    ensure_none_lost(|| (0..rounds).try_for_each(|_| orphan()))
}

fn orphan() -> Outcome {
    let parent = Child::start(|| {
        for micros in [0, 100, 1000] {
            let child = Child::start(|| {
                time::sleep(time::Time::from_nanos(micros * 1000));
                0
            });
            // Neither waited for nor killed.
            core::mem::forget(child);
        }
        0
    })?;
    ensure_eq!(parent.wait()?.exit_code(), Some(0));
    Ok(())
}
