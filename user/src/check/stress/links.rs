//! What names take of the kernel's memory: anybody may fill `/tmp` with long
//! symbolic links and with directories of long names. It ends before the
//! kernel does, nobody else dies, and root cleans up.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{
    __NR_setuid, __NR_symlinkat, AT_FDCWD, O_CREAT, O_WRONLY,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, println, system};

use crate::check::tool::{
    NOBODY, Outcome, ensure_eq, fresh_path, in_child, output_of,
};

/// Bytes of a target: nearly a page.
const LONG: usize = 4000;

/// Fills `/tmp`, so many times.
pub fn are_limited(rounds: u32) -> Outcome {
    (0..rounds).try_for_each(|_| round())
}

fn round() -> Outcome {
    let place = fresh_path("links");
    file::make_directory(&place, 0o777)?;
    file::change_mode(&place, 0o777)?;
    let status = in_child(|| {
        arbitrary(__NR_setuid, [NOBODY as usize, 0, 0, 0, 0, 0])?;
        println!("links: {} until no room was left", fill_with_links(&place)?);
        println!("links: {} directories", fill_with_directories(&place)?);
        Ok(0)
    })?;
    ensure_eq!((status.exit_code(), status.killed_by()), (Some(0), None));
    let free = system::figures()?.free / 1024;
    println!("links: {free} KiB are free");
    // Root goes on: runs programs, and removes what is there.
    let (text, status) = output_of("/bin/echo", &["echo", "well"])?;
    ensure_eq!((text.as_str(), status.exit_code()), ("well\n", Some(0)));
    let status = in_child(|| {
        let words = ["rm", "-r", "-f", place.as_str()];
        let (_, status) = output_of("/bin/rm", &words)?;
        Ok(status.exit_code().unwrap_or(1))
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(file::status(&place).err(), Some(Errno::ENOENT));
    let left = format!("{place}-after");
    file::close(file::open(&left, O_CREAT | O_WRONLY, 0o600)?)?;
    file::remove(&left)?;
    Ok(())
}

/// How many links there was room for.
fn fill_with_links(place: &str) -> Result<usize> {
    let target = "t".repeat(LONG) + "\0";
    let link = |path: String| {
        let (to, from) = (target.as_ptr() as usize, path.as_ptr() as usize);
        arbitrary(__NR_symlinkat, [to, AT_FDCWD as usize, from, 0, 0, 0])
    };
    count(|at| link(format!("{place}/{at}\0")).map(drop))
}

/// How many directories there was room for.
fn fill_with_directories(place: &str) -> Result<usize> {
    let name = "d".repeat(200);
    count(|at| file::make_directory(&format!("{place}/{name}{at}"), 0o700))
}

/// How often something can be done before there is no room.
fn count(mut make: impl FnMut(usize) -> Result<()>) -> Result<usize> {
    for at in 0.. {
        match make(at) {
            Err(Errno::ENOSPC) => return Ok(at),
            result => result?,
        }
    }
    Ok(0)
}
