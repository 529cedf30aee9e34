//! What names take of the kernel's memory: anybody may fill `/tmp` with long
//! symbolic links and with directories of long names. It ends before the
//! kernel does, nobody else dies, and root cleans up.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{__NR_symlinkat, AT_FDCWD, O_CREAT, O_WRONLY};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, println, process, system};

use crate::tool::{
    NOBODY, Outcome, ensure, ensure_eq, fresh_path, in_child, output_of, soon,
};

/// Bytes of a target: nearly a page.
const LONG: usize = 4000;

/// What fills a directory until there is no room: a name, and how many there
/// were.
type Filler = (&'static str, fn(&str) -> Result<usize>);

const FILLERS: [Filler; 3] = [
    ("links", fill_with_links),
    ("directories", fill_with_directories),
    ("files", fill_with_files),
];

/// Fills `/tmp`, so many times.
pub fn are_limited(rounds: u32) -> Outcome {
    (0..rounds)
        .try_for_each(|_| FILLERS.iter().try_for_each(|filler| round(*filler)))
}

fn round((name, fill): Filler) -> Outcome {
    let place = fresh_path("links");
    file::make_directory(&place, 0o777)?;
    file::change_mode(&place, 0o777)?;
    let before = system::figures()?.free;
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        println!("links: {} {name} until no room was left", fill(&place)?);
        Ok(0)
    })?;
    ensure_eq!((status.exit_code(), status.killed_by()), (Some(0), None));
    let free = system::figures()?.free;
    println!("links: {} of {} KiB are free", free / 1024, before / 1024);
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
    ensure_memory_is_back(before)?;
    let left = format!("{place}-after");
    file::close(file::open(&left, O_CREAT | O_WRONLY, 0o600)?)?;
    file::remove(&left)?;
    Ok(())
}

/// Fails unless as much memory is free as before, but for a fiftieth of all.
fn ensure_memory_is_back(before: u64) -> Outcome {
    let lost = || {
        let now = system::figures().map_or(0, |figures| figures.free);
        before.saturating_sub(now)
    };
    let most = system::figures()?.total / 50;
    let is_back = soon(|| lost() <= most);
    println!("links: {} KiB stay lost", lost() / 1024);
    ensure!(is_back);
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

/// How many empty files there was room for, each with two names.
fn fill_with_files(place: &str) -> Result<usize> {
    count(|at| {
        let name = format!("{place}/{at}");
        file::close(file::open(&name, O_CREAT | O_WRONLY, 0o600)?)?;
        file::link(&name, &format!("{name}-too"))
    })
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
