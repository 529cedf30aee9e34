//! The edge of the kernel: bad pointers, unknown calls, small calls.

use user_lib::linux::{
    __NR_clock_gettime, __NR_eventfd2, __NR_execve, __NR_getcwd,
    __NR_getdents64, __NR_getrandom, __NR_nanosleep, __NR_newfstatat,
    __NR_openat, __NR_pipe2, __NR_ppoll, __NR_read, __NR_rt_sigaction,
    __NR_rt_sigprocmask, __NR_uname, __NR_wait4, __NR_write, AT_FDCWD,
    MNT_DETACH, O_NONBLOCK, O_RDONLY, PROT_READ, SIGTERM,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, directory, file, system};

use crate::tool::{Outcome, ensure, ensure_eq, fresh_path, in_child, tests};
use user_lib::child::Child;

tests! {
    unknown_calls_are_enosys
    bad_pointers_are_efault
    a_half_good_buffer_is_used_or_refused
    read_only_memory_is_not_written_to
    the_last_byte_of_memory_is_reached
    an_endless_path_is_refused
    names_tell_the_machine
    random_bytes_differ
    figures_make_sense
    a_mount_that_is_not_there_is_refused
    a_deep_stack_of_mounts_goes_at_once
    power_needs_its_magic
    a_read_to_a_bad_place_keeps_the_count
}

fn unknown_calls_are_enosys() -> Outcome {
    for number in [1000, 5000, u32::MAX, 0x8000_0000, 600] {
        let result = arbitrary(number, [0; 6]);
        ensure_eq!(result, Err(Errno::ENOSYS));
    }
    Ok(())
}

fn bad_pointers_are_efault() -> Outcome {
    let [from, to] = file::pipe(0)?;
    file::write(to, b"some bytes to read")?;
    let (from, to) = (from as usize, to as usize);
    let directory = file::open("/", O_RDONLY, 0)? as usize;
    let here = AT_FDCWD as usize;
    for bad in [8, PAGE_SIZE, 0xffff_0000_0000_0000, usize::MAX - 4095, 1 << 50]
    {
        let calls: [(u32, [usize; 6]); 13] = [
            (__NR_read, [from, bad, 4, 0, 0, 0]),
            (__NR_write, [to, bad, 4, 0, 0, 0]),
            (__NR_openat, [here, bad, 0, 0, 0, 0]),
            (__NR_newfstatat, [here, bad, bad, 0, 0, 0]),
            (__NR_pipe2, [bad, 0, 0, 0, 0, 0]),
            (__NR_uname, [bad, 0, 0, 0, 0, 0]),
            (__NR_getdents64, [directory, bad, 500, 0, 0, 0]),
            (__NR_clock_gettime, [1, bad, 0, 0, 0, 0]),
            (__NR_nanosleep, [bad, 0, 0, 0, 0, 0]),
            (__NR_rt_sigaction, [10, bad, 0, 8, 0, 0]),
            (__NR_rt_sigprocmask, [0, bad, 0, 8, 0, 0]),
            (__NR_execve, [bad, 0, 0, 0, 0, 0]),
            (__NR_getrandom, [bad, 8, 0, 0, 0, 0]),
        ];
        for (number, arguments) in calls {
            let result = arbitrary(number, arguments);
            if result != Err(Errno::EFAULT) {
                user_lib::eprintln!("call {number} of {bad:#x}: {result:?}");
            }
            ensure_eq!(result, Err(Errno::EFAULT));
        }
        let result = arbitrary(__NR_ppoll, [bad, 1, 0, 0, 0, 0]);
        ensure_eq!(result, Err(Errno::EFAULT));
        let result = arbitrary(__NR_getcwd, [bad, 100, 0, 0, 0, 0]);
        ensure_eq!(result, Err(Errno::EFAULT));
    }
    let child = Child::start(|| 0)?;
    let result = arbitrary(__NR_wait4, [child.id() as usize, 8, 0, 0, 0, 0]);
    ensure_eq!(result, Err(Errno::EFAULT));
    Ok(())
}

/// A buffer whose second half is missing: as much as fits, or an error.
fn a_half_good_buffer_is_used_or_refused() -> Outcome {
    let mapping = Mapping::new(2 * PAGE_SIZE, Sharing::Private)?;
    mapping.unmap(PAGE_SIZE, PAGE_SIZE)?;
    let near_end = mapping.address() + PAGE_SIZE - 4;
    let [from, to] = file::pipe(0)?;
    let written = arbitrary(__NR_write, [to as usize, near_end, 8, 0, 0, 0]);
    ensure!(matches!(written, Ok(4) | Err(Errno::EFAULT)));
    file::write(to, b"12345678")?;
    let read = arbitrary(__NR_read, [from as usize, near_end, 8, 0, 0, 0]);
    ensure!(matches!(read, Ok(4) | Err(Errno::EFAULT)));
    Ok(())
}

