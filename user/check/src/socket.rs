//! Connected sockets, and pipes that are copied.

use alloc::vec::Vec;

use user_lib::linux::{
    __NR_getsockopt, __NR_recvfrom, __NR_sendto, __NR_shutdown, __NR_socket,
    __NR_socketpair, __NR_tee, __NR_vmsplice, O_NONBLOCK, POLLHUP, POLLIN,
    POLLOUT, SIGPIPE,
};
use user_lib::signal::{self, Action};
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, Result, file, process, terminal};

use crate::freezer::{wait_for_place, wait_for_state};
use crate::tool::{Outcome, ensure_eq, in_background, tests};
use user_lib::child::Child;

tests! {
    bytes_go_both_ways_through_a_pair
    the_end_of_one_side_is_seen
    a_pair_knows_what_it_is
    waiting_for_a_pair_ends
    shutting_a_socket_ends_every_wait_at_it
    tee_leaves_what_it_copies
    a_look_does_not_keep_the_wake_up_of_a_reader
    a_look_at_nothing_returns
    user_memory_goes_into_a_pipe_and_back
}

const UNIX: usize = 1;
const STREAM: usize = 1;
const PEEK: usize = 2;
const DO_NOT_WAIT: usize = 0x40;
const NO_SIGNAL: usize = 0x4000;
/// Ways to shut.
const IN: usize = 0;
const OUT: usize = 1;
const BOTH: usize = 2;

fn pair(flags: u32) -> Result<[i32; 2]> {
    let mut ends = [0; 2];
    let kind = STREAM | flags as usize;
    let place = ends.as_mut_ptr() as usize;
    arbitrary(__NR_socketpair, [UNIX, kind, 0, place, 0, 0])?;
    Ok(ends)
}

fn send(end: i32, bytes: &[u8], flags: usize) -> Result<usize> {
    let (place, length) = (bytes.as_ptr() as usize, bytes.len());
    arbitrary(__NR_sendto, [end as usize, place, length, flags, 0, 0])
}

fn receive(end: i32, bytes: &mut [u8], flags: usize) -> Result<usize> {
    let (place, length) = (bytes.as_mut_ptr() as usize, bytes.len());
    arbitrary(__NR_recvfrom, [end as usize, place, length, flags, 0, 0])
}

fn shut(end: i32, how: usize) -> Result<usize> {
    arbitrary(__NR_shutdown, [end as usize, how, 0, 0, 0, 0])
}

fn bytes_go_both_ways_through_a_pair() -> Outcome {
    let [one, other] = pair(0)?;
    let mut found = [0; 8];
    ensure_eq!(file::write(one, b"there")?, 5);
    ensure_eq!(send(other, b"back", 0)?, 4);
    ensure_eq!(receive(other, &mut found, PEEK)?, 5);
    ensure_eq!(file::read(other, &mut found)?, 5);
    ensure_eq!(&found[..5], b"there");
    ensure_eq!(receive(one, &mut found, 0)?, 4);
    ensure_eq!(&found[..4], b"back");
    let nothing = receive(one, &mut found, DO_NOT_WAIT);
    ensure_eq!(nothing, Err(Errno::EAGAIN));
    ensure_eq!(file::seek(one, 0, 0), Err(Errno::ESPIPE));
    Ok(())
}

fn the_end_of_one_side_is_seen() -> Outcome {
    signal::set_action(SIGPIPE, Action::Ignore, 0, 0)?;
    let [one, other] = pair(0)?;
    file::write(one, b"last")?;
    shut(one, OUT)?;
    let mut found = [0; 8];
    ensure_eq!(file::read(other, &mut found)?, 4);
    ensure_eq!(file::read(other, &mut found)?, 0);
    ensure_eq!(file::write(one, b"more"), Err(Errno::EPIPE));
    // The other way is still open.
    file::write(other, b"x")?;
    ensure_eq!(file::read(one, &mut found)?, 1);
    file::close(one)?;
    ensure_eq!(file::write(other, b"y"), Err(Errno::EPIPE));
    signal::set_action(SIGPIPE, Action::Default, 0, 0)?;
    ensure_eq!(send(other, b"y", NO_SIGNAL), Err(Errno::EPIPE));
    Ok(())
}

