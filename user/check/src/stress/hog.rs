//! Programs that take all there is: memory, processes, space in files.

use alloc::vec::Vec;

use user_lib::linux::{
    F_SETPIPE_SZ, O_CREAT, O_NONBLOCK, O_RDWR, SIGKILL, SIGPIPE,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::process::{self, Fork};
use user_lib::signal::{self, Action};
use user_lib::time::{self, Time};
use user_lib::{Errno, file, println, system};

use super::usage::ensure_none_lost;
use crate::tool::{Outcome, ensure, ensure_eq, fresh_path};
use user_lib::child::Child;

/// A program that touches more memory than there is gets killed, and the log
/// says so; nobody else notices.
pub fn is_killed(rounds: u32) -> Outcome {
    ensure_none_lost(|| (0..rounds).try_for_each(|_| hog()))
}

fn hog() -> Outcome {
    hog_of(Sharing::Private)?;
    hog_of(Sharing::Shared)
}

fn hog_of(sharing: Sharing) -> Outcome {
    let bystander = Child::start(|| {
        time::sleep(Time::from_millis(1 << 40));
        0
    })?;
    let hog = Child::start(|| i32::from(take_all(sharing).is_err()))?;
    let id = hog.id();
    ensure_eq!(hog.wait()?.killed_by(), Some(SIGKILL));
    ensure!(is_victim(id)?);
    ensure_eq!(process::wait(bystander.id(), user_lib::linux::WNOHANG)?, None);
    Ok(())
}

/// Whether the kernel has logged that it ended this process for its memory.
///
/// # Errors
/// Those of `syslog(2)`.
pub fn is_victim(id: i32) -> user_lib::Result<bool> {
    let log = system::log()?;
    let log = alloc::string::String::from_utf8_lossy(&log);
    let line = alloc::format!("Out of memory: Killed process {id} (");
    Ok(log.contains(&line))
}

/// Touches page after page, twice as much as there is.
fn take_all(sharing: Sharing) -> user_lib::Result<()> {
    const PIECE: usize = 8 << 20;
    let total = system::figures()?.total as usize;
    let mut pieces = Vec::new();
    for _ in 0..total * 2 / PIECE {
        let piece = Mapping::new(PIECE, sharing)?;
        (0..PIECE).step_by(PAGE_SIZE).for_each(|at| piece.write(at, 1));
        pieces.push(piece);
    }
    Ok(())
}

/// Every process makes more, until no more can be made; then all die.
pub fn bomb_is_survived(rounds: u32) -> Outcome {
    ensure_none_lost(|| (0..rounds).try_for_each(|_| bomb()))
}

fn bomb() -> Outcome {
    let fuse = Child::start(|| {
        let _ = process::set_group(0, 0);
        loop {
            match process::fork() {
                Ok(Fork::Child) => {}
                Ok(Fork::Parent(_)) => {}
                Err(_) => time::sleep(Time::from_millis(10)),
            }
        }
    })?;
    let group = fuse.id();
    let _ = process::set_group(group, group);
    time::sleep(Time::from_millis(1000));
    println!("bomb: {} processes", system::figures()?.processes);
    // New ones may be made meanwhile: until nobody is left.
    while signal::send(-group, SIGKILL).is_ok() {
        let _ = process::wait(group, user_lib::linux::WNOHANG);
        time::sleep(Time::from_millis(10));
    }
    core::mem::forget(fuse);
    Ok(())
}

/// Files and pipes grow until there is no room, and the room comes back.
pub fn growth_ends(rounds: u32) -> Outcome {
    ensure_none_lost(|| {
        (0..rounds).try_for_each(|_| {
            grow_file()?;
            grow_pipes()
        })
    })
}

fn grow_file() -> Outcome {
    let path = fresh_path("growth");
    let descriptor = file::open(&path, O_CREAT | O_RDWR, 0o600)?;
    let bytes = alloc::vec![3; 1 << 20];
    let error = loop {
        match file::write(descriptor, &bytes) {
            Ok(count) => ensure!(count > 0),
            Err(error) => break error,
        }
    };
    let size = file::descriptor_status(descriptor)?.st_size;
    file::close(descriptor)?;
    file::remove(&path)?;
    println!("file: {error} at {} MiB", size >> 20);
    ensure!(matches!(error, Errno::ENOSPC | Errno::ENOMEM));
    Ok(())
}

/// As many full pipes as one process may have, in two processes.
fn grow_pipes() -> Outcome {
    signal::set_action(SIGPIPE, Action::Ignore, 0, 0)?;
    let [held, holder] = file::pipe(0)?;
    let mut children = Vec::new();
    for _ in 0..2 {
        let [from, to] = file::pipe(0)?;
        children.push(Child::start(|| {
            let _ = file::close(holder);
            let result = fill_pipes();
            // Tells that it is full, even without memory for a byte.
            let _ = file::close(to);
            // Until the parent is gone.
            let _ = file::read(held, &mut [0]);
            i32::from(result.is_err())
        })?);
        file::close(to)?;
        ensure_eq!(file::read(from, &mut [0])?, 0);
        file::close(from)?;
    }
    println!("pipes: free {} KiB", system::figures()?.free / 1024);
    file::close(holder)?;
    for child in children {
        // Its pipes count for it where memory ends.
        let id = child.id();
        let end = child.wait()?;
        let was_killed = end.killed_by() == Some(SIGKILL) && is_victim(id)?;
        ensure!(was_killed || end.exit_code() == Some(0));
    }
    file::close(held)?;
    Ok(())
}

fn fill_pipes() -> user_lib::Result<()> {
    let bytes = [5; 4096];
    loop {
        let pipe = match file::pipe(O_NONBLOCK) {
            Ok(pipe) => pipe,
            Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Larger where that is allowed.
        let _ = file::control(pipe[1], F_SETPIPE_SZ, 1 << 20);
        while file::write(pipe[1], &bytes).is_ok() {}
    }
}
