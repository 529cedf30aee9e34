//! Who may what: every file of `/proc` and `/sys`, and the calls that are
//! root's, as the manual pages have it (proc(5), capabilities(7)). An ordinary
//! user tries all of it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{
    __NR_acct, __NR_chroot, __NR_clock_settime, __NR_delete_module,
    __NR_fchownat, __NR_init_module, __NR_kill, __NR_mknodat, __NR_mount,
    __NR_pivot_root, __NR_ptrace, __NR_quotactl, __NR_reboot,
    __NR_sched_setaffinity, __NR_setdomainname, __NR_setgid, __NR_setgroups,
    __NR_sethostname, __NR_setpriority, __NR_setresgid, __NR_setresuid,
    __NR_settimeofday, __NR_setuid, __NR_swapoff, __NR_swapon, __NR_syslog,
    __NR_umount2, __NR_vhangup, AT_FDCWD, O_NONBLOCK, O_RDONLY, O_WRONLY,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, directory, file};

use crate::tool::{Failure, Outcome, become_user, ensure_eq, in_child, tests};

tests! {
    files_of_the_kernel_are_read_by_whom_they_are_for
    files_of_the_kernel_are_written_by_root
    what_the_first_process_keeps_to_itself_stays_there
    calls_of_root_are_for_root
}

/// Directories and files of `/proc` and `/sys` that are root's to read.
const PRIVATE: &[&str] = &[
    "/proc/kmsg",
    "/proc/slabinfo",
    "/sys/kernel/tracing/snapshot",
    "/sys/kernel/tracing/trace",
];

/// Files there that anybody may write.
const OPEN: &[&str] = &[];

/// Files of another's process that its user alone reads.
const OWN: &[&str] = &[
    "auxv",
    "cwd",
    "environ",
    "exe",
    "fd",
    "io",
    "maps",
    "mem",
    "pagemap",
    "personality",
    "root",
    "smaps",
    "smaps_rollup",
    "stack",
    "syscall",
];

/// A call with arguments that root could use.
const CALLS: &[(u32, [usize; 4])] = &[
    (__NR_acct, [0; 4]),
    (__NR_chroot, [ROOT, 0, 0, 0]),
    (__NR_clock_settime, [0, ZEROS, 0, 0]),
    (__NR_delete_module, [ROOT, 0, 0, 0]),
    (__NR_fchownat, [AT_FDCWD as usize, ROOT, 1000, 1000]),
    (__NR_init_module, [ZEROS, 8, ZEROS, 0]),
    (__NR_kill, [1, 9, 0, 0]),
    (__NR_mknodat, [AT_FDCWD as usize, NEW, 0o20_666, 0x101]),
    (__NR_mount, [ROOT, ROOT, ROOT, 0]),
    (__NR_pivot_root, [ROOT, ROOT, 0, 0]),
    (__NR_ptrace, [16, 1, 0, 0]),
    (__NR_quotactl, [0x80_0003 << 8, ROOT, 0, ZEROS]),
    (__NR_reboot, [0xfee1_dead, 672_274_793, 0x89ab_cdef, 0]),
    (__NR_sched_setaffinity, [1, 8, ONES, 0]),
    (__NR_setdomainname, [ROOT, 1, 0, 0]),
    (__NR_setgid, [0; 4]),
    (__NR_setgroups, [0; 4]),
    (__NR_sethostname, [ROOT, 1, 0, 0]),
    (__NR_setpriority, [0, 1, 5, 0]),
    (__NR_setresgid, [0; 4]),
    (__NR_setresuid, [0; 4]),
    (__NR_settimeofday, [ZEROS, 0, 0, 0]),
    (__NR_setuid, [0; 4]),
    (__NR_swapoff, [ROOT, 0, 0, 0]),
    (__NR_swapon, [ROOT, 0, 0, 0]),
    (__NR_syslog, [5, 0, 0, 0]),
    (__NR_umount2, [ROOT, 0, 0, 0]),
    (__NR_vhangup, [0; 4]),
];

/// Stand for the addresses of a path and of bytes.
const ROOT: usize = usize::MAX;
const NEW: usize = usize::MAX - 1;
const ZEROS: usize = usize::MAX - 2;
const ONES: usize = usize::MAX - 3;

/// All files below a directory, but for those of processes.
fn files_below(path: &str, found: &mut Vec<String>) -> Outcome {
    for entry in directory::entries(path)? {
        let is_process = path == "/proc"
            && (entry.name.starts_with(|it: char| it.is_ascii_digit())
                || entry.name.contains("self"));
        if is_process || entry.name.starts_with('.') {
            continue;
        }
        let below = format!("{path}/{}", entry.name);
        match file::link_status(&below)?.st_mode & 0o170_000 {
            0o040_000 => files_below(&below, found)?,
            0o100_000 => found.push(below),
            _ => {}
        }
    }
    Ok(())
}

/// Fails unless an ordinary user may open exactly those files so.
fn ensure_opens(flags: u32, may: impl Fn(&str) -> bool) -> Outcome {
    let mut all = Vec::new();
    files_below("/proc", &mut all)?;
    files_below("/sys", &mut all)?;
    let status = in_child(|| {
        become_user(1000)?;
        for path in &all {
            let opened = file::open(path, flags | O_NONBLOCK, 0);
            let is_right = match opened {
                Ok(_) => may(path),
                Err(error) => error == Errno::EACCES && !may(path),
            };
            if !is_right {
                return Err(Failure(format!("{path}: {opened:?}")));
            }
            opened.map_or(Ok(()), file::close)?;
        }
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn files_of_the_kernel_are_read_by_whom_they_are_for() -> Outcome {
    let is_readable = |path: &str| {
        let mode = file::status(path).map_or(0, |it| it.st_mode);
        // What nobody can read is no secret.
        !PRIVATE.contains(&path) && mode & 0o444 != 0
    };
    ensure_opens(O_RDONLY, is_readable)
}

fn files_of_the_kernel_are_written_by_root() -> Outcome {
    ensure_opens(O_WRONLY, |path| OPEN.contains(&path))
}

fn what_the_first_process_keeps_to_itself_stays_there() -> Outcome {
    let names: Vec<String> = directory::entries("/proc/1")?
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| !name.starts_with('.') && name != "task")
        .collect();
    let status = in_child(|| {
        become_user(1000)?;
        for name in &names {
            let path = format!("/proc/1/{name}");
            let opened = file::open(&path, O_RDONLY, 0);
            let is_own = OWN.contains(&name.as_str());
            let is_right = match opened {
                Ok(_) => !is_own,
                Err(error) => error == Errno::EACCES && is_own,
            };
            if !is_right {
                return Err(Failure(format!("{path}: {opened:?}")));
            }
            opened.map_or(Ok(()), file::close)?;
        }
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn calls_of_root_are_for_root() -> Outcome {
    let (zeros, ones) = ([0_u64; 16], [1_u64; 16]);
    let address = |word: usize| match word {
        ROOT => c"/".as_ptr() as usize,
        NEW => c"/tmp/stranger".as_ptr() as usize,
        ZEROS => zeros.as_ptr() as usize,
        ONES => ones.as_ptr() as usize,
        word => word,
    };
    let status = in_child(|| {
        become_user(1000)?;
        for (number, words) in CALLS {
            let [a, b, c, d] = words.map(address);
            let told = arbitrary(*number, [a, b, c, d, 0, 0]);
            // What there is not at all, nobody may do.
            if !matches!(told, Err(Errno::EPERM | Errno::ENOSYS)) {
                return Err(Failure(format!("call {number}: {told:?}")));
            }
        }
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}
