//! Pseudo terminals: a program at each end. How bytes pass between them is in
//! `pair/flow.rs`.

use alloc::format;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;

use user_lib::child::Child;
use user_lib::linux::{
    __NR_ioctl, ECHO, ICANON, IXON, O_NOCTTY, O_RDWR, O_WRONLY, OPOST, POLLERR,
    POLLHUP, POLLIN, POLLOUT, POLLPRI, SIGCONT, SIGHUP, SIGINT, SIGWINCH,
};
use user_lib::syscall::arbitrary;
use user_lib::terminal::request::{
    TCFLSH, TCXONC, TIOCGPTN, TIOCPKT, TIOCSPTLCK,
};
use user_lib::time::Time;
use user_lib::{Errno, Result, file, process, signal, system, terminal};

use crate::freezer::{wait_for_place, words};
use crate::tool::{
    Outcome, become_user, ensure, ensure_eq, fresh_path, in_background,
    in_child, soon, tests,
};

pub mod flow;

tests! {
    a_pair_has_a_name_while_its_master_is_open
    options_are_taken_all_or_none
    a_locked_pair_is_not_opened
    what_is_typed_is_edited_shown_and_read
    what_is_written_is_seen
    both_ends_know_one_size_and_settings
    a_key_sends_a_signal_to_the_foreground
    who_is_left_alone_is_told
    a_closed_master_hangs_the_terminal_up
    a_hang_up_reaches_the_whole_foreground_when_the_leader_ends
    who_may_only_write_gets_no_terminal
    packets_tell_what_happened
    a_session_has_one_terminal
    a_pair_is_its_makers
}

/// The end that types, and the number of the pair.
struct Master {
    end: i32,
    number: u32,
}

fn control(end: i32, request: u32, word: &mut u32) -> Result<()> {
    let place = core::ptr::from_mut(word).addr();
    let arguments = [end as usize, request as usize, place, 0, 0, 0];
    arbitrary(__NR_ioctl, arguments).map(drop)
}

impl Master {
    /// A pair that can be opened.
    fn new() -> Result<Self> {
        // Whoever started this may have mounted it.
        let _ = system::mount("devpts", "/dev/pts", "devpts", 0, "");
        let end = file::open("/dev/ptmx", O_RDWR | O_NOCTTY, 0)?;
        let (mut number, mut lock) = (0, 0);
        control(end, TIOCGPTN, &mut number)?;
        control(end, TIOCSPTLCK, &mut lock)?;
        Ok(Self { end, number })
    }

    fn path(&self) -> alloc::string::String {
        format!("/dev/pts/{}", self.number)
    }

    /// Opens the terminal.
    fn open(&self) -> Result<i32> {
        file::open(&self.path(), O_RDWR | O_NOCTTY, 0)
    }

    /// Opens it so that bytes pass as they are.
    fn open_raw(&self) -> Result<i32> {
        let end = self.open()?;
        let mut settings = terminal::settings(end)?;
        settings.c_lflag &= !(ICANON | ECHO);
        settings.c_oflag &= !OPOST;
        terminal::set_settings(end, &settings)?;
        Ok(end)
    }

    fn read(&self) -> Result<alloc::vec::Vec<u8>> {
        read(self.end)
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // It may be closed.
        let _ = file::close(self.end);
    }
}

fn read(end: i32) -> Result<alloc::vec::Vec<u8>> {
    let mut bytes = [0; 256];
    let count = file::read(end, &mut bytes)?;
    Ok(bytes[..count].to_vec())
}

/// What `poll` tells of an end.
fn events(end: i32, wanted: u32) -> Result<u32> {
    let mut entries = [terminal::poll_entry(end, wanted)];
    terminal::poll(&mut entries, Some(Time::from_millis(0)), None)?;
    Ok(entries[0].revents as u32)
}

fn a_pair_has_a_name_while_its_master_is_open() -> Outcome {
    let master = Master::new()?;
    let path = master.path();
    let status = file::status(&path)?;
    ensure_eq!(status.st_mode, 0o20600);
    ensure_eq!(status.st_rdev >> 8, 136);
    let other = Master::new()?;
    ensure!(other.number != master.number);
    drop(master);
    ensure_eq!(file::status(&path).err(), Some(Errno::ENOENT));
    // Its number is the lowest that is free again.
    let again = Master::new()?;
    ensure_eq!(again.path(), path);
    ensure_eq!(file::status("/dev/pts/00").err(), Some(Errno::ENOENT));
    Ok(())
}

fn options_are_taken_all_or_none() -> Outcome {
    let path = fresh_path("devpts");
    file::make_directory(&path, 0o755)?;
    let mount = |data: &str| system::mount("devpts", &path, "devpts", 0, data);
    for wrong in ["mode=644,gid=x", "mode=644,other", "mode=+7", "mode="] {
        ensure_eq!(mount(wrong), Err(Errno::EINVAL));
    }
    let master = Master::new()?;
    ensure_eq!(file::status(&master.path())?.st_mode, 0o20600);
    file::remove_directory(&path)?;
    Ok(())
}

