//! Which of several mistakes is told, and mappings of what is no file.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;

use user_lib::child::Child;
use user_lib::linux::{
    __NR_chroot, __NR_mmap, __NR_mprotect, __NR_readlinkat, __NR_utimensat,
    AT_FDCWD, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_PATH, O_RDONLY, O_RDWR,
    O_TRUNC, O_WRONLY, PROT_READ, PROT_WRITE, SIGKILL,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, memory, process, signal, system};

use crate::open::{BENEATH, IN_ROOT, open2};
use crate::tool::{
    Failure, NOBODY, Outcome, ensure, ensure_eq, fresh_path, in_child, tests,
};

tests! {
    the_device_of_zeros_is_mapped_as_memory
    what_is_wrong_first_is_told
    proc_is_mounted_over_itself
    no_move_leads_a_walk_out_of_its_bounds
}

const HERE: usize = AT_FDCWD as usize;

fn text(path: &str) -> core::result::Result<CString, Failure> {
    CString::new(path).map_err(|_| Failure(String::from("a NUL")))
}

fn map(open: i32, length: usize, rights: u32, kind: u32) -> Result<usize> {
    let [rights, kind] = [rights, kind].map(|it| it as usize);
    arbitrary(__NR_mmap, [0, length, rights, kind, open as usize, 0])
}

fn the_device_of_zeros_is_mapped_as_memory() -> Outcome {
    let zero = file::open("/dev/zero", O_RDWR, 0)?;
    let both = PROT_READ | PROT_WRITE;
    for (kind, seen) in [(MAP_SHARED, 7), (MAP_PRIVATE, 0)] {
        let address = map(zero, 4096, both, kind)?;
        ensure_eq!(memory::read_byte(address), 0);
        let status = in_child(|| {
            memory::write_byte(address, 7);
            Ok(0)
        })?;
        ensure_eq!(status.exit_code(), Some(0));
        ensure_eq!(memory::read_byte(address), seen);
    }
    let zero = file::open("/dev/zero", O_RDONLY, 0)?;
    let stores = map(zero, 4096, both, MAP_SHARED);
    ensure_eq!(stores, Err(Errno::EACCES));
    let address = map(zero, 4096, PROT_READ, MAP_SHARED)?;
    let words = [address, 4096, both as usize, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_mprotect, words), Err(Errno::EACCES));
    Ok(())
}

fn what_is_wrong_first_is_told() -> Outcome {
    const VALIDATE: u32 = 3;
    let path = fresh_path("first");
    let open = file::open(&path, O_CREAT | O_RDWR, 0o600)?;
    let place = file::open(&path, O_PATH, 0)?;
    for (open, length, kind, error) in [
        (99, 0, MAP_SHARED, Errno::EBADF),
        (place, 4096, MAP_PRIVATE, Errno::EBADF),
        (open, 0, MAP_SHARED, Errno::EINVAL),
        (open, 4096, VALIDATE | 1 << 7, Errno::EOPNOTSUPP),
    ] {
        let mapped = map(open, length, PROT_READ, kind);
        ensure_eq!((open, mapped), (open, Err(error)));
    }
    let mut room = [0_u8; 9];
    let empty = text("")?;
    let [name, to] = [empty.as_ptr() as usize, room.as_mut_ptr() as usize];
    let read = arbitrary(__NR_readlinkat, [open as usize, name, to, 9, 0, 0]);
    ensure_eq!(read, Err(Errno::ENOENT));
    let times = arbitrary(__NR_utimensat, [HERE, 0, 0, 0, 0, 0]);
    ensure_eq!(times, Err(Errno::EFAULT));
    file::make_directory(&format!("{path}-closed"), 0o700)?;
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        let name = text(&format!("{path}-closed"))?;
        let root = |name: &CString| {
            let address = name.as_ptr() as usize;
            arbitrary(__NR_chroot, [address, 0, 0, 0, 0, 0])
        };
        ensure_eq!(root(&name), Err(Errno::EACCES));
        ensure_eq!(root(&text("/")?), Err(Errno::EPERM));
        // A file that is made for its group keeps what gives its rights.
        let own = fresh_path("group");
        let flags = O_CREAT | O_WRONLY | O_TRUNC;
        file::close(file::open(&own, flags, 0o2_755)?)?;
        ensure_eq!(file::status(&own)?.st_mode & 0o7777, 0o2_755);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn proc_is_mounted_over_itself() -> Outcome {
    let mounts = || {
        let text = file::text("/proc/mounts")?;
        let is_it = |line: &&str| line.starts_with("proc /proc proc ");
        Ok::<_, Errno>(text.lines().filter(is_it).count())
    };
    let before = mounts()?;
    system::mount("proc", "/proc", "proc", 0, "")?;
    ensure_eq!(mounts()?, before + 1);
    system::unmount("/proc", 0)?;
    ensure_eq!(mounts()?, before);
    Ok(())
}

/// A directory is moved out and back while others walk through it and up.
fn no_move_leads_a_walk_out_of_its_bounds() -> Outcome {
    const WALKS: usize = 4000;
    let path = fresh_path("moves");
    for part in ["", "/base", "/base/in", "/base/in/sub", "/out"] {
        file::make_directory(&format!("{path}{part}"), 0o755)?;
    }
    file::close(file::open(
        &format!("{path}/mark"),
        O_CREAT | O_WRONLY,
        0o600,
    )?)?;
    let base = file::open(&format!("{path}/base"), O_RDONLY, 0)?;
    let inside = format!("{path}/base/in/sub");
    let outside = format!("{path}/out/sub");
    let mover = Child::start(|| {
        loop {
            let there = file::rename(&inside, &outside, 0);
            if there.and_then(|()| file::rename(&outside, &inside, 0)).is_err()
            {
                return 1;
            }
        }
    })?;
    for _ in 0..WALKS {
        for bounds in [BENEATH, IN_ROOT] {
            let open = open2(base, "in/sub/../../mark", [0, 0, bounds]);
            ensure!(matches!(open, Err(Errno::ENOENT | Errno::EAGAIN)));
        }
    }
    signal::send(mover.id(), SIGKILL)?;
    mover.wait()?;
    Ok(())
}
