//! The freezer's files. No text is made under the lock of the forest.

use alloc::format;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::cgroup::request::parse_switch;

use super::super::forest::Tasks;
use super::super::group::Group;
use super::common::{Shown, flag};
use kernel_machine::arch;

pub(super) fn show_self_freezing(group: Group) -> Shown {
    flag(group.with(|tree, handle| tree.requests(handle, &Tasks))?[0])
}

pub(super) fn show_parent_freezing(group: Group) -> Shown {
    flag(group.with(|tree, handle| tree.requests(handle, &Tasks))?[1])
}

pub(super) fn show_state(group: Group) -> Shown {
    Ok(format!("state {}", group.state()?.line()).into_bytes())
}

/// Figures, then who asks for freezing: the tag by which a manager tells its
/// own request from others'.
pub(super) fn show_figures(group: Group) -> Shown {
    let (figures, [own, parent], leases) = group.with(|tree, handle| {
        // Finds out whether all stand still, and since when.
        tree.state(handle, &Tasks)?;
        let requests = tree.requests(handle, &Tasks)?;
        let group = tree.get(handle)?;
        Ok((group.figures, requests, group.leases()))
    })?;
    let text = format!(
        "{}self_freezing {}\nparent_freezing {}\nleases {leases}\n",
        figures.show(arch::timer::now_ns()),
        u32::from(own),
        u32::from(parent),
    );
    Ok(text.into_bytes())
}

pub(super) fn show_kill_frozen(group: Group) -> Result<Vec<u8>, Errno> {
    flag(group.with(|tree, handle| tree.kills_frozen(handle, &Tasks))?)
}

pub(super) fn store_kill_frozen(
    group: Group,
    text: &[u8],
) -> Result<(), Errno> {
    group.with(|tree, handle| {
        let kills = parse_switch(text)?;
        tree.set_kill_frozen(handle, kills, &Tasks)
    })
}

pub(super) fn store_freeze(group: Group, text: &[u8]) -> Result<(), Errno> {
    group.request(parse_switch(text)?)
}
