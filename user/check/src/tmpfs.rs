//! File systems in memory have limits: so much, so many.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{
    __NR_statfs, __NR_symlinkat, AT_FDCWD, MS_REMOUNT, O_CREAT, O_EXCL,
    O_WRONLY,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, process, system};

use crate::tool::{Failure, Outcome, ensure, ensure_eq, tests};

tests! {
    a_file_system_in_memory_is_full_at_its_size
    a_page_that_is_given_up_can_be_had_again
    a_name_costs_an_inode
    a_long_link_costs_a_page
    a_mount_that_changes_takes_other_limits
    options_that_make_no_sense_are_refused
    half_of_memory_is_the_limit_of_who_asks_for_none
    the_top_of_a_file_system_in_memory_is_as_asked_for
}

const PAGE: usize = 4096;
/// `MNT_DETACH`
const DETACH: u32 = 2;

/// A mounted file system; unmounted when dropped.
struct Mounted(String);

impl Mounted {
    fn new(options: &str) -> Result<Self> {
        let path = format!("/tmp/check-{}-tmpfs", process::current_id());
        file::make_directory(&path, 0o755)?;
        let mounted = Self(path);
        system::mount("none", &mounted.0, "tmpfs", 0, options)?;
        Ok(mounted)
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }

    fn change(&self, options: &str) -> Result<()> {
        system::mount("none", &self.0, "tmpfs", MS_REMOUNT, options)
    }

    fn make(&self, name: &str) -> Result<()> {
        let flags = O_CREAT | O_EXCL | O_WRONLY;
        file::close(file::open(&self.path(name), flags, 0o600)?)
    }

    /// Bytes of a new file that fit.
    fn fill(&self, name: &str) -> Result<usize> {
        let flags = O_CREAT | O_EXCL | O_WRONLY;
        let open = file::open(&self.path(name), flags, 0o600)?;
        let mut bytes = 0;
        let result = loop {
            match file::write(open, &[1; 3000]) {
                Ok(more) => bytes += more,
                Err(Errno::ENOSPC) => break Ok(bytes),
                Err(error) => break Err(error),
            }
        };
        file::close(open)?;
        result
    }

    /// Pages in all and free, inodes in all and free.
    fn figures(&self) -> Result<[u64; 4]> {
        figures(&self.0)
    }

    /// The line of `/proc/mounts` about it.
    fn line(&self) -> Result<String> {
        let mounts = file::text("/proc/mounts")?;
        let is_it = |line: &&str| line.split(' ').nth(1) == Some(&self.0);
        Ok(mounts.lines().find(is_it).unwrap_or_default().into())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = system::unmount(&self.0, DETACH);
        let _ = file::remove_directory(&self.0);
    }
}

fn figures(place: &str) -> Result<[u64; 4]> {
    let path = format!("{place}\0");
    // Kind, size of a block, then these; 120 bytes in all.
    let mut found = [0_u64; 15];
    let to = found.as_mut_ptr() as usize;
    arbitrary(__NR_statfs, [path.as_ptr() as usize, to, 0, 0, 0, 0])?;
    Ok([found[2], found[3], found[5], found[6]])
}

fn symbolic_link(target: &str, path: &str) -> Result<()> {
    let (target, path) = (format!("{target}\0"), format!("{path}\0"));
    let (to, from) = (target.as_ptr() as usize, path.as_ptr() as usize);
    arbitrary(__NR_symlinkat, [to, AT_FDCWD as usize, from, 0, 0, 0])?;
    Ok(())
}

fn a_file_system_in_memory_is_full_at_its_size() -> Outcome {
    let mounted = Mounted::new("size=64k")?;
    ensure_eq!(mounted.figures()?[..2], [16, 16]);
    ensure_eq!(mounted.fill("large")?, 16 * PAGE);
    ensure_eq!(mounted.figures()?[..2], [16, 0]);
    let status = file::status(&mounted.path("large"))?;
    ensure_eq!(status.st_size, 16 * PAGE as i64);
    // What is there can be written again.
    let open = file::open(&mounted.path("large"), O_WRONLY, 0)?;
    ensure_eq!(file::write(open, &[2; 2 * PAGE])?, 2 * PAGE);
    file::close(open)?;
    ensure!(mounted.line()?.contains(",size=64k"));
    Ok(())
}

fn a_page_that_is_given_up_can_be_had_again() -> Outcome {
    let mounted = Mounted::new("nr_blocks=4")?;
    mounted.fill("one")?;
    ensure_eq!(mounted.fill("two")?, 0);
    let open = file::open(&mounted.path("one"), O_WRONLY, 0)?;
    file::truncate(open, PAGE as u64)?;
    ensure_eq!(mounted.figures()?[1], 3);
    file::remove(&mounted.path("one"))?;
    // It is open still.
    ensure_eq!(mounted.figures()?[1], 3);
    file::close(open)?;
    ensure_eq!(mounted.figures()?[1], 4);
    ensure_eq!(mounted.fill("three")?, 4 * PAGE);
    Ok(())
}

