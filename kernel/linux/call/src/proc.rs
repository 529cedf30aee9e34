//! Files in `/proc` that tell what calls tell: `/proc/version` and
//! `/proc/sys/kernel` what `uname` does, the rest the limits that calls keep.

use alloc::format;
use alloc::string::String;

use kernel_abi::Errno;
use kernel_abi::capability::CAP_LAST_CAP;

use crate::system::{Name, RELEASE, VERSION, name, set_name};
use kernel_control::proc::register;
use kernel_core::inotify;
use kernel_core::memory::region::{LOWEST, MOST_REGIONS};
use kernel_core::number::{parse_decimal, trim};
use kernel_files::attribute::{ShowFn, StoreFn};
use kernel_files::pipe;
use kernel_files::sys::Attribute;
use kernel_files::table::LIMIT;
use kernel_files::user_quota::{self, Kind};
use kernel_machine::log;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::table::{self, ID_LIMIT};

/// Process numbers are below this.
const PID_MAX: u32 = ID_LIMIT;

/// Kinds of character devices.
const DEVICES: &str = "Character devices:\n  1 mem\n  5 /dev/tty\n  \
    5 /dev/console\n204 ttyAMA\n\nBlock devices:\n";

/// Makes the files.
///
/// # Errors
/// `EEXIST` if called twice.
pub fn register_all() -> Result<(), Errno> {
    let files: [(&str, ShowFn); 16] = [
        ("/proc/version", || {
            Ok(format!("Linux version {RELEASE} {VERSION}\n"))
        }),
        ("/proc/sys/kernel/ostype", || Ok("Linux\n".into())),
        ("/proc/sys/kernel/osrelease", || Ok(format!("{RELEASE}\n"))),
        ("/proc/sys/kernel/version", || Ok(format!("{VERSION}\n"))),
        ("/proc/sys/kernel/pid_max", || Ok(format!("{PID_MAX}\n"))),
        ("/proc/sys/kernel/ngroups_max", || Ok("65536\n".into())),
        ("/proc/sys/kernel/cap_last_cap", || Ok(format!("{CAP_LAST_CAP}\n"))),
        ("/proc/sys/kernel/randomize_va_space", || Ok("0\n".into())),
        ("/proc/sys/vm/max_map_count", || Ok(format!("{MOST_REGIONS}\n"))),
        ("/proc/sys/vm/overcommit_memory", || Ok("0\n".into())),
        ("/proc/sys/fs/file-max", || Ok(format!("{}\n", u64::MAX / 2))),
        ("/proc/sys/fs/nr_open", || Ok(format!("{LIMIT}\n"))),
        ("/proc/sys/fs/inotify/max_queued_events", || {
            Ok(format!("{}\n", inotify::EVENTS_MAX))
        }),
        ("/proc/sys/kernel/tainted", || Ok("0\n".into())),
        ("/proc/sys/vm/mmap_min_addr", || Ok(format!("{LOWEST}\n"))),
        ("/proc/devices", || Ok(DEVICES.into())),
    ];
    for (path, show) in files {
        register(path, Attribute::read_only(show))?;
    }
    register_settings()
}

/// Those that root may write.
fn register_settings() -> Result<(), Errno> {
    let settings: [(&str, ShowFn, StoreFn); 12] = [
        (
            "/proc/sys/fs/pipe-max-size",
            || Ok(format!("{}\n", pipe::most())),
            |text| pipe::set_most(number(text)?),
        ),
        (
            "/proc/sys/fs/pipe-user-pages-soft",
            || show_quota(Kind::PipePages),
            |text| store_quota(Kind::PipePages, text),
        ),
        (
            "/proc/sys/fs/pipe-user-pages-hard",
            || Ok(format!("{}\n", pipe::hard_limit())),
            |text| number(text).map(pipe::set_hard_limit),
        ),
        ("/proc/sys/kernel/printk", show_levels, store_levels),
        (
            "/proc/sys/kernel/hostname",
            || Ok(show_name(Name::Host)),
            |text| set_name(Name::Host, trim(text)),
        ),
        (
            "/proc/sys/kernel/domainname",
            || Ok(show_name(Name::Domain)),
            |text| set_name(Name::Domain, trim(text)),
        ),
        (
            "/proc/sys/kernel/ns_last_pid",
            || Ok(format!("{}\n", table::last_id())),
            |text| table::set_last_id(number(text)? as u32),
        ),
        ("/proc/sys/kernel/core_pattern", show_core, store_core),
        (
            "/proc/sys/kernel/threads-max",
            || Ok(format!("{}\n", table::most())),
            |text| table::set_most(number(text)?),
        ),
        (
            "/proc/sys/fs/inotify/max_user_instances",
            || show_quota(Kind::InotifyInstances),
            |text| store_quota(Kind::InotifyInstances, text),
        ),
        (
            "/proc/sys/fs/inotify/max_user_watches",
            || show_quota(Kind::InotifyWatches),
            |text| store_quota(Kind::InotifyWatches, text),
        ),
        (
            "/proc/sys/fs/epoll/max_user_watches",
            || show_quota(Kind::EpollWatches),
            |text| store_quota(Kind::EpollWatches, text),
        ),
    ];
    for (path, show, store) in settings {
        register(path, Attribute::new(show, store))?;
    }
    Ok(())
}

/// The level below which the console shows messages; that of messages
/// without one, the least that can be set, and the one after boot.
fn show_levels() -> Result<String, Errno> {
    Ok(format!("{}\t4\t1\t7\n", log::console_level()))
}

fn store_levels(text: &[u8]) -> Result<(), Errno> {
    let level = u8::try_from(number(text)?).map_err(|_| Errno::EINVAL)?;
    log::set_console_level(level.min(8));
    Ok(())
}

/// Names of core dumps, which nobody makes: kept for who asks. An empty one
/// stands for no name.
static CORE_PATTERN: SpinLock<([u8; 128], usize)> = {
    let (mut bytes, usual) = ([0; 128], *b"core");
    bytes.split_at_mut(usual.len()).0.copy_from_slice(&usual);
    SpinLock::with_rank(Rank::Device, (bytes, usual.len()))
};

fn show_core() -> Result<String, Errno> {
    let (bytes, length) = *CORE_PATTERN.lock();
    Ok(format!("{}\n", String::from_utf8_lossy(&bytes[..length])))
}

/// A program that gets the dump, `|PROGRAM`, would wait for ever.
fn store_core(text: &[u8]) -> Result<(), Errno> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.starts_with(b"|") {
        return Err(Errno::EOPNOTSUPP);
    }
    let mut bytes = [0; 128];
    let place = bytes.get_mut(..text.len()).ok_or(Errno::EINVAL)?;
    place.copy_from_slice(text);
    *CORE_PATTERN.lock() = (bytes, text.len());
    Ok(())
}

fn show_quota(kind: Kind) -> Result<String, Errno> {
    Ok(format!("{}\n", user_quota::limit(kind)))
}

fn store_quota(kind: Kind, text: &[u8]) -> Result<(), Errno> {
    user_quota::set_limit(kind, number(text)?);
    Ok(())
}

/// A number that somebody wrote. The largest is what Linux's `int` holds.
fn number(text: &[u8]) -> Result<usize, Errno> {
    let value = parse_decimal(trim(text)).map_err(|_| Errno::EINVAL)?;
    let value = i32::try_from(value).map_err(|_| Errno::EINVAL)?;
    Ok(value as usize)
}

fn show_name(which: Name) -> String {
    format!("{}\n", String::from_utf8_lossy(&name(which)))
}
