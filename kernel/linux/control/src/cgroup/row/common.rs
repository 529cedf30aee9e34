//! The files that every group has, whatever it is for. No text is made under
//! the lock of the forest.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::cgroup::State;
use kernel_core::cgroup::request::{parse_flag, parse_switch};
use kernel_core::number;

use super::super::forest::{Tasks, forest};
use super::super::group::Group;
use super::super::{kill, member};
use kernel_machine::sync::copy_out;

/// The text of a file; `ENODEV` if the group was removed.
pub(super) type Shown = Result<Vec<u8>, Errno>;

/// A line with 0 or 1.
pub(super) fn flag(is_set: bool) -> Shown {
    Ok(format!("{}\n", u32::from(is_set)).into_bytes())
}

/// A line for each number.
fn lines(numbers: &[u32]) -> Shown {
    let lines = numbers.iter().map(|number| format!("{number}\n"));
    Ok(lines.collect::<String>().into_bytes())
}

pub(super) fn show_threads(group: Group) -> Shown {
    group.check()?;
    lines(&member::threads(group.hierarchy, group.slot()))
}

pub(super) fn show_processes(group: Group) -> Shown {
    group.check_domain()?;
    lines(&member::processes(group.hierarchy, group.slot()))
}

/// Ends processes, so not a group that has only threads of some.
pub(super) fn store_kill(group: Group, text: &[u8]) -> Result<(), Errno> {
    if !parse_switch(text)? {
        return Err(Errno::ERANGE);
    }
    group.check_domain()?;
    kill::kill(group.hierarchy, group.handle)
}

pub(super) fn show_notify(group: Group) -> Shown {
    flag(group.with(|tree, handle| tree.notifies_release(handle, &Tasks))?)
}

pub(super) fn store_notify(group: Group, text: &[u8]) -> Result<(), Errno> {
    group.with(|tree, handle| {
        let asks = parse_flag(text)?;
        tree.set_notify_on_release(handle, asks, &Tasks)
    })
}

pub(super) fn show_clone_children(group: Group) -> Shown {
    flag(group.with(|tree, handle| Ok(tree.get(handle)?.clone_children))?)
}

pub(super) fn store_clone_children(
    group: Group,
    text: &[u8],
) -> Result<(), Errno> {
    group.with(|tree, handle| {
        tree.get_mut(handle)?.clone_children = parse_flag(text)?;
        Ok(())
    })
}

pub(super) fn show_sane_behavior(group: Group) -> Shown {
    group.check()?;
    flag(false)
}

pub(super) fn show_release_agent(_group: Group) -> Shown {
    let mut agent = copy_out(|copy| {
        let agent = &forest().release_agent;
        if agent.len() <= copy.capacity() {
            copy.extend_from_slice(agent);
        }
        agent.len()
    });
    agent.push(b'\n');
    Ok(agent)
}

pub(super) fn store_release_agent(
    _group: Group,
    text: &[u8],
) -> Result<(), Errno> {
    let agent = number::trim(text).to_vec();
    let old = core::mem::replace(&mut forest().release_agent, agent);
    drop(old);
    Ok(())
}

pub(super) fn show_events(group: Group) -> Shown {
    let (is_frozen, is_populated) = group.with(|tree, handle| {
        let is_frozen = tree.state(handle, &Tasks)? == State::Frozen;
        Ok((is_frozen, tree.is_populated(handle.slot, &Tasks)))
    })?;
    let text = format!(
        "populated {}\nfrozen {}\n",
        u32::from(is_populated),
        u32::from(is_frozen)
    );
    Ok(text.into_bytes())
}

pub(super) fn show_statistics(group: Group) -> Shown {
    let below =
        group.with(|tree, handle| Ok(tree.subtree(handle.slot).count() - 1))?;
    let text = format!("nr_descendants {below}\nnr_dying_descendants 0\n");
    Ok(text.into_bytes())
}

pub(super) fn show_type(group: Group) -> Shown {
    Ok(group.with(|tree, handle| tree.group_type(handle))?.line().into())
}

pub(super) fn store_type(group: Group, text: &[u8]) -> Result<(), Errno> {
    group.check()?;
    group.with(|tree, handle| match text.trim_ascii() {
        b"threaded" => tree.make_threaded(handle, &Tasks),
        _ => Err(Errno::EINVAL),
    })
}

/// There are no controllers that could be passed on.
pub(super) fn show_controllers(group: Group) -> Shown {
    group.check()?;
    Ok(Vec::new())
}

pub(super) fn store_controllers(
    group: Group,
    text: &[u8],
) -> Result<(), Errno> {
    match text.trim_ascii() {
        b"" => Ok(()),
        _ => group.check().and(Err(Errno::EINVAL)),
    }
}