fn a_pair_knows_what_it_is() -> Outcome {
    let [one, other] = pair(O_NONBLOCK)?;
    ensure_eq!(file::read(one, &mut [0]), Err(Errno::EAGAIN));
    let asked = |option: usize| -> Result<[u32; 3]> {
        let (mut value, mut size) = ([0_u32; 3], 12_u32);
        let place = value.as_mut_ptr() as usize;
        let size = &raw mut size as usize;
        let arguments = [other as usize, 1, option, place, size, 0];
        arbitrary(__NR_getsockopt, arguments)?;
        Ok(value)
    };
    ensure_eq!(asked(3)?[0], STREAM as u32);
    ensure_eq!(asked(17)?, [process::current_id() as u32, 0, 0]);
    ensure_eq!(asked(999), Err(Errno(92)));
    let status = file::descriptor_status(one)?;
    ensure_eq!(status.st_mode & 0o170_000, 0o140_000);
    let refused = arbitrary(__NR_socket, [2, STREAM, 0, 0, 0, 0]);
    ensure_eq!(refused, Err(Errno::EAFNOSUPPORT));
    ensure_eq!(shut(0, OUT), Err(Errno(88)));
    ensure_eq!(shut(one, 3), Err(Errno::EINVAL));
    Ok(())
}

/// What `poll` tells now.
fn events(end: i32) -> Result<u32> {
    let mut entry = [terminal::poll_entry(end, POLLIN | POLLOUT)];
    terminal::poll(&mut entry, Some(Time::from_millis(0)), None)?;
    Ok(entry[0].revents as u32)
}

fn waiting_for_a_pair_ends() -> Outcome {
    let [one, other] = pair(0)?;
    ensure_eq!(events(one)?, POLLOUT);
    let child = in_background(|| {
        let mut found = [0; 4];
        ensure_eq!(file::read(other, &mut found)?, 1);
        file::write(other, b"2")?;
        Ok(())
    })?;
    file::write(one, b"1")?;
    let mut entry = [terminal::poll_entry(one, POLLIN)];
    let limit = Some(Time::from_millis(10_000));
    ensure_eq!(terminal::poll(&mut entry, limit, None)?, 1);
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    file::close(other)?;
    ensure_eq!(events(one)?, POLLIN | POLLOUT | POLLHUP);
    Ok(())
}

fn shutting_a_socket_ends_every_wait_at_it() -> Outcome {
    signal::set_action(SIGPIPE, Action::Ignore, 0, 0)?;
    for (end, how) in [(0, IN), (0, BOTH), (1, OUT), (1, BOTH)] {
        let pair = pair(0)?;
        let reader = Child::start(|| read_to_the_end(pair[0], b"12"))?;
        file::write(pair[1], b"12")?;
        wait_for_state(reader.id(), 'S')?;
        shut(pair[end], how)?;
        ensure_eq!(reader.wait()?.exit_code(), Some(0));
        ensure_eq!(events(pair[0])? & POLLIN, POLLIN);
        ensure_eq!(file::write(pair[1], b"3"), Err(Errno::EPIPE));
    }
    for (end, how) in [(0, OUT), (0, BOTH), (1, IN), (1, BOTH)] {
        let pair = pair(0)?;
        let writer = Child::start(|| write_without_end(pair[0]))?;
        wait_for_state(writer.id(), 'S')?;
        shut(pair[end], how)?;
        ensure_eq!(writer.wait()?.exit_code(), Some(0));
        // What was sent before can still be read.
        let end_of_all = read_to_the_end(pair[1], &[b'x'; 1 << 16]);
        ensure_eq!(end_of_all, 0);
    }
    Ok(())
}

