//! `mount` and `umount`.

use alloc::string::String;

use user_lib::linux::{
    MNT_DETACH, MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REMOUNT,
};
use user_lib::{file, print, system};

use user_lib::option::{Options, each, fail, usage};

/// Options that are bits of the call; all others go to the file system.
const FLAGS: [(&str, u32); 8] = [
    ("ro", MS_RDONLY),
    ("rw", 0),
    ("defaults", 0),
    ("nosuid", MS_NOSUID),
    ("nodev", MS_NODEV),
    ("noexec", MS_NOEXEC),
    ("remount", MS_REMOUNT),
    ("bind", MS_BIND),
];

/// Runs `mount`; without words it prints what is mounted.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "t:o:r") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let (what, target) = match options.operands.as_slice() {
        [] => return show(),
        [what, target] => (what, target),
        _ => return usage("mount", "[-t TYPE] [-o OPTIONS] WHAT WHERE"),
    };
    let (mut flags, rest) = split(options.value('o').unwrap_or(""));
    if options.has('r') {
        flags |= MS_RDONLY;
    }
    let kind = options.value('t').unwrap_or(what);
    system::mount(what, target, kind, flags, &rest)
        .map_or_else(|error| fail("mount", target, error), |()| 0)
}

fn show() -> i32 {
    match file::text("/proc/mounts") {
        Ok(text) => print!("{text}"),
        Err(error) => return fail("mount", "/proc/mounts", error),
    }
    0
}

/// Splits options into bits and what is left of them.
fn split(options: &str) -> (u32, String) {
    let mut flags = 0;
    let mut rest = String::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match FLAGS.iter().find(|(name, _)| *name == option) {
            Some((_, flag)) => flags |= flag,
            None if rest.is_empty() => rest += option,
            None => rest.extend([",", option]),
        }
    }
    (flags, rest)
}

/// Runs `umount`; `-l` takes it away even while it is in use.
pub fn unmount(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "l") {
        Ok(options) => options,
        Err(status) => return status,
    };
    if options.operands.is_empty() {
        return usage("umount", "[-l] DIRECTORY...");
    }
    let flags = if options.has('l') { MNT_DETACH } else { 0 };
    each("umount", &options.operands, |path| system::unmount(path, flags))
}
