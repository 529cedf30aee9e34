//! `freezer.wait`: a read sleeps until the group is frozen.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel_abi::Errno;
use kernel_core::cgroup::State;
use kernel_core::number;

use super::super::group::{Group, deadline_after};
use super::super::member;
use super::text::{Kept, Watch, accept};
use kernel_files::file::{Blocking, File, Offset};
use kernel_files::{Input, Output, PollEvents};
use kernel_task::PollTable;
use kernel_task::freezer::Refuser;
use kernel_task::refrigerator::FREEZER;

/// How long a read waits, unless it was told otherwise.
const PATIENCE_MS: u32 = 1000;

/// An open `freezer.wait`.
pub(super) struct WaitFile {
    group: Group,
    watch: Watch,
    text: Kept,
    patience_ms: AtomicU32,
    /// Where the text begins: the file is read after a write to it.
    start: AtomicU64,
}

impl WaitFile {
    pub(super) fn new(group: Group) -> Self {
        Self {
            group,
            watch: Watch::new(group),
            text: Kept::new(),
            patience_ms: AtomicU32::new(PATIENCE_MS),
            start: AtomicU64::new(0),
        }
    }

    /// Waits until the group is frozen. After a time, or at once if the
    /// reader must not sleep, tells who still runs.
    fn wait(&self, blocking: Blocking) -> Result<Vec<u8>, Errno> {
        self.watch.catch_up();
        let patience_ms = match blocking {
            Blocking::Sleep => self.patience_ms.load(Relaxed),
            Blocking::Fail => 0,
        };
        let deadline_ns = deadline_after(patience_ms.into());
        match self.group.wait_frozen(deadline_ns) {
            Ok(()) => Ok(State::Frozen.line().into()),
            Err(Errno::ETIMEDOUT) => Ok(awake(self.group, self.group.state()?)),
            Err(error) => Err(error),
        }
    }

    fn set_patience(&self, text: &[u8]) -> Result<(), Errno> {
        let ms = number::parse_decimal(number::trim(text))?;
        let ms = u32::try_from(ms).map_err(|_| Errno::ERANGE)?;
        self.patience_ms.store(ms, Relaxed);
        Ok(())
    }
}

impl File for WaitFile {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let position = position.saturating_sub(self.start.load(Relaxed));
        self.text.read(position, output, || self.wait(blocking))
    }

    fn write(
        &self,
        position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        let length = accept(input, |text| self.set_patience(text))?;
        if length != 0 {
            self.start.store(position + length as u64, Relaxed);
        }
        Ok(length)
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        self.watch.poll(table)
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}

/// The state, then a line for each task that should freeze and still runs,
/// with what it waits for.
fn awake(group: Group, state: State) -> Vec<u8> {
    let mut text = String::from(state.line());
    for task in member::of_subtree(group.hierarchy, group.handle) {
        if FREEZER.refuses(&task.freezer) {
            text += &format!("{}\n", Refuser(&task));
        }
    }
    text.into_bytes()
}