/// Exit status 0 if a socket gives these bytes, and then tells of its end.
fn read_to_the_end(end: i32, expected: &[u8]) -> i32 {
    let (mut found, mut bytes) = (Vec::new(), [0; 512]);
    while let Ok(count @ 1..) = file::read(end, &mut bytes) {
        found.extend_from_slice(&bytes[..count]);
    }
    i32::from(found != expected || file::read(end, &mut bytes) != Ok(0))
}

/// Writes until that fails; exit status 0 if it is for want of a reader.
fn write_without_end(end: i32) -> i32 {
    let mut result = Ok(0);
    while result.is_ok() {
        result = file::write(end, b"x");
    }
    i32::from(result != Err(Errno::EPIPE))
}

fn tee_leaves_what_it_copies() -> Outcome {
    let ([from, write], [read, to]) = (file::pipe(O_NONBLOCK)?, file::pipe(0)?);
    let tee = |from: i32, to: i32, count| {
        arbitrary(__NR_tee, [from as usize, to as usize, count, 0, 0, 0])
    };
    ensure_eq!(tee(from, to, 10), Err(Errno::EAGAIN));
    file::write(write, b"both")?;
    ensure_eq!(tee(from, to, 2)?, 2);
    ensure_eq!(tee(from, to, 10)?, 4);
    let mut found = [0; 8];
    ensure_eq!(file::read(read, &mut found)?, 6);
    ensure_eq!(&found[..6], b"boboth");
    ensure_eq!(file::read(from, &mut found)?, 4);
    ensure_eq!(tee(from, write, 1), Err(Errno::EINVAL));
    ensure_eq!(tee(to, from, 1), Err(Errno::EBADF));
    Ok(())
}

/// The one that looks waits first, so that it has the wake-up.
fn a_look_does_not_keep_the_wake_up_of_a_reader() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let [_, copy] = file::pipe(0)?;
    let [told, tell] = file::pipe(0)?;
    let looks = in_background(|| {
        let arguments = [from as usize, copy as usize, 8, 0, 0, 0];
        ensure_eq!(arbitrary(__NR_tee, arguments)?, 1);
        Ok(())
    })?;
    wait_for_place(looks.id(), "pipe_read")?;
    let reads = in_background(|| {
        ensure_eq!(file::read(from, &mut [0; 8])?, 1);
        file::write_all(tell, b"x")?;
        Ok(())
    })?;
    wait_for_place(reads.id(), "pipe_read")?;
    file::write(to, b"x")?;
    let mut entries = [terminal::poll_entry(told, POLLIN)];
    let limit = Some(Time::from_millis(10_000));
    ensure_eq!(terminal::poll(&mut entries, limit, None)?, 1);
    for child in [looks, reads] {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    Ok(())
}

fn a_look_at_nothing_returns() -> Outcome {
    let [one, other] = pair(0)?;
    ensure_eq!(receive(other, &mut [], PEEK)?, 0);
    file::write(one, b"x")?;
    ensure_eq!(receive(other, &mut [], PEEK)?, 0);
    ensure_eq!(receive(other, &mut [0; 8], 0)?, 1);
    Ok(())
}

fn user_memory_goes_into_a_pipe_and_back() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let mut found = [0; 4];
    let splice = |end: i32, place: usize, length: usize| {
        let piece = [place, length];
        let address = piece.as_ptr() as usize;
        arbitrary(__NR_vmsplice, [end as usize, address, 1, 0, 0, 0])
    };
    ensure_eq!(splice(to, b"text".as_ptr() as usize, 4)?, 4);
    ensure_eq!(splice(from, found.as_mut_ptr() as usize, 4)?, 4);
    ensure_eq!(&found, b"text");
    ensure_eq!(splice(0, 0, 0), Err(Errno::EBADF));
    Ok(())
}
