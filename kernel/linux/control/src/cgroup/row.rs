//! Which files a group has.

use kernel_core::freezer::Hierarchy;

/// What a file is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    /// `tasks`, `cgroup.threads`
    Threads,
    /// `cgroup.procs`
    Processes,
    /// `notify_on_release`
    NotifyOnRelease,
    /// `cgroup.clone_children`
    CloneChildren,
    /// `release_agent`
    ReleaseAgent,
    /// `cgroup.sane_behavior`
    SaneBehavior,
    /// `freezer.state`
    State,
    /// `freezer.self_freezing`
    SelfFreezing,
    /// `freezer.parent_freezing`
    ParentFreezing,
    /// `freezer.events`
    StateEvents,
    /// `freezer.wait`
    Wait,
    /// `freezer.stat`
    Figures,
    /// `freezer.lease`
    Lease,
    /// `freezer.kill_frozen`
    KillFrozen,
    /// `cgroup.kill`
    Kill,
    /// `cgroup.freeze`
    Freeze,
    /// `cgroup.events`
    Events,
    /// `cgroup.stat`
    Statistics,
    /// `cgroup.type`
    Kind,
    /// `cgroup.controllers`, `cgroup.subtree_control`: there are none.
    Controllers,
}

/// Where a file stands.
const ROOT_1: u8 = 1;
const GROUP_1: u8 = 2;
const ROOT_2: u8 = 4;
const GROUP_2: u8 = 8;
const BOTH_1: u8 = ROOT_1 | GROUP_1;
const BOTH_2: u8 = ROOT_2 | GROUP_2;
const ALL: u8 = BOTH_1 | BOTH_2;

/// One file.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) what: Subject,
    pub(super) permissions: u16,
    place: u8,
}

const fn row(
    name: &'static str,
    what: Subject,
    permissions: u16,
    place: u8,
) -> Row {
    Row { name, what, permissions, place }
}

static ROWS: [Row; 22] = [
    row("cgroup.procs", Subject::Processes, 0o644, ALL),
    row("tasks", Subject::Threads, 0o644, BOTH_1),
    row("notify_on_release", Subject::NotifyOnRelease, 0o644, BOTH_1),
    row("cgroup.clone_children", Subject::CloneChildren, 0o644, BOTH_1),
    row("cgroup.sane_behavior", Subject::SaneBehavior, 0o444, ROOT_1),
    row("release_agent", Subject::ReleaseAgent, 0o644, ROOT_1),
    row("freezer.state", Subject::State, 0o644, GROUP_1),
    row("freezer.self_freezing", Subject::SelfFreezing, 0o444, GROUP_1),
    row("freezer.parent_freezing", Subject::ParentFreezing, 0o444, GROUP_1),
    row("freezer.events", Subject::StateEvents, 0o444, GROUP_1),
    row("freezer.wait", Subject::Wait, 0o644, GROUP_1),
    row("freezer.stat", Subject::Figures, 0o444, GROUP_1 | GROUP_2),
    row("freezer.lease", Subject::Lease, 0o644, GROUP_1 | GROUP_2),
    row("freezer.kill_frozen", Subject::KillFrozen, 0o644, GROUP_1),
    row("cgroup.kill", Subject::Kill, 0o200, GROUP_1 | GROUP_2),
    row("cgroup.threads", Subject::Threads, 0o644, BOTH_2),
    row("cgroup.freeze", Subject::Freeze, 0o644, GROUP_2),
    row("cgroup.events", Subject::Events, 0o444, GROUP_2),
    row("cgroup.stat", Subject::Statistics, 0o444, BOTH_2),
    row("cgroup.type", Subject::Kind, 0o644, GROUP_2),
    row("cgroup.controllers", Subject::Controllers, 0o444, BOTH_2),
    row("cgroup.subtree_control", Subject::Controllers, 0o644, BOTH_2),
];

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