fn a_locked_pair_is_not_opened() -> Outcome {
    let master = Master::new()?;
    control(master.end, TIOCSPTLCK, &mut 1)?;
    ensure_eq!(master.open(), Err(Errno::EIO));
    control(master.end, TIOCSPTLCK, &mut 0)?;
    file::close(master.open()?)?;
    Ok(())
}

fn what_is_typed_is_edited_shown_and_read() -> Outcome {
    let master = Master::new()?;
    let end = master.open()?;
    file::write_all(master.end, b"helx\x7flo\n")?;
    ensure_eq!(read(end)?, b"hello\n");
    ensure_eq!(master.read()?, b"helx\x08 \x08lo\r\n");
    file::write_all(master.end, b"\x04")?;
    ensure_eq!(read(end)?, b"");
    file::close(end)?;
    Ok(())
}

fn what_is_written_is_seen() -> Outcome {
    let master = Master::new()?;
    let end = master.open()?;
    file::write_all(end, b"a\nb")?;
    ensure_eq!(events(master.end, POLLIN)?, POLLIN);
    ensure_eq!(master.read()?, b"a\r\nb");
    ensure_eq!(events(master.end, POLLIN | POLLOUT)?, POLLOUT);
    file::close(end)?;
    Ok(())
}

fn both_ends_know_one_size_and_settings() -> Outcome {
    let master = Master::new()?;
    let end = master.open()?;
    ensure_eq!(terminal::size(end)?.ws_row, 0);
    terminal::set_size(master.end, 33, 101)?;
    let size = terminal::size(end)?;
    ensure_eq!((size.ws_row, size.ws_col), (33, 101));
    let mut settings = terminal::settings(master.end)?;
    settings.c_lflag &= !ECHO;
    terminal::set_settings(master.end, &settings)?;
    ensure_eq!(terminal::settings(end)?.c_lflag & ECHO, 0);
    file::close(end)?;
    Ok(())
}

/// Starts a session at the pair: says `1` when it is ready, then sleeps. Its
/// signals are waited for.
fn session(master: &Master, ready: &AtomicU32, wanted: u64) -> Result<Child> {
    let path = master.path();
    Child::start(|| {
        signal::set_mask(wanted);
        let work = || -> Result<u32> {
            process::new_session()?;
            file::close(master.end)?;
            let end = file::open(&path, O_RDWR, 0)?;
            let is_own = file::open("/dev/tty", O_RDWR, 0).is_ok()
                && terminal::foreground_group(end)? == process::current_id();
            ready.store(if is_own { 1 } else { 9 }, SeqCst);
            let came = signal::wait(wanted, None)?;
            // After a hang-up reads end and writes fail.
            if came == SIGHUP {
                let is_over = read(end) == Ok(b"".to_vec())
                    && file::write(end, b"x") == Err(Errno::EIO)
                    && terminal::size(end).err() == Some(Errno::EIO);
                return Ok(if is_over { came } else { 99 });
            }
            Ok(came)
        };
        work().map_or(98, |came| came as i32)
    })
}

const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

fn a_key_sends_a_signal_to_the_foreground() -> Outcome {
    for (wanted, is_key) in [(SIGINT, true), (SIGWINCH, false)] {
        let master = Master::new()?;
        let [ready] = words()?;
        let child = session(&master, ready, bit(wanted))?;
        ensure!(soon(|| ready.load(SeqCst) != 0));
        ensure_eq!(ready.load(SeqCst), 1);
        ensure_eq!(terminal::foreground_group(master.end)?, child.id());
        match is_key {
            true => file::write_all(master.end, b"\x03")?,
            false => terminal::set_size(master.end, 10, 20)?,
        }
        ensure_eq!(child.wait()?.exit_code(), Some(wanted as i32));
    }
    Ok(())
}

fn who_is_left_alone_is_told() -> Outcome {
    let master = Master::new()?;
    let (first, second) = (master.open()?, master.open()?);
    file::write_all(first, b"bye")?;
    file::close(first)?;
    ensure_eq!(events(master.end, POLLIN)?, POLLIN);
    file::close(second)?;
    ensure_eq!(events(master.end, POLLIN)?, POLLIN | POLLHUP);
    ensure_eq!(master.read()?, b"bye");
    ensure_eq!(master.read(), Err(Errno::EIO));
    // What is typed now waits for the next one.
    file::write_all(master.end, b"later\n")?;
    let end = master.open()?;
    ensure_eq!(read(end)?, b"later\n");
    ensure_eq!(events(master.end, POLLHUP)?, 0);
    file::close(end)?;
    Ok(())
}

