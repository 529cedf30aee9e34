//! Which files a group has: a row for each, with what it shows and what a
//! write to it does.

mod common;
mod freezer;

use kernel_core::freezer::Hierarchy;

use super::attach::What;
use super::attribute::READ_WRITE;
use super::file::{Content, Show, Store};
use super::inode::{PROCESSES, events_file};

/// Where a file stands.
const ROOT_1: u8 = 1;
const GROUP_1: u8 = 2;
const ROOT_2: u8 = 4;
const GROUP_2: u8 = 8;
const BOTH_1: u8 = ROOT_1 | GROUP_1;
const BOTH_2: u8 = ROOT_2 | GROUP_2;
const ALL: u8 = BOTH_1 | BOTH_2;
const GROUPS: u8 = GROUP_1 | GROUP_2;

/// One file.
pub(super) struct Row {
    pub(super) name: &'static str,
    place: u8,
    pub(super) permissions: u16,
    pub(super) content: Content,
}

const fn row(name: &'static str, place: u8, content: Content) -> Row {
    let permissions = match &content {
        Content::Text(None, _) => 0o200,
        Content::Text(_, None) | Content::Events(_) => 0o444,
        _ => READ_WRITE,
    };
    Row { name, place, permissions, content }
}

const fn read_only(show: Show) -> Content {
    Content::Text(Some(show), None)
}

const fn text(show: Show, store: Store) -> Content {
    Content::Text(Some(show), Some(store))
}

const fn write_only(store: Store) -> Content {
    Content::Text(None, Some(store))
}

const fn tasks(show: Show, what: What) -> Content {
    Content::Tasks(show, what)
}

static ROWS: [Row; 22] = {
    use common as c;
    use freezer as f;
    let agent = text(c::show_release_agent, c::store_release_agent);
    let clones = text(c::show_clone_children, c::store_clone_children);
    let subtree = text(c::show_controllers, c::store_controllers);
    [
        row("cgroup.procs", ALL, tasks(c::show_processes, What::Process)),
        row("tasks", BOTH_1, tasks(c::show_threads, What::Thread)),
        row("notify_on_release", BOTH_1, text(c::show_notify, c::store_notify)),
        row("cgroup.clone_children", BOTH_1, clones),
        row("cgroup.sane_behavior", ROOT_1, read_only(c::show_sane_behavior)),
        row("release_agent", ROOT_1, agent),
        row("freezer.state", GROUP_1, Content::State),
        row("freezer.self_freezing", GROUP_1, read_only(f::show_self_freezing)),
        row(
            "freezer.parent_freezing",
            GROUP_1,
            read_only(f::show_parent_freezing),
        ),
        row("freezer.events", GROUP_1, Content::Events(f::show_state)),
        row("freezer.wait", GROUP_1, Content::Wait),
        row("freezer.stat", GROUPS, read_only(f::show_figures)),
        row("freezer.lease", GROUPS, Content::Lease),
        row(
            "freezer.kill_frozen",
            GROUP_1,
            text(f::show_kill_frozen, f::store_kill_frozen),
        ),
        row("cgroup.kill", GROUPS, write_only(c::store_kill)),
        row("cgroup.threads", BOTH_2, tasks(c::show_threads, What::Thread)),
        row(
            "cgroup.freeze",
            GROUP_2,
            text(f::show_self_freezing, f::store_freeze),
        ),
        row("cgroup.events", GROUP_2, Content::Events(c::show_events)),
        row("cgroup.stat", BOTH_2, read_only(c::show_statistics)),
        row("cgroup.type", GROUP_2, text(c::show_type, c::store_type)),
        row("cgroup.controllers", BOTH_2, read_only(c::show_controllers)),
        row("cgroup.subtree_control", BOTH_2, subtree),
    ]
};

// Who tells watchers knows the place of the file of events, and who moves tasks
// that of `cgroup.procs`.
const _: () = {
    assert!(is_same(ROWS[PROCESSES].name, "cgroup.procs"));
    let (name, place) = events_file(Hierarchy::V1);
    assert!(is_same(ROWS[place].name, name));
    let (name, place) = events_file(Hierarchy::V2);
    assert!(is_same(ROWS[place].name, name));
};

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The files of a group, with their places in the table.
pub(super) fn rows(
    hierarchy: Hierarchy,
    is_root: bool,
) -> impl Iterator<Item = (usize, &'static Row)> {
    let place = match (hierarchy, is_root) {
        (Hierarchy::V1, true) => ROOT_1,
        (Hierarchy::V1, false) => GROUP_1,
        (Hierarchy::V2, true) => ROOT_2,
        (Hierarchy::V2, false) => GROUP_2,
    };
    ROWS.iter().enumerate().filter(move |(_, row)| row.place & place != 0)
}
