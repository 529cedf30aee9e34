//! `df`: prints how much room file systems have, in KiB.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::system::{self, Room};
use user_lib::{file, println};

use user_lib::option::{Options, fail};

/// Runs `df [PATH]...`; without a path it shows each mounted file system that
/// has a size, and with `-a` all.
pub fn main(arguments: &[String]) -> i32 {
    // KiB are what it shows, with and without `-k`.
    let options = match Options::parse(arguments, "ak") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mounts = match file::text("/proc/mounts") {
        Ok(mounts) => mounts,
        Err(error) => return fail("df", "/proc/mounts", error),
    };
    let mounts = mounts.lines().filter_map(read_line).collect::<Vec<_>>();
    println!(
        "{:16} {:>10} {:>10} {:>10} {:>4} Mounted on",
        "Filesystem", "1K-blocks", "Used", "Available", "Use%"
    );
    let mut status = 0;
    if options.operands.is_empty() {
        for (source, place) in &mounts {
            // What cannot be asked for, such as a place another file system
            // covers, has no figures.
            if let Ok(room) = system::room(place)
                && (room.total > 0 || options.has('a'))
            {
                show(source, place, &room);
            }
        }
    }
    for path in &options.operands {
        match system::room(path) {
            Ok(room) => {
                let (source, place) = mount_of(&mounts, path);
                show(source, place, &room);
            }
            Err(error) => status = fail("df", path, error),
        }
    }
    status
}

/// Source and place in a line of `/proc/mounts`.
fn read_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?))
}

/// The mount that a path lies in: the file systems have the same device.
fn mount_of<'a>(
    mounts: &[(&'a str, &'a str)],
    path: &'a str,
) -> (&'a str, &'a str) {
    let device = |path: &str| Some(file::status(path).ok()?.st_dev);
    let own = device(path);
    let found = mounts.iter().rev().find(|(_, place)| device(place) == own);
    found.copied().unwrap_or(("-", path))
}

fn show(source: &str, place: &str, room: &Room) {
    let used = room.total.saturating_sub(room.free);
    // Rounded up, of what users can have, as POSIX says.
    let usable = used + room.available;
    let percent = (used * 100).div_ceil(usable.max(1));
    println!(
        "{source:16} {:10} {:10} {:10} {percent:3}% {place}",
        room.total / 1024,
        used / 1024,
        room.available / 1024,
    );
}
