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
//! `cgroup/attach.rs`, `cgroup/kill.rs`, `cgroup/row.rs` (the table of files),
//! `cgroup/file.rs` (how an open one behaves), `cgroup/filesystem.rs`
//! (directories), `cgroup/release.rs` (what is started when a group is empty).

use kernel_abi::Errno;

use kernel_task::host::GroupWatcher;

mod attach;
mod events;
mod file;
mod filesystem;
mod forest;
mod inode;
mod kill;
mod member;
mod release;
mod report;
mod row;

/// What the freezer tells of groups.
pub static WATCHER: GroupWatcher =
    GroupWatcher { quiet: events::quiet, empty: events::emptied };

/// Lets groups be mounted, and `/proc` tell of them.
///
/// # Errors
/// `EEXIST` if called twice.
pub fn init() -> Result<(), Errno> {
    release::init()?;
    filesystem::register_types();
    report::init()
}
