//! How bytes pass between the two ends of a pseudo terminal, and who waits.

use alloc::vec::Vec;

use user_lib::linux::{O_NONBLOCK, O_RDWR, POLLOUT, SIGKILL};
use user_lib::{Errno, Result, file, signal, terminal};

use super::{Master, events, read};
use crate::freezer::{freeze, wait_for_place};
use crate::tool::{Outcome, ensure, ensure_eq, in_background, tests};

tests! {
    neither_end_takes_more_than_there_is_room_for
    nothing_is_lost_between_two_busy_ends
    a_freeze_ends_no_wait_at_either_end
    a_sleeper_at_a_pair_can_be_killed
}

fn set_nonblocking(end: i32) -> Result<()> {
    const SET_FLAGS: u32 = 4;
    file::control(end, SET_FLAGS, (O_RDWR | O_NONBLOCK) as usize).map(drop)
}

/// Writes until nothing more is taken; how much was.
fn fill(end: i32) -> Result<usize> {
    let mut sum = 0;
    loop {
        match file::write(end, &[b'x'; 100]) {
            Ok(count) => sum += count,
            Err(Errno::EAGAIN) => return Ok(sum),
            Err(error) => return Err(error),
        }
    }
}

/// Reads until there is nothing; how much there was.
fn drain(end: i32) -> Result<usize> {
    let mut sum = 0;
    loop {
        match read(end) {
            Ok(bytes) => sum += bytes.len(),
            Err(Errno::EAGAIN) => return Ok(sum),
            Err(error) => return Err(error),
        }
    }
}

fn neither_end_takes_more_than_there_is_room_for() -> Outcome {
    let master = Master::new()?;
    let end = master.open_raw()?;
    set_nonblocking(master.end)?;
    set_nonblocking(end)?;
    for (from, to) in [(master.end, end), (end, master.end)] {
        let filled = fill(from)?;
        ensure!((3000..=8192).contains(&filled));
        ensure_eq!(events(from, POLLOUT)?, 0);
        ensure_eq!(drain(to)?, filled);
        ensure_eq!(events(from, POLLOUT)?, POLLOUT);
    }
    file::close(end)?;
    Ok(())
}

/// So many bytes pass each way.
const MANY: usize = 200_000;

fn pattern(at: usize) -> u8 {
    (at % 251) as u8
}

fn send_pattern(end: i32) -> Outcome {
    let mut sent = 0;
    while sent < MANY {
        let size = (sent % 700 + 1).min(MANY - sent);
        let bytes: Vec<u8> = (sent..sent + size).map(pattern).collect();
        file::write_all(end, &bytes)?;
        sent += size;
    }
    Ok(())
}

fn expect_pattern(end: i32) -> Outcome {
    let mut seen = 0;
    while seen < MANY {
        for byte in read(end)? {
            ensure_eq!(byte, pattern(seen));
            seen += 1;
        }
    }
    ensure_eq!(seen, MANY);
    Ok(())
}

fn nothing_is_lost_between_two_busy_ends() -> Outcome {
    let master = Master::new()?;
    let end = master.open_raw()?;
    let mut settings = terminal::settings(end)?;
    // No byte means anything, not even the ones that stop output.
    settings.c_iflag = 0;
    settings.c_lflag = 0;
    terminal::set_settings(end, &settings)?;
    let children = [
        in_background(|| send_pattern(master.end))?,
        in_background(|| expect_pattern(end))?,
        in_background(|| send_pattern(end))?,
    ];
    expect_pattern(master.end)?;
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    file::close(end)?;
    Ok(())
}

/// A wait: where it sleeps, what it does, and what ends it.
type Wait = (&'static str, fn(i32, i32) -> Outcome, fn(i32, i32) -> Outcome);

fn write_much(end: i32) -> Outcome {
    Ok(file::write_all(end, &[b'x'; 20_000])?)
}

fn read_much(end: i32) -> Outcome {
    let mut left = 20_000;
    while left > 0 {
        left -= read(end)?.len();
    }
    Ok(())
}

const WAITS: [Wait; 4] = [
    (
        "n_tty_read",
        |_, end| Ok(read(end).map(drop)?),
        |master, _| Ok(file::write_all(master, b"x")?),
    ),
    (
        "n_tty_read",
        |master, _| Ok(read(master).map(drop)?),
        |_, end| Ok(file::write_all(end, b"x")?),
    ),
    ("n_tty_write", |master, _| write_much(master), |_, end| read_much(end)),
    ("tty_write", |_, end| write_much(end), |master, _| read_much(master)),
];

// spec: X8 S1
fn a_freeze_ends_no_wait_at_either_end() -> Outcome {
    for (place, wait, end_it) in WAITS {
        let master = Master::new()?;
        let end = master.open_raw()?;
        let child = in_background(|| wait(master.end, end))?;
        wait_for_place(child.id(), place)?;
        freeze(0)?;
        wait_for_place(child.id(), place)?;
        end_it(master.end, end)?;
        ensure_eq!((place, child.wait()?.exit_code()), (place, Some(0)));
        file::close(end)?;
    }
    Ok(())
}

fn a_sleeper_at_a_pair_can_be_killed() -> Outcome {
    for (place, wait, _) in WAITS {
        let master = Master::new()?;
        let end = master.open_raw()?;
        let child = in_background(|| wait(master.end, end))?;
        wait_for_place(child.id(), place)?;
        signal::send(child.id(), SIGKILL)?;
        ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
        file::close(end)?;
    }
    Ok(())
}
