//! Owners and modes of a group's files, as files have them.

use kernel_core::cgroup::Tree;
use kernel_core::cgroup::attribute::{AttributeTable, Attributes};

use super::inode::PROCESSES;
use kernel_files::clock;
use kernel_files::inode::{Change, FileType, InodeId, Metadata};
use kernel_files::permission::{Authority, WRITE};

/// The mode of a file that is read and written, unless it was changed.
pub(super) const READ_WRITE: u16 = 0o644;

/// What `stat` tells of a file with these.
pub(super) fn metadata(
    id: InodeId,
    kind: FileType,
    attributes: Attributes,
) -> Metadata {
    let boot = clock::boot_time_ns();
    Metadata {
        uid: attributes.user,
        gid: attributes.group,
        ..Metadata::of(id, kind, attributes.permissions, boot)
    }
}

/// Changes those of `file`, of which `now` is told. Times are not kept.
pub(super) fn change(
    table: &mut AttributeTable,
    file: usize,
    now: &Metadata,
    change: &Change,
) {
    let permissions = change.permissions.unwrap_or(now.permissions);
    let user = change.uid.unwrap_or(now.uid);
    let group = change.gid.unwrap_or(now.gid);
    if [permissions, user, group] != [now.permissions, now.uid, now.gid] {
        table.set(file, Attributes { permissions, user, group });
    }
}

/// Those of a group's `cgroup.procs`, by which it is judged who may move
/// tasks.
pub(super) fn of_processes(tree: &Tree, slot: u32) -> Attributes {
    let group = tree.handle(slot).and_then(|it| tree.get(it).ok());
    let none = AttributeTable::default();
    let table = group.map_or(&none, |group| &group.attributes);
    table.get(PROCESSES, READ_WRITE.into())
}

/// Whether `who` may write to a file with these.
pub(super) fn may_write(who: &Authority, attributes: &Attributes) -> bool {
    let id = InodeId { device: 0, number: 0 };
    let metadata = metadata(id, FileType::Regular, *attributes);
    who.grants(&metadata, WRITE)
}
