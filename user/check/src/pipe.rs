//! Pipes.

use user_lib::linux::{
    F_GETFL, F_SETFL, O_NONBLOCK, POLLERR, POLLHUP, POLLIN, POLLOUT, SIGPIPE,
};
use user_lib::signal::{self, Action};
use user_lib::terminal::{poll, poll_entry};
use user_lib::time::Time;
use user_lib::{Errno, file, time};

use crate::tool::{Outcome, ensure, ensure_eq, in_child, tests};
use user_lib::child::Child;

tests! {
    bytes_come_out_as_they_went_in
    a_read_gives_what_is_there
    the_end_is_seen_when_writers_are_gone
    a_write_without_readers_is_epipe_and_sigpipe
    a_reader_waits_for_a_writer
    a_writer_waits_for_room
    nonblocking_ends_never_wait
    small_writes_are_not_mixed
    poll_tells_what_can_be_done
    poll_waits_and_times_out
    the_wrong_end_is_refused
    seeking_is_refused
}

fn bytes_come_out_as_they_went_in() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let child = Child::start(|| {
        let _ = file::close(from);
        let bytes: alloc::vec::Vec<u8> =
            (0..200_000u32).map(|index| (index % 251) as u8).collect();
        i32::from(file::write_all(to, &bytes).is_err())
    })?;
    file::close(to)?;
    let bytes = file::read_to_end(from)?;
    ensure_eq!(bytes.len(), 200_000);
    let is_right = |(index, byte): (usize, &u8)| *byte as usize == index % 251;
    ensure!(bytes.iter().enumerate().all(is_right));
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn a_read_gives_what_is_there() -> Outcome {
    let [from, to] = file::pipe(0)?;
    file::write(to, b"abc")?;
    file::write(to, b"de")?;
    let mut buffer = [0; 10];
    ensure_eq!(file::read(from, &mut buffer[..2])?, 2);
    ensure_eq!(file::read(from, &mut buffer)?, 3);
    ensure_eq!(&buffer[..3], b"cde");
    ensure_eq!(file::read(from, &mut [])?, 0);
    Ok(())
}

fn the_end_is_seen_when_writers_are_gone() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let child = Child::start(|| {
        time::sleep(Time::from_millis(20));
        0
    })?;
    file::write(to, b"x")?;
    file::close(to)?;
    let mut buffer = [0; 4];
    ensure_eq!(file::read(from, &mut buffer)?, 1);
    // The child still holds the other end; then it is gone.
    ensure_eq!(file::read(from, &mut buffer)?, 0);
    ensure_eq!(file::read(from, &mut buffer)?, 0);
    child.wait()?;
    Ok(())
}

fn a_write_without_readers_is_epipe_and_sigpipe() -> Outcome {
    let [from, to] = file::pipe(0)?;
    file::close(from)?;
    let status = in_child(|| {
        file::write(to, b"x")?;
        Ok(0)
    })?;
    ensure_eq!(status.killed_by(), Some(SIGPIPE));
    signal::set_action(SIGPIPE, Action::Ignore, 0, 0)?;
    ensure_eq!(file::write(to, b"x"), Err(Errno::EPIPE));
    Ok(())
}

fn a_reader_waits_for_a_writer() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let start = time::monotonic();
    let child = Child::start(|| {
        time::sleep(Time::from_millis(30));
        i32::from(file::write(to, b"late") != Ok(4))
    })?;
    let mut buffer = [0; 8];
    ensure_eq!(file::read(from, &mut buffer)?, 4);
    ensure!(time::monotonic() - start >= Time::from_millis(30));
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

/// How much a pipe takes before it is full.
const CAPACITY: usize = 65_536;

