//! What the files of a group show.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::cgroup::{Handle, State, Tree};
use kernel_core::freezer::Hierarchy;

use super::row::Subject;
use super::{Tasks, forest, member};
use kernel_machine::arch;
use kernel_task::freezer::Refuser;
use kernel_task::refrigerator::FREEZER;

/// A line for each number.
pub(super) fn lines(numbers: &[u32]) -> Vec<u8> {
    let lines = numbers.iter().map(|number| format!("{number}\n"));
    lines.collect::<String>().into_bytes()
}

/// The text of a file.
///
/// # Errors
/// `ENODEV` if the group was removed; `EINVAL` for a file that shows nothing.
pub(super) fn text(
    hierarchy: Hierarchy,
    handle: Handle,
    what: Subject,
) -> Result<Vec<u8>, Errno> {
    let mut forest = forest();
    if what == Subject::ReleaseAgent {
        return Ok([&forest.release_agent[..], b"\n"].concat());
    }
    let tree = forest.tree(hierarchy);
    let group = tree.get(handle)?;
    let flag = |is_set: bool| format!("{}\n", u32::from(is_set));
    let text = match what {
        Subject::NotifyOnRelease => flag(group.notify_on_release),
        Subject::CloneChildren => flag(group.clone_children),
        Subject::KillFrozen => flag(group.kill_frozen),
        Subject::SaneBehavior => flag(false),
        Subject::SelfFreezing | Subject::Freeze => {
            flag(tree.requests(handle)?[0])
        }
        Subject::ParentFreezing => flag(tree.requests(handle)?[1]),
        Subject::StateEvents => {
            format!("state {}", tree.state(handle, &Tasks)?.line())
        }
        Subject::Events => events(tree, handle)?,
        Subject::Figures => figures(tree, handle)?,
        Subject::Lease => format!("{}\n", group.leases()),
        Subject::Statistics => {
            let below = tree.subtree(handle.slot).count() - 1;
            format!("nr_descendants {below}\nnr_dying_descendants 0\n")
        }
        Subject::Kind => tree.kind(handle)?.line().to_string(),
        Subject::Controllers => String::new(),
        Subject::Threads
        | Subject::Processes
        | Subject::State
        | Subject::Wait
        | Subject::ReleaseAgent
        | Subject::Kill => return Err(Errno::EINVAL),
    };
    Ok(text.into_bytes())
}

fn events(tree: &mut Tree, handle: Handle) -> Result<String, Errno> {
    let is_frozen = tree.state(handle, &Tasks)? == State::Frozen;
    let is_populated = tree.is_populated(handle.slot, &Tasks);
    Ok(format!(
        "populated {}\nfrozen {}\n",
        u32::from(is_populated),
        u32::from(is_frozen)
    ))
}

/// Figures, then who asks for freezing: the tag by which a manager tells its
/// own request from others'.
fn figures(tree: &mut Tree, handle: Handle) -> Result<String, Errno> {
    // Finds out whether all stand still, and since when.
    tree.state(handle, &Tasks)?;
    let [own, parent] = tree.requests(handle)?;
    let group = tree.get(handle)?;
    Ok(format!(
        "{}self_freezing {}\nparent_freezing {}\nleases {}\n",
        group.figures.show(arch::timer::now_ns()),
        u32::from(own),
        u32::from(parent),
        group.leases()
    ))
}

/// The state, then a line for each task that should freeze and still runs,
/// with what it waits for.
pub(super) fn awake(
    hierarchy: Hierarchy,
    handle: Handle,
    state: State,
) -> Vec<u8> {
    let mut text = String::from(state.line());
    for task in member::of_subtree(hierarchy, handle) {
        let own = &task.freezer;
        let stands = own.frozen() || own.freezer_should_skip();
        if FREEZER.freezing(own) && !stands {
            text += &format!("{}\n", Refuser(&task));
        }
    }
    text.into_bytes()
}