fn read_only_memory_is_not_written_to() -> Outcome {
    let mapping = Mapping::new(PAGE_SIZE, Sharing::Private)?;
    mapping.write(0, 7);
    mapping.protect(0, PAGE_SIZE, PROT_READ)?;
    let address = mapping.address();
    let result = arbitrary(__NR_getrandom, [address, 16, 0, 0, 0, 0]);
    ensure_eq!(result, Err(Errno::EFAULT));
    ensure_eq!(mapping.read(0), 7);
    // Memory that was never touched may be written to by the kernel.
    let fresh = Mapping::new(PAGE_SIZE, Sharing::Private)?;
    let result = arbitrary(__NR_getrandom, [fresh.address(), 16, 0, 0, 0, 0]);
    ensure_eq!(result, Ok(16));
    Ok(())
}

fn the_last_byte_of_memory_is_reached() -> Outcome {
    let mapping = Mapping::new(2 * PAGE_SIZE, Sharing::Private)?;
    mapping.unmap(PAGE_SIZE, PAGE_SIZE)?;
    let path = mapping.address() + PAGE_SIZE - 5;
    for (index, byte) in b"/bin\0".iter().enumerate() {
        mapping.write(PAGE_SIZE - 5 + index, *byte);
    }
    let open = |path| arbitrary(__NR_openat, [0, path, 0, 0, 0, 0]);
    ensure!(open(path).is_ok());
    mapping.write(PAGE_SIZE - 1, b'x');
    ensure_eq!(open(path), Err(Errno::EFAULT));
    Ok(())
}

fn an_endless_path_is_refused() -> Outcome {
    let mapping = Mapping::new(2 * PAGE_SIZE, Sharing::Private)?;
    (0..mapping.length()).for_each(|offset| mapping.write(offset, b'/'));
    let address = mapping.address();
    let result = arbitrary(__NR_openat, [0, address, 0, 0, 0, 0]);
    ensure_eq!(result, Err(Errno::ENAMETOOLONG));
    Ok(())
}

fn names_tell_the_machine() -> Outcome {
    let names = system::names()?;
    ensure_eq!(names.machine, "aarch64");
    ensure!(!names.system.is_empty());
    ensure!(names.release.starts_with(|letter: char| letter.is_ascii_digit()));
    Ok(())
}

fn random_bytes_differ() -> Outcome {
    let (mut one, mut other) = ([0; 64], [0; 64]);
    system::random(&mut one)?;
    system::random(&mut other)?;
    ensure!(one != other);
    let result =
        arbitrary(__NR_getrandom, [one.as_ptr() as usize, 8, 99, 0, 0, 0]);
    ensure_eq!(result, Err(Errno::EINVAL));
    Ok(())
}

fn figures_make_sense() -> Outcome {
    let figures = system::figures()?;
    ensure!(figures.total > 64 << 20);
    ensure!(figures.free > 0 && figures.free < figures.total);
    ensure!(figures.processes > 0);
    Ok(())
}

fn a_mount_that_is_not_there_is_refused() -> Outcome {
    let mount = |target, kind| system::mount("none", target, kind, 0, "");
    ensure_eq!(mount("/tmp/nothing", "proc"), Err(Errno::ENOENT));
    ensure_eq!(mount("/tmp", "nothing"), Err(Errno::ENODEV));
    ensure_eq!(system::unmount("/tmp/nothing", 0), Err(Errno::ENOENT));
    ensure_eq!(system::unmount("/bin", 0), Err(Errno::EINVAL));
    Ok(())
}

fn a_deep_stack_of_mounts_goes_at_once() -> Outcome {
    const DEPTH: usize = 1000;
    let base = fresh_path("mounts");
    let mount = |place| system::mount("none", place, "tmpfs", 0, "");
    file::make_directory(&base, 0o755)?;
    mount(&base)?;
    directory::change(&base)?;
    for _ in 1..DEPTH {
        file::make_directory("a", 0o755)?;
        mount("a")?;
        directory::change("a")?;
    }
    // From here on only the working directory holds them.
    system::unmount(&base, MNT_DETACH)?;
    directory::change("/tmp")?;
    file::remove_directory(&base)?;
    Ok(())
}

/// Without its magic numbers the call does nothing.
fn power_needs_its_magic() -> Outcome {
    let status = in_child(|| {
        let reboot = user_lib::linux::__NR_reboot;
        let result = arbitrary(reboot, [1, 2, 0x4321_fedc, 0, 0, 0]);
        ensure_eq!(result, Err(Errno::EINVAL));
        Ok(SIGTERM as i32)
    })?;
    ensure_eq!(status.exit_code(), Some(SIGTERM as i32));
    Ok(())
}

/// Nothing else fits in between, however full the counter is.
fn a_read_to_a_bad_place_keeps_the_count() -> Outcome {
    const MOST: u64 = u64::MAX - 1;
    let flags = O_NONBLOCK as usize;
    let counter = arbitrary(__NR_eventfd2, [0, flags, 0, 0, 0, 0])?;
    let number = counter as i32;
    file::write(number, &MOST.to_ne_bytes())?;
    let adds = Child::start(move || {
        while file::write(number, &1_u64.to_ne_bytes()) == Err(Errno::EAGAIN) {}
        1
    })?;
    for _ in 0..5000 {
        let read = arbitrary(__NR_read, [counter, 8, 8, 0, 0, 0]);
        ensure_eq!(read, Err(Errno::EFAULT));
    }
    drop(adds);
    let mut found = [0; 8];
    ensure_eq!(file::read(number, &mut found)?, 8);
    ensure_eq!(u64::from_ne_bytes(found), MOST);
    Ok(())
}