fn a_writer_waits_for_room() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let start = time::monotonic();
    let child = Child::start(|| {
        time::sleep(Time::from_millis(30));
        let mut buffer = [0; 4096];
        let mut total = 0;
        while total < CAPACITY + 1 {
            total += file::read(from, &mut buffer).unwrap_or(CAPACITY);
        }
        i32::from(total != CAPACITY + 1)
    })?;
    let block = alloc::vec![1; CAPACITY + 1];
    ensure_eq!(file::write(to, &block)?, CAPACITY + 1);
    ensure!(time::monotonic() - start >= Time::from_millis(30));
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn nonblocking_ends_never_wait() -> Outcome {
    let [from, to] = file::pipe(O_NONBLOCK)?;
    let mut buffer = [0; 4096];
    ensure_eq!(file::read(from, &mut buffer), Err(Errno::EAGAIN));
    let mut total = 0;
    while let Ok(count) = file::write(to, &buffer) {
        total += count;
    }
    ensure_eq!(total, CAPACITY);
    ensure_eq!(file::write(to, b"x"), Err(Errno::EAGAIN));
    ensure_eq!(file::read(from, &mut buffer)?, 4096);
    ensure_eq!(file::write(to, &buffer)?, 4096);
    let flags = file::control(from, F_GETFL, 0)?;
    ensure_eq!(flags as u32 & O_NONBLOCK, O_NONBLOCK);
    file::control(from, F_SETFL, 0)?;
    ensure_eq!(file::control(from, F_GETFL, 0)? as u32 & O_NONBLOCK, 0);
    Ok(())
}

/// Writes of at most `PIPE_BUF` bytes come out in one piece each.
fn small_writes_are_not_mixed() -> Outcome {
    const BLOCK: usize = 4096;
    const BLOCKS: usize = 40;
    let [from, to] = file::pipe(0)?;
    let writer = |letter: u8| {
        Child::start(move || {
            let block = [letter; BLOCK];
            let all = (0..BLOCKS).all(|_| file::write(to, &block) == Ok(BLOCK));
            i32::from(!all)
        })
    };
    let (first, second) = (writer(b'a')?, writer(b'b')?);
    file::close(to)?;
    let bytes = file::read_to_end(from)?;
    ensure_eq!(bytes.len(), 2 * BLOCK * BLOCKS);
    let is_whole = |block: &[u8]| block.iter().all(|byte| *byte == block[0]);
    ensure!(bytes.chunks(BLOCK).all(is_whole));
    ensure_eq!(first.wait()?.exit_code(), Some(0));
    ensure_eq!(second.wait()?.exit_code(), Some(0));
    Ok(())
}

/// What `poll` says of one descriptor at once.
fn ready(descriptor: i32, events: u32) -> user_lib::Result<u32> {
    let mut entries = [poll_entry(descriptor, events)];
    let count = poll(&mut entries, Some(Time::default()), None)?;
    let found = entries[0].revents as u16;
    Ok(if count == 0 { 0 } else { u32::from(found) })
}

fn poll_tells_what_can_be_done() -> Outcome {
    let [from, to] = file::pipe(0)?;
    ensure_eq!(ready(from, POLLIN)?, 0);
    ensure_eq!(ready(to, POLLOUT)?, POLLOUT);
    file::write(to, b"x")?;
    ensure_eq!(ready(from, POLLIN)?, POLLIN);
    file::close(to)?;
    ensure_eq!(ready(from, POLLIN)?, POLLIN | POLLHUP);
    file::read(from, &mut [0])?;
    ensure_eq!(ready(from, POLLIN)?, POLLHUP);
    let [from, to] = file::pipe(0)?;
    file::close(from)?;
    ensure_eq!(ready(to, POLLOUT)?, POLLOUT | POLLERR);
    ensure_eq!(ready(99, POLLIN)?, user_lib::linux::POLLNVAL);
    ensure_eq!(ready(-1, POLLIN)?, 0);
    Ok(())
}

fn poll_waits_and_times_out() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let mut entries = [poll_entry(from, POLLIN)];
    let start = time::monotonic();
    ensure_eq!(poll(&mut entries, Some(Time::from_millis(20)), None)?, 0);
    ensure!(time::monotonic() - start >= Time::from_millis(20));
    let child = Child::start(|| {
        time::sleep(Time::from_millis(20));
        i32::from(file::write(to, b"x").is_err())
    })?;
    ensure_eq!(poll(&mut entries, None, None)?, 1);
    ensure_eq!(entries[0].revents as u32, POLLIN);
    child.wait()?;
    Ok(())
}

fn the_wrong_end_is_refused() -> Outcome {
    let [from, to] = file::pipe(0)?;
    ensure_eq!(file::write(from, b"x"), Err(Errno::EBADF));
    ensure_eq!(file::read(to, &mut [0]), Err(Errno::EBADF));
    ensure_eq!(file::pipe(0x8000_0000), Err(Errno::EINVAL));
    Ok(())
}

fn seeking_is_refused() -> Outcome {
    let [from, _] = file::pipe(0)?;
    ensure_eq!(file::seek(from, 0, 0), Err(Errno::ESPIPE));
    Ok(())
}
