//! What the kernel keeps for programs that anybody may start: events that
//! nobody reads, texts of `/proc`. Its own memory must last.

use alloc::format;
use alloc::vec::Vec;

use user_lib::linux::{
    __NR_inotify_add_watch, __NR_inotify_init1, __NR_ioctl, __NR_mprotect,
    IN_CREATE, IN_DELETE, O_CREAT, O_NONBLOCK, O_RDONLY, O_WRONLY, PROT_READ,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, println, process, system};

use super::usage::ensure_none_lost;
use crate::tool::{Failure, NOBODY, Outcome, ensure, ensure_eq, fresh_path};
use crate::tool::{in_child, output_of};
use user_lib::child::Child;

/// Watchers of each of two programs, nearly as many as one may have files.
const WATCHERS: usize = 1000;
/// Files made and removed: more events than wait for one watcher.
const FILES: usize = 150;
/// Bytes of events that wait for one watcher at least, if none is lost for
/// want of memory.
const WAITING: u32 = 63 << 10;
/// Pieces of memory with rights of their own.
const REGIONS: usize = 20_000;
/// Pages the hoarder has: if somebody must die, then this one.
const PAGES: usize = 2000;

/// `ioctl`: how much can be read.
const FIONREAD: usize = 0x541b;

/// How many sets a user may have.
const INSTANCES: &str = "/proc/sys/fs/inotify/max_user_instances";

/// Hoards, so many times; all else goes on.
pub fn kernel_memory_lasts(rounds: u32) -> Outcome {
    let before = file::text(INSTANCES)?;
    file::overwrite(INSTANCES, b"100000")?;
    let result = ensure_none_lost(|| (0..rounds).try_for_each(|_| hoard()));
    file::overwrite(INSTANCES, before.as_bytes())?;
    result
}

fn hoard() -> Outcome {
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        hoard_events()?;
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    let (text, status) = output_of("/bin/cat", &["cat", "/proc/self/maps"])?;
    ensure!(text.contains("[stack]") && status.exit_code() == Some(0));
    Ok(())
}

fn hoard_events() -> Outcome {
    let own = Mapping::new(PAGES * PAGE_SIZE, Sharing::Private)?;
    (0..PAGES).for_each(|page| own.write(page * PAGE_SIZE, 1));
    let pieces = in_pieces()?;
    let maps = file::open("/proc/self/maps", O_RDONLY, 0)?;
    let place = fresh_path("hoard");
    file::make_directory(&place, 0o755)?;
    let [held, holder] = file::pipe(0)?;
    let others = watchers(&place)?;
    let other = Child::start(|| {
        // Holds its watchers until the hoarder is done.
        let _ = file::close(holder);
        i32::from(file::read(held, &mut [0]).is_err())
    })?;
    others.into_iter().try_for_each(file::close)?;
    let watchers = watchers(&place)?;
    let name = format!("{place}/{}", "n".repeat(250));
    for _ in 0..FILES {
        // There may be no memory for a file any more, but for its events.
        if let Ok(made) = file::open(&name, O_WRONLY | O_CREAT, 0o600) {
            file::close(made)?;
            file::remove(&name)?;
        }
    }
    let waiting = watchers.iter().map(|watcher| waiting(*watcher));
    let waiting = waiting.collect::<Result<Vec<u32>>>()?;
    let short = waiting.iter().filter(|bytes| **bytes < WAITING);
    let sum: u32 = waiting.iter().sum();
    println!(
        "hoard: {} KiB of events, {} watchers lost some, free {} KiB",
        sum / 1024,
        short.clone().count(),
        system::figures()?.free / 1024
    );
    ensure!(short.count() > 0);
    // A text of a mebibyte.
    ensure_eq!(file::read(maps, &mut [0; 16]), Err(Errno::ENOMEM));
    drop(pieces);
    file::close(holder)?;
    ensure_eq!(other.wait()?.exit_code(), Some(0));
    file::remove_directory(&place)?;
    Ok(())
}

/// Memory whose pages have other rights by turns.
fn in_pieces() -> core::result::Result<Mapping, Failure> {
    let pieces = Mapping::new(REGIONS * PAGE_SIZE, Sharing::Private)?;
    for page in (0..REGIONS).step_by(2) {
        let start = pieces.address() + page * PAGE_SIZE;
        let rights = PROT_READ as usize;
        arbitrary(__NR_mprotect, [start, PAGE_SIZE, rights, 0, 0, 0])?;
    }
    Ok(pieces)
}

/// Who watches the names in a directory.
fn watchers(place: &str) -> Result<Vec<i32>> {
    let path = format!("{place}\0");
    let mask = (IN_CREATE | IN_DELETE) as usize;
    let start = || {
        let flags = O_NONBLOCK as usize;
        let set = arbitrary(__NR_inotify_init1, [flags, 0, 0, 0, 0, 0])?;
        let path = path.as_ptr() as usize;
        arbitrary(__NR_inotify_add_watch, [set, path, mask, 0, 0, 0])?;
        Ok(set as i32)
    };
    (0..WATCHERS).map(|_| start()).collect()
}

/// Bytes that can be read.
fn waiting(watcher: i32) -> Result<u32> {
    let mut bytes = 0_u32;
    let place = &raw mut bytes as usize;
    let arguments = [watcher as usize, FIONREAD, place, 0, 0, 0];
    arbitrary(__NR_ioctl, arguments)?;
    Ok(bytes)
}
