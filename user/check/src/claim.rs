//! Files that are run or shared: who may write them, and who sees it.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{
    __NR_mmap, __NR_truncate, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDONLY,
    O_RDWR, O_TRUNC, O_WRONLY, PROT_READ, PROT_WRITE, SIGKILL, SIGSEGV,
    SIGSTOP,
};
use user_lib::memory::PAGE_SIZE;
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, environment, file, memory, process, signal};

use crate::tool::{
    Failure, Outcome, ensure, ensure_eq, fresh_path, in_background, tests,
};
use user_lib::child::Child;

tests! {
    a_running_program_is_not_written
    a_file_open_for_writing_does_not_run
    a_copy_may_be_written_again_after_its_end
    nobody_ends_the_first_process
    a_shared_mapping_sees_what_is_written
    a_file_has_what_a_shared_mapping_stores
    a_private_mapping_keeps_its_stores
}

/// A copy of a program, and a child that runs it for ever.
fn running(name: &str) -> core::result::Result<(String, Child), Failure> {
    let path = fresh_path(name);
    let to = file::open(&path, O_WRONLY | O_CREAT, 0o755)?;
    file::write_all(to, &file::contents("/bin/sleep")?)?;
    file::close(to)?;
    let [from, to] = file::pipe(user_lib::linux::O_CLOEXEC)?;
    let child = in_background(|| {
        let words = ["sleep", "1000"];
        Err(process::execute(&path, &words, &environment()).into())
    })?;
    file::close(to)?;
    // The exec closes the other end.
    ensure_eq!(file::read(from, &mut [0])?, 0);
    file::close(from)?;
    Ok((path, child))
}

fn truncate(path: &str) -> Result<()> {
    let path = format!("{path}\0");
    let arguments = [path.as_ptr() as usize, 0, 0, 0, 0, 0];
    arbitrary(__NR_truncate, arguments).map(drop)
}

fn a_running_program_is_not_written() -> Outcome {
    let (path, child) = running("busy")?;
    for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC] {
        ensure_eq!(file::open(&path, flags, 0), Err(Errno::ETXTBSY));
    }
    ensure_eq!(truncate(&path), Err(Errno::ETXTBSY));
    ensure_eq!(truncate("/proc/1/exe"), Err(Errno::ETXTBSY));
    file::close(file::open(&path, O_RDONLY, 0)?)?;
    // It may lose its name and be replaced.
    file::remove(&path)?;
    file::close(file::open(&path, O_WRONLY | O_CREAT, 0o755)?)?;
    file::remove(&path)?;
    drop(child);
    Ok(())
}

fn a_file_open_for_writing_does_not_run() -> Outcome {
    let path = fresh_path("open");
    let to = file::open(&path, O_WRONLY | O_CREAT, 0o755)?;
    file::write_all(to, &file::contents("/bin/true")?)?;
    let words = ["true"];
    let error = process::execute(&path, &words, &environment());
    ensure_eq!(error, Errno::ETXTBSY);
    file::close(to)?;
    let child = Child::start(|| {
        process::execute(&path, &words, &environment());
        1
    })?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    file::remove(&path)?;
    Ok(())
}

fn a_copy_may_be_written_again_after_its_end() -> Outcome {
    let (path, child) = running("again")?;
    // A zombie runs nothing, nor does a child that exec turned into another.
    signal::send(child.id(), SIGKILL)?;
    let status = child.wait()?;
    ensure_eq!(status.killed_by(), Some(SIGKILL));
    file::close(file::open(&path, O_RDWR | O_TRUNC, 0)?)?;
    file::remove(&path)?;
    Ok(())
}

fn nobody_ends_the_first_process() -> Outcome {
    for number in [SIGKILL, SIGSTOP, SIGSEGV] {
        signal::send(1, number)?;
        signal::send_to_thread(1, 1, number)?;
    }
    for path in ["/proc/1/exe", "/init"] {
        for flags in [O_WRONLY, O_RDWR | O_TRUNC] {
            let result = file::open(path, flags, 0);
            ensure!(matches!(result, Err(Errno::ETXTBSY | Errno::ENOENT)));
        }
    }
    // It still lives, and has a program.
    ensure!(!file::contents("/proc/1/cmdline")?.is_empty());
    ensure_eq!(signal::send(1, 0), Ok(()));
    Ok(())
}

/// An open file of two pages, and a mapping of it.
fn mapped(flags: u32) -> core::result::Result<(i32, usize), Failure> {
    let path = fresh_path("mapped");
    let open = file::open(&path, O_RDWR | O_CREAT, 0o644)?;
    file::remove(&path)?;
    file::write_all(open, &[b'a'; 2 * PAGE_SIZE])?;
    let rights = (PROT_READ | PROT_WRITE) as usize;
    let arguments =
        [0, 2 * PAGE_SIZE, rights, flags as usize, open as usize, 0];
    Ok((open, arbitrary(__NR_mmap, arguments)?))
}

/// Writes at the file's beginning.
fn rewrite(open: i32, bytes: &[u8]) -> Outcome {
    file::seek(open, 0, 0)?;
    Ok(file::write_all(open, bytes)?)
}

fn a_shared_mapping_sees_what_is_written() -> Outcome {
    let (open, address) = mapped(MAP_SHARED)?;
    ensure_eq!(memory::read_byte(address), b'a');
    // A part of a page, and a whole one.
    rewrite(open, b"b")?;
    ensure_eq!(memory::read_byte(address), b'b');
    rewrite(open, &[b'c'; 2 * PAGE_SIZE])?;
    ensure_eq!(memory::read_byte(address), b'c');
    ensure_eq!(memory::read_byte(address + 2 * PAGE_SIZE - 1), b'c');
    Ok(())
}

fn a_file_has_what_a_shared_mapping_stores() -> Outcome {
    let (open, address) = mapped(MAP_SHARED)?;
    let child = Child::start(|| {
        memory::write_byte(address + PAGE_SIZE, b'd');
        0
    })?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    let mut found = [0; 2];
    file::seek(open, PAGE_SIZE as i64 - 1, 0)?;
    ensure_eq!(file::read(open, &mut found)?, 2);
    ensure_eq!(&found, b"ad");
    ensure_eq!(memory::read_byte(address + PAGE_SIZE), b'd');
    Ok(())
}

fn a_private_mapping_keeps_its_stores() -> Outcome {
    let (open, address) = mapped(MAP_PRIVATE)?;
    memory::write_byte(address, b'e');
    rewrite(open, b"f")?;
    ensure_eq!(memory::read_byte(address), b'e');
    let mut found = [0];
    file::seek(open, 0, 0)?;
    file::read(open, &mut found)?;
    ensure_eq!(&found, b"f");
    Ok(())
}
