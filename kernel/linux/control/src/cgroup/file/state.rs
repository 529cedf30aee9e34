//! `freezer.state`: the state in one word, and requests to change it.

use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::cgroup::State;
use kernel_core::cgroup::request::{StateRequest, parse_state};

use super::super::forest::{Tasks, forest};
use super::super::group::{Group, deadline_after};
use super::text::{accept, ready};
use kernel_files::file::{Blocking, File, Offset};
use kernel_files::{Input, Output, PollEvents};
use kernel_task::PollTable;

const STATES: [State; 3] = [State::Thawed, State::Freezing, State::Frozen];

/// An open `freezer.state`. Managers read it in a loop, so no text is made.
pub(super) struct StateFile {
    group: Group,
    /// The state that was last read from the beginning.
    state: AtomicU8,
}

impl StateFile {
    pub(super) fn new(group: Group) -> Self {
        Self { group, state: AtomicU8::new(0) }
    }
}

impl File for StateFile {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        if position == 0 {
            self.state.store(self.group.state()? as u8, Relaxed);
        }
        let state = STATES[usize::from(self.state.load(Relaxed)) % 3];
        output.put_from(state.line().as_bytes(), position)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        accept(input, |text| match parse_state(text)? {
            StateRequest::Thaw => self.group.request(false),
            StateRequest::Freeze => self.group.request(true),
            StateRequest::FreezeWithin(ms) => freeze_within(self.group, ms),
        })
    }

    fn poll(&self, _table: Option<&mut PollTable>) -> PollEvents {
        ready(self.group)
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}

/// Freezes the group, or leaves it as it was.
///
/// # Errors
/// `ETIMEDOUT`; `EINTR`; `EDEADLK` if the writer is in the group: it
/// could not see to the end of it.
fn freeze_within(group: Group, ms: u64) -> Result<(), Errno> {
    group.check_outside()?;
    let deadline_ns = deadline_after(ms);
    let (was_asked, mine) = group.with(|tree, handle| {
        let [was_asked, _] = tree.requests(handle, &Tasks)?;
        tree.request(handle, true, &Tasks)?;
        Ok((was_asked, tree.get(handle)?.requests()))
    })?;
    let result = group.wait_frozen(deadline_ns);
    if result.is_err() && !was_asked {
        let mut forest = forest();
        forest.tree(group.hierarchy).roll_back(group.handle, mine, &Tasks);
    }
    result
}
