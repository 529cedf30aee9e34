//! The texts of `/proc`, `/sys` and groups: each of them can be read.
//!
//! A kernel with checks looks at itself meanwhile: it panics if it makes a
//! text under a spin lock.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{__NR_setgroups, O_NONBLOCK, O_RDONLY};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, directory, file, process};

use crate::group::Mount;
use crate::tool::{
    Failure, NOBODY, Outcome, ensure, ensure_eq, in_child, tests,
};

tests! {
    every_text_can_be_read
    a_core_pattern_is_a_name
    every_text_can_be_read_or_is_refused
}

const DT_DIR: u8 = 4;
const DT_REG: u8 = 8;
/// Directories in one another, at the most.
const DEPTH: usize = 12;
/// Texts that there are at least, with a process or two.
const TEXTS: usize = 100;
/// What is not read any further.
const LONG: usize = 4 << 20;

/// What a file answers that has nothing for the reader: it is not his, is
/// only written, or is about a process that is gone.
const REFUSALS: [Errno; 6] = [
    Errno::EACCES,
    Errno::EPERM,
    Errno::ENOENT,
    Errno::ESRCH,
    Errno::EINVAL,
    Errno::EAGAIN,
];

/// How many texts there were, and how many were refused.
#[derive(Default)]
struct Found {
    read: usize,
    refused: usize,
}

fn a_core_pattern_is_a_name() -> Outcome {
    const PATTERN: &str = "/proc/sys/kernel/core_pattern";
    let old = file::text(PATTERN)?;
    let piped = file::overwrite(PATTERN, b"|/bin/cat\n");
    ensure_eq!(piped, Err(Errno::EOPNOTSUPP));
    ensure_eq!(file::text(PATTERN)?, old);
    file::overwrite(PATTERN, b"\n")?;
    ensure_eq!(file::text(PATTERN)?, "\n");
    file::overwrite(PATTERN, old.as_bytes())?;
    Ok(())
}

fn every_text_can_be_read() -> Outcome {
    let groups = [Mount::v1()?, Mount::v2()?];
    let nested = [groups[0].group("text")?, groups[1].group("text")?];
    let mut found = walk_all()?;
    for group in nested.iter().map(|group| group.name()) {
        walk(group, DEPTH, &mut found)?;
    }
    ensure!(found.read > TEXTS);
    Ok(())
}

fn every_text_can_be_read_or_is_refused() -> Outcome {
    let status = in_child(|| {
        let groups: [u32; 3] = [7, 8, 9];
        let place = groups.as_ptr() as usize;
        arbitrary(__NR_setgroups, [groups.len(), place, 0, 0, 0, 0])?;
        process::set_user_id(NOBODY)?;
        let found = walk_all()?;
        ensure!(found.read > TEXTS && found.refused > 0);
        Ok(0)
    })?;
    ensure!(status.exit_code() == Some(0));
    Ok(())
}

fn walk_all() -> core::result::Result<Found, Failure> {
    let mut found = Found::default();
    for top in ["/proc", "/sys"] {
        walk(top, DEPTH, &mut found)?;
    }
    Ok(found)
}

/// Reads all files below a directory.
fn walk(place: &str, depth: usize, found: &mut Found) -> Outcome {
    let entries = match directory::entries(place) {
        Err(error) if REFUSALS.contains(&error) => {
            found.refused += 1;
            return Ok(());
        }
        entries => entries?,
    };
    for entry in entries {
        let path = format!("{place}/{}", entry.name);
        match entry.kind {
            DT_DIR if depth > 0 => walk(&path, depth - 1, found)?,
            DT_REG => read(path, found)?,
            _ => {}
        }
    }
    Ok(())
}

fn read(path: String, found: &mut Found) -> Outcome {
    match length(&path) {
        Ok(_) => found.read += 1,
        Err(error) if REFUSALS.contains(&error) => found.refused += 1,
        Err(error) => return Err(Failure(format!("{path}: {error}"))),
    }
    Ok(())
}

/// Bytes of a file, read in pieces.
fn length(path: &str) -> Result<usize> {
    let descriptor = file::open(path, O_RDONLY | O_NONBLOCK, 0)?;
    let mut piece = [0; 1024];
    let mut length = 0;
    let result = loop {
        match file::read(descriptor, &mut piece) {
            Ok(0) => break Ok(length),
            Ok(more) if length + more > LONG => break Ok(length),
            Ok(more) => length += more,
            Err(error) => break Err(error),
        }
    };
    file::close(descriptor)?;
    result
}
