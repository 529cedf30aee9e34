//! The numbers of inodes: those of a group and its files follow each other.

use kernel_core::freezer::Hierarchy;
use kernel_core::inotify::MODIFY;

use kernel_files::inode::InodeId;
use kernel_files::{inotify, mount};

/// Numbers of inodes of one group.
pub(super) const NUMBERS: u64 = 64;

/// The device of a hierarchy.
fn device(hierarchy: Hierarchy) -> u64 {
    static DEVICES: spin::Once<[u64; 2]> = spin::Once::new();
    let make = || [mount::allocate_device(), mount::allocate_device()];
    DEVICES.call_once(make)[hierarchy as usize]
}

/// The inode of a group's directory, or of its `row`-th file.
pub(super) fn inode_id(
    hierarchy: Hierarchy,
    slot: u32,
    row: Option<usize>,
) -> InodeId {
    let place = row.map_or(0, |row| row as u64 + 1);
    let number = u64::from(slot) * NUMBERS + place + 1;
    InodeId { device: device(hierarchy), number }
}

/// The place of `cgroup.procs` in the table of files (`row.rs` proves it).
pub(super) const PROCESSES: usize = 0;

/// The file of a group's events: its name, and its place in the table of
/// files (`row.rs` proves it).
pub(super) const fn events_file(hierarchy: Hierarchy) -> (&'static str, usize) {
    match hierarchy {
        Hierarchy::V1 => ("freezer.events", 9),
        Hierarchy::V2 => ("cgroup.events", 17),
    }
}

/// Tells who watches the group's file of events, or its directory.
pub(super) fn tell_watchers(hierarchy: Hierarchy, slot: u32) {
    let (name, row) = events_file(hierarchy);
    inotify::notify(inode_id(hierarchy, slot, Some(row)), MODIFY, b"");
    let directory = inode_id(hierarchy, slot, None);
    inotify::notify(directory, MODIFY, name.as_bytes());
}
