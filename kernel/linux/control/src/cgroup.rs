//! Freezer groups as programs see them: the freezer of cgroup v1, and the
//! face of cgroup v2.
//!
//! The two are hierarchies of their own, as on Linux: a task is in one group
//! of each, and stands still while either wants it to. Under both is one
//! engine. The rules of trees are `kernel_core::cgroup`'s, those of tasks
//! `kernel_core::freezer`'s; here are the lock, the files, and the moving of
//! tasks.
//!
//! Read next, from the bottom: `cgroup/events.rs` (who is told),
//! `cgroup/forest.rs` (all groups, and their lock), `cgroup/member.rs`,
//! `cgroup/group.rs`, `cgroup/attribute.rs` (whose a file is), `cgroup/news.rs`
//! (what is found out before it is told), `cgroup/attach.rs`, `cgroup/kill.rs`,
//! `cgroup/row.rs` (the table of files), `cgroup/file.rs` (how an open one
//! behaves), `cgroup/filesystem.rs` (directories), `cgroup/place.rs` (where a
//! child is born), `cgroup/release.rs` (what is started when a group is empty).

use kernel_abi::Errno;
use kernel_core::freezer::Hierarchy;

use kernel_task::host::GroupWatcher;

mod attach;
mod attribute;
mod events;
mod file;
mod filesystem;
mod forest;
mod group;
mod inode;
mod kill;
mod marks;
mod member;
mod news;
mod place;
mod release;
mod report;
mod row;

pub use place::Place;
pub use report::{controllers, groups_of, trail_of};

/// What the freezer tells of groups.
pub static WATCHER: GroupWatcher = GroupWatcher { quiet, empty: emptied };

/// The last awake task of a freezing group has parked.
fn quiet(slot: u32) {
    events::park(slot);
    match events::LINKS.hierarchy(slot) {
        Hierarchy::V1 => events::changed_upwards(slot),
        Hierarchy::V2 => news::mark::quiet(slot),
    }
}

/// The last task has left a group.
fn emptied(slot: u32) {
    match events::LINKS.hierarchy(slot) {
        Hierarchy::V1 => {
            events::changed_upwards(slot);
            release::mark::emptied(slot);
        }
        Hierarchy::V2 => news::mark::emptied(slot),
    }
}

/// Lets groups be mounted.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn init() -> Result<(), Errno> {
    news::init()?;
    release::init()?;
    filesystem::register_types();
    Ok(())
}