fn a_name_costs_an_inode() -> Outcome {
    // The top directory is one of them.
    let mounted = Mounted::new("nr_inodes=4")?;
    ensure_eq!(mounted.figures()?[2..], [4, 3]);
    mounted.make("a")?;
    file::make_directory(&mounted.path("b"), 0o700)?;
    file::link(&mounted.path("a"), &mounted.path("c"))?;
    ensure_eq!(mounted.figures()?[3], 0);
    ensure_eq!(mounted.make("d"), Err(Errno::ENOSPC));
    let full = Err(Errno::ENOSPC);
    ensure_eq!(file::make_directory(&mounted.path("d"), 0o700), full);
    ensure_eq!(file::link(&mounted.path("a"), &mounted.path("d")), full);
    ensure_eq!(symbolic_link("a", &mounted.path("d")), full);
    // The second name first, then the file with its last one.
    file::remove(&mounted.path("a"))?;
    ensure_eq!(mounted.figures()?[3], 1);
    file::remove(&mounted.path("c"))?;
    file::remove_directory(&mounted.path("b"))?;
    ensure_eq!(mounted.figures()?[3], 3);
    // A name that takes the place of another's costs nothing.
    mounted.make("e")?;
    mounted.make("f")?;
    file::rename(&mounted.path("e"), &mounted.path("f"), 0)?;
    ensure_eq!(mounted.figures()?[3], 2);
    Ok(())
}

fn a_long_link_costs_a_page() -> Outcome {
    let mounted = Mounted::new("nr_blocks=1")?;
    let long = "l".repeat(200);
    symbolic_link("short", &mounted.path("a"))?;
    ensure_eq!(mounted.figures()?[1], 1);
    symbolic_link(&long, &mounted.path("b"))?;
    ensure_eq!(mounted.figures()?[1], 0);
    let full = Err(Errno::ENOSPC);
    ensure_eq!(symbolic_link(&long, &mounted.path("c")), full);
    file::remove(&mounted.path("b"))?;
    symbolic_link(&long, &mounted.path("c"))?;
    Ok(())
}

fn a_mount_that_changes_takes_other_limits() -> Outcome {
    let mounted = Mounted::new("size=16k,nr_inodes=3")?;
    mounted.fill("full")?;
    ensure_eq!(mounted.change("size=8k"), Err(Errno::EINVAL));
    ensure_eq!(mounted.change("size=32k,nr_inodes=1"), Err(Errno::EINVAL));
    ensure_eq!(mounted.figures()?, [4, 0, 3, 1]);
    mounted.change("size=32k")?;
    ensure_eq!(mounted.figures()?, [8, 4, 3, 1]);
    ensure_eq!(mounted.fill("more")?, 4 * PAGE);
    mounted.change("nr_inodes=5,mode=711")?;
    ensure_eq!(mounted.figures()?, [8, 0, 5, 2]);
    ensure_eq!(file::status(&mounted.0)?.st_mode & 0o7777, 0o711);
    // What has no limit any more gets none.
    mounted.change("size=0")?;
    ensure_eq!(mounted.figures()?[..2], [0, 0]);
    ensure_eq!(mounted.change("size=1m"), Err(Errno::EINVAL));
    Ok(())
}

fn options_that_make_no_sense_are_refused() -> Outcome {
    let wrong = ["size=much", "size", "nr_inodes=-1", "mode=8", "junk=1"];
    for options in wrong {
        let refused = Mounted::new(options);
        ensure!(matches!(refused, Err(Errno::EINVAL)));
        // The directory that the mount was to cover.
        let path = format!("/tmp/check-{}-tmpfs", process::current_id());
        let _ = file::remove_directory(&path);
    }
    Ok(())
}

fn half_of_memory_is_the_limit_of_who_asks_for_none() -> Outcome {
    let mounted = Mounted::new("")?;
    let half = system::figures()?.total / PAGE as u64 / 2;
    ensure_eq!(mounted.figures()?, [half, half, half, half - 1]);
    for place in ["/", "/dev"] {
        let [pages, _, inodes, free] = figures(place)?;
        ensure_eq!((pages, inodes), (half, half));
        ensure!(free < half);
    }
    let all = Mounted::percent()?;
    ensure!(all.abs_diff(2 * half) <= 1);
    Ok(())
}

impl Mounted {
    /// Pages of a file system that is as large as memory.
    fn percent() -> core::result::Result<u64, Failure> {
        let path = format!("/tmp/check-{}-all", process::current_id());
        file::make_directory(&path, 0o755)?;
        let mounted = Self(path);
        system::mount("none", &mounted.0, "tmpfs", 0, "size=100%")?;
        Ok(mounted.figures()?[0])
    }
}

fn the_top_of_a_file_system_in_memory_is_as_asked_for() -> Outcome {
    let open = Mounted::new("")?;
    ensure_eq!(file::status(&open.0)?.st_mode & 0o7777, 0o1777);
    drop(open);
    let mounted = Mounted::new("mode=750,uid=7,gid=8")?;
    let status = file::status(&mounted.0)?;
    ensure_eq!(status.st_mode & 0o7777, 0o750);
    ensure_eq!((status.st_uid, status.st_gid), (7, 8));
    Ok(())
}