fn a_closed_master_hangs_the_terminal_up() -> Outcome {
    let master = Master::new()?;
    let end = master.open()?;
    let [ready] = words()?;
    let wanted = bit(SIGHUP) | bit(SIGCONT);
    let child = session(&master, ready, wanted & !bit(SIGCONT))?;
    ensure!(soon(|| ready.load(SeqCst) == 1));
    // A reader that waits is told too.
    let reader = in_background(|| {
        file::close(master.end)?;
        ensure_eq!(read(end)?, b"");
        Ok(())
    })?;
    wait_for_place(reader.id(), "n_tty_read")?;
    drop(master);
    ensure_eq!(child.wait()?.exit_code(), Some(SIGHUP as i32));
    ensure_eq!(reader.wait()?.exit_code(), Some(0));
    let all = POLLIN | POLLOUT | POLLERR | POLLHUP;
    ensure_eq!(events(end, POLLIN | POLLOUT)?, all);
    file::close(end)?;
    Ok(())
}

fn a_hang_up_reaches_the_whole_foreground_when_the_leader_ends() -> Outcome {
    let master = Master::new()?;
    let [ready, member] = words()?;
    let path = master.path();
    let leader = in_background(|| {
        process::new_session()?;
        file::close(master.end)?;
        file::open(&path, O_RDWR, 0)?;
        signal::set_mask(bit(SIGHUP));
        let own = Child::start(|| {
            let came = signal::wait(bit(SIGHUP), None);
            member.store(1 + u32::from(came == Ok(SIGHUP)), SeqCst);
            0
        })?;
        ready.store(1, SeqCst);
        // It hears of the hang-up alone, and stays for a while.
        ensure_eq!(signal::wait(bit(SIGHUP), None)?, SIGHUP);
        user_lib::time::sleep(Time::from_millis(50));
        ensure_eq!(member.load(SeqCst), 0);
        // The member is not waited for: it outlives its leader.
        core::mem::forget(own);
        Ok(())
    })?;
    ensure!(soon(|| ready.load(SeqCst) == 1));
    drop(master);
    ensure_eq!(leader.wait()?.exit_code(), Some(0));
    ensure!(soon(|| member.load(SeqCst) == 2));
    Ok(())
}

fn who_may_only_write_gets_no_terminal() -> Outcome {
    let master = Master::new()?;
    let status = in_child(|| {
        process::new_session()?;
        let end = file::open(&master.path(), O_WRONLY, 0)?;
        ensure_eq!(file::open("/dev/tty", O_RDWR, 0), Err(Errno::ENXIO));
        // Root may take it nevertheless, others may not.
        become_user(1234)?;
        ensure_eq!(terminal::make_controlling(end), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn packets_tell_what_happened() -> Outcome {
    let master = Master::new()?;
    let end = master.open()?;
    control(master.end, TIOCPKT, &mut 1)?;
    file::write_all(end, b"pk")?;
    ensure_eq!(master.read()?, b"\0pk");
    arbitrary(__NR_ioctl, [end as usize, TCFLSH as usize, 0, 0, 0, 0])?;
    ensure_eq!(events(master.end, POLLPRI)?, POLLPRI);
    ensure_eq!(master.read()?, b"\x01");
    // A byte of room is for the first byte of a packet.
    file::write_all(end, b"z")?;
    let mut byte = [9];
    ensure_eq!(file::read(master.end, &mut byte)?, 1);
    ensure_eq!(byte, [0]);
    ensure_eq!(master.read()?, b"\0z");
    // Of a stop and a start the last one is told.
    for action in [0, 1] {
        let arguments = [end as usize, TCXONC as usize, action, 0, 0, 0];
        arbitrary(__NR_ioctl, arguments)?;
    }
    ensure_eq!(master.read()?, b"\x08");
    let mut settings = terminal::settings(end)?;
    settings.c_iflag &= !IXON;
    terminal::set_settings(end, &settings)?;
    ensure_eq!(master.read()?, b"\x10");
    control(master.end, TIOCPKT, &mut 0)?;
    file::write_all(end, b"bytes")?;
    ensure_eq!(master.read()?, b"bytes");
    file::close(end)?;
    Ok(())
}

fn a_session_has_one_terminal() -> Outcome {
    let (first, second) = (Master::new()?, Master::new()?);
    let status = in_child(|| {
        process::new_session()?;
        let own = file::open(&first.path(), O_RDWR, 0)?;
        let other = file::open(&second.path(), O_RDWR, 0)?;
        ensure!(terminal::foreground_group(own).is_ok());
        ensure_eq!(terminal::foreground_group(other), Err(Errno::ENOTTY));
        ensure_eq!(terminal::make_controlling(other), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn a_pair_is_its_makers() -> Outcome {
    const USER: u32 = 1234;
    let roots = Master::new()?;
    let status = in_child(|| {
        become_user(USER)?;
        ensure_eq!(roots.open(), Err(Errno::EACCES));
        let own = Master::new()?;
        ensure_eq!(file::status(&own.path())?.st_uid, USER);
        file::close(own.open()?)?;
        file::change_mode(&own.path(), 0o620)?;
        ensure_eq!(file::status(&own.path())?.st_mode, 0o20620);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}
