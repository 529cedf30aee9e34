//! Files without a name, and signals that are read.

use user_lib::linux::{
    __NR_memfd_create, __NR_mmap, __NR_signalfd4, MAP_SHARED, O_NONBLOCK,
    POLLIN, PROT_READ, PROT_WRITE, SIG_BLOCK, SIGUSR1, SIGUSR2,
};
use user_lib::memory::PAGE_SIZE;
use user_lib::signal::{self, bit};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, memory, process, terminal};

use crate::tool::{Outcome, ensure_eq, in_background, tests};

tests! {
    a_file_without_a_name_is_a_file
    seals_are_kept
    signals_are_read
    a_reader_waits_for_a_signal
    a_signal_that_is_read_can_be_waited_for
}

const ALLOW_SEALING: u32 = 2;

fn create(flags: u32) -> Result<i32> {
    let name = c"box".as_ptr() as usize;
    let arguments = [name, flags as usize, 0, 0, 0, 0];
    Ok(arbitrary(__NR_memfd_create, arguments)? as i32)
}

fn map(open: i32, rights: u32) -> Result<usize> {
    let [rights, shared] = [rights, MAP_SHARED].map(|it| it as usize);
    let arguments = [0, PAGE_SIZE, rights, shared, open as usize, 0];
    arbitrary(__NR_mmap, arguments)
}

fn a_file_without_a_name_is_a_file() -> Outcome {
    let open = create(0)?;
    file::truncate(open, PAGE_SIZE as u64)?;
    let address = map(open, PROT_READ | PROT_WRITE)?;
    memory::write_byte(address, b'm');
    let mut found = [0; 2];
    ensure_eq!(file::read(open, &mut found)?, 2);
    ensure_eq!(&found, b"m\0");
    file::seek(open, 0, 0)?;
    file::write_all(open, b"w")?;
    ensure_eq!(memory::read_byte(address), b'w');
    let link = alloc::format!("/proc/self/fd/{open}");
    ensure_eq!(file::link_target(&link)?, "/memfd:box (deleted)");
    ensure_eq!(file::descriptor_status(open)?.st_size, PAGE_SIZE as i64);
    ensure_eq!(create(64), Err(Errno::EINVAL));
    Ok(())
}

fn seals_are_kept() -> Outcome {
    const ADD: u32 = 1033;
    const GET: u32 = 1034;
    const SEAL: usize = 1;
    const SHRINK: usize = 2;
    const GROW: usize = 4;
    const WRITE: usize = 8;
    ensure_eq!(file::control(create(0)?, GET, 0)?, SEAL);
    ensure_eq!(file::control(create(0)?, ADD, GROW), Err(Errno::EPERM));
    let open = create(ALLOW_SEALING)?;
    ensure_eq!(file::control(open, GET, 0)?, 0);
    file::write_all(open, b"1234")?;
    file::control(open, ADD, SHRINK)?;
    ensure_eq!(file::truncate(open, 1), Err(Errno::EPERM));
    file::truncate(open, 8)?;
    file::control(open, ADD, GROW)?;
    ensure_eq!(file::truncate(open, 9), Err(Errno::EPERM));
    ensure_eq!(file::write(open, b"12345"), Err(Errno::EPERM));
    file::write_all(open, b"5678")?;
    file::control(open, ADD, WRITE | SEAL)?;
    file::seek(open, 0, 0)?;
    ensure_eq!(file::write(open, b"x"), Err(Errno::EPERM));
    ensure_eq!(map(open, PROT_READ | PROT_WRITE), Err(Errno::EPERM));
    ensure_eq!(file::control(open, ADD, SEAL), Err(Errno::EPERM));
    ensure_eq!(file::control(open, GET, 0)?, SEAL | SHRINK | GROW | WRITE);
    // Who may have mapped it to store there keeps it from being sealed.
    let open = create(ALLOW_SEALING)?;
    file::truncate(open, PAGE_SIZE as u64)?;
    map(open, PROT_READ | PROT_WRITE)?;
    ensure_eq!(file::control(open, ADD, WRITE), Err(Errno::EBUSY));
    ensure_eq!(file::control(0, GET, 0), Err(Errno::EINVAL));
    Ok(())
}

fn signal_file(old: i32, set: u64, flags: u32) -> Result<i32> {
    let (place, flags) = (&raw const set as usize, flags as usize);
    let arguments = [old as usize, place, 8, flags, 0, 0];
    Ok(arbitrary(__NR_signalfd4, arguments)? as i32)
}

/// Reads one signal: its number and who sent it.
fn read_signal(open: i32) -> Result<(u32, u32)> {
    let mut bytes = [0; 128];
    file::read(open, &mut bytes)?;
    let word = |at: usize| {
        let bytes = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        u32::from_ne_bytes(bytes)
    };
    Ok((word(0), word(12)))
}

fn signals_are_read() -> Outcome {
    let own = process::current_id();
    signal::change_mask(SIG_BLOCK, bit(SIGUSR1) | bit(SIGUSR2))?;
    let open = signal_file(-1, bit(SIGUSR1), O_NONBLOCK)?;
    ensure_eq!(read_signal(open), Err(Errno::EAGAIN));
    signal::send(own, SIGUSR2)?;
    ensure_eq!(read_signal(open), Err(Errno::EAGAIN));
    signal::send(own, SIGUSR1)?;
    ensure_eq!(read_signal(open)?, (SIGUSR1, own as u32));
    ensure_eq!(read_signal(open), Err(Errno::EAGAIN));
    ensure_eq!(signal_file(open, bit(SIGUSR2), 0)?, open);
    ensure_eq!(read_signal(open)?, (SIGUSR2, own as u32));
    ensure_eq!(signal::pending()?, 0);
    ensure_eq!(file::read(open, &mut [0; 64]), Err(Errno::EINVAL));
    ensure_eq!(signal_file(0, 0, 0), Err(Errno::EINVAL));
    Ok(())
}

fn a_reader_waits_for_a_signal() -> Outcome {
    signal::change_mask(SIG_BLOCK, bit(SIGUSR1))?;
    let open = signal_file(-1, bit(SIGUSR1), 0)?;
    let child = in_background(|| {
        ensure_eq!(read_signal(open)?.0, SIGUSR1);
        Ok(())
    })?;
    time::sleep(Time::from_millis(20));
    signal::send(child.id(), SIGUSR1)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn a_signal_that_is_read_can_be_waited_for() -> Outcome {
    signal::change_mask(SIG_BLOCK, bit(SIGUSR1))?;
    let open = signal_file(-1, bit(SIGUSR1), 0)?;
    let own = process::current_id();
    let mut entry = [terminal::poll_entry(open, POLLIN)];
    let none = Some(Time::from_millis(0));
    ensure_eq!(terminal::poll(&mut entry, none, None)?, 0);
    let child = in_background(|| {
        time::sleep(Time::from_millis(20));
        Ok(signal::send(own, SIGUSR1)?)
    })?;
    let limit = Some(Time::from_millis(10_000));
    ensure_eq!(terminal::poll(&mut entry, limit, None)?, 1);
    ensure_eq!(read_signal(open)?, (SIGUSR1, child.id() as u32));
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}
