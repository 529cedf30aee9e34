//! The files of a group.
//!
//! The table in `row.rs` says which file is where, one `match` here what a
//! write does; what a read shows is made in `text.rs`. The files of Linux behave as its own;
//! those that only Firn has stand apart, so that nothing of Linux's changes
//! for their sake.
//!
//! | file | read | write |
//! |---|---|---|
//! | `freezer.state` | the state, in three words | `FROZEN`, `THAWED`; `FROZEN 500`: all frozen within 500 ms, or rolled back and `ETIMEDOUT` |
//! | `freezer.events` | the state; `POLLPRI` when it may have changed | |
//! | `freezer.wait` | sleeps until `FROZEN`; after a time, who still runs and what he waits for | the time in ms, for this descriptor |
//! | `freezer.stat` | figures, and who asks for freezing | |
//! | `freezer.lease` | the number of leases | `FROZEN` freezes until the descriptor is closed |
//! | `freezer.kill_frozen` | 0 or 1 | 1: a fatal signal ends a frozen task |
//! | `cgroup.kill` | | 1 ends all processes |

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};

use kernel_abi::Errno;
use kernel_core::cgroup::request::{
    StateRequest, parse_flag, parse_state, parse_switch,
};
use kernel_core::cgroup::{Handle, Kind, ROOT, State};
use kernel_core::freezer::Hierarchy;
use kernel_core::number;

use super::attach::{self, What};
use super::events::{self, Events};
use super::row::Subject;
use super::{Tasks, forest, kill, member, release, text};
use kernel_files::file::{Blocking, File, Offset};
use kernel_files::{Input, Output, PollEvents};
use kernel_machine::arch;
use kernel_machine::sync::SpinLock;
use kernel_task::refrigerator::{FREEZER, Scheduler};
use kernel_task::{self as task, PollTable, WaitError};

/// How long a read of `freezer.wait` waits, unless it was told otherwise.
const PATIENCE_MS: u32 = 1000;
/// What a write of a usual length needs.
const SMALL: usize = 64;
/// Most that is taken of a write.
const WRITE_MAX: usize = 4096;
const NS_PER_MS: u64 = 1_000_000;

/// An open file of a group.
pub(super) struct GroupFile {
    hierarchy: Hierarchy,
    group: Handle,
    what: Subject,
    /// For files that can be waited for.
    events: Option<Arc<Events>>,
    /// The count of events at the last read.
    seen: AtomicU32,
    /// The state that was last read from the beginning.
    state: AtomicU8,
    /// The text that was last read from the beginning.
    text: SpinLock<Option<Arc<Vec<u8>>>>,
    patience_ms: AtomicU32,
    /// Where the text begins: `freezer.wait` is read after a write.
    start: AtomicU64,
    /// Holds a lease.
    is_lease: AtomicBool,
}

const STATES: [State; 3] = [State::Thawed, State::Freezing, State::Frozen];

impl GroupFile {
    pub(super) fn new(
        hierarchy: Hierarchy,
        group: Handle,
        what: Subject,
    ) -> Arc<Self> {
        let waits = [Subject::StateEvents, Subject::Events, Subject::Wait];
        let events = waits.contains(&what).then(|| events::watch(group.slot));
        let seen = events.as_ref().map_or(0, |events| events.count());
        Arc::new(Self {
            hierarchy,
            group,
            what,
            events,
            seen: AtomicU32::new(seen),
            state: AtomicU8::new(0),
            text: SpinLock::new(None),
            patience_ms: AtomicU32::new(PATIENCE_MS),
            start: AtomicU64::new(0),
            is_lease: AtomicBool::new(false),
        })
    }

    fn state(&self) -> Result<State, Errno> {
        forest().tree(self.hierarchy).state(self.group, &Tasks)
    }

    /// `freezer.state`, without a copy of its text.
    fn read_state(
        &self,
        position: u64,
        output: &mut Output<'_>,
    ) -> Result<usize, Errno> {
        if position == 0 {
            self.state.store(self.state()? as u8, Relaxed);
        }
        let state = STATES[usize::from(self.state.load(Relaxed)) % 3];
        output.put_from(state.line().as_bytes(), position)
    }

    /// The text to read at `position`: made at the beginning, then kept.
    fn text(
        &self,
        position: u64,
        blocking: Blocking,
    ) -> Result<Arc<Vec<u8>>, Errno> {
        let known = self.text.lock().clone();
        if let Some(text) = known.filter(|_| position > 0) {
            return Ok(text);
        }
        let text = Arc::new(self.make_text(blocking)?);
        let old = self.text.lock().replace(text.clone());
        drop(old);
        Ok(text)
    }

    fn make_text(&self, blocking: Blocking) -> Result<Vec<u8>, Errno> {
        if let Some(events) = &self.events {
            self.seen.store(events.count(), Relaxed);
        }
        forest().tree(self.hierarchy).get(self.group)?;
        let slot = self.group.slot;
        match self.what {
            Subject::Threads => {
                Ok(text::lines(&member::threads(self.hierarchy, slot)))
            }
            Subject::Processes => {
                self.check_domain()?;
                Ok(text::lines(&member::processes(self.hierarchy, slot)))
            }
            Subject::Wait => self.wait(blocking),
            what => text::text(self.hierarchy, self.group, what),
        }
    }

    /// Waits until the group is frozen. After a time, or at once if the
    /// reader must not sleep, tells who still runs.
    fn wait(&self, blocking: Blocking) -> Result<Vec<u8>, Errno> {
        let patience_ms = match blocking {
            Blocking::Sleep => self.patience_ms.load(Relaxed),
            Blocking::Fail => 0,
        };
        let deadline_ns = deadline_after(patience_ms.into());
        match self.wait_frozen(deadline_ns) {
            Ok(()) => Ok(State::Frozen.line().into()),
            Err(Errno::ETIMEDOUT) => {
                let state = self.state()?;
                Ok(text::awake(self.hierarchy, self.group, state))
            }
            Err(error) => Err(error),
        }
    }

    /// Sleeps until the group is frozen.
    ///
    /// # Errors
    /// `ETIMEDOUT` after the deadline, `EINTR` by a signal, `ENODEV`.
    fn wait_frozen(&self, deadline_ns: u64) -> Result<(), Errno> {
        let events = events::watch(self.group.slot);
        loop {
            let seen = events.count();
            if self.state()? == State::Frozen {
                return Ok(());
            }
            let deadline = Some(deadline_ns);
            let waited = events.queue.wait_until_deadline(
                "freezer_wait",
                deadline,
                || (events.count() != seen).then_some(()),
            );
            match waited {
                Ok(()) => {}
                Err(WaitError::Interrupted) => return Err(Errno::EINTR),
                Err(WaitError::TimedOut) if self.state()? == State::Frozen => {
                    return Ok(());
                }
                Err(WaitError::TimedOut) => return Err(Errno::ETIMEDOUT),
            }
        }
    }

    fn store(&self, text: &[u8]) -> Result<(), Errno> {
        let attach =
            |what| attach::attach(self.hierarchy, self.group, text, what);
        match self.what {
            Subject::Processes => attach(What::Process),
            Subject::Threads => attach(What::Thread),
            Subject::State => self.store_state(text),
            Subject::Freeze => self.request(parse_switch(text)?),
            Subject::Lease => self.store_lease(text),
            Subject::Kill => match parse_switch(text)? {
                true => self.kill(),
                false => Err(Errno::ERANGE),
            },
            Subject::Wait => {
                let ms = number::parse_decimal(number::trim(text))?;
                let ms = u32::try_from(ms).map_err(|_| Errno::ERANGE)?;
                self.patience_ms.store(ms, Relaxed);
                Ok(())
            }
            Subject::ReleaseAgent => {
                forest().release_agent = number::trim(text).to_vec();
                Ok(())
            }
            Subject::Controllers if text.trim_ascii().is_empty() => Ok(()),
            Subject::Kind if text.trim_ascii() == b"threaded" => {
                let mut forest = forest();
                forest.tree(self.hierarchy).make_threaded(self.group, &Tasks)
            }
            _ => self.store_flag(text),
        }
    }

    /// Ends processes, so not a group that has only threads of some.
    fn kill(&self) -> Result<(), Errno> {
        self.check_domain()?;
        kill::kill(self.hierarchy, self.group)
    }

    fn check_domain(&self) -> Result<(), Errno> {
        match forest().tree(self.hierarchy).kind(self.group)? {
            Kind::Threaded => Err(Errno::EOPNOTSUPP),
            _ => Ok(()),
        }
    }

    /// The files that only keep a value, and those that take none.
    fn store_flag(&self, text: &[u8]) -> Result<(), Errno> {
        let mut forest = forest();
        let group = forest.tree(self.hierarchy).get_mut(self.group)?;
        match self.what {
            Subject::NotifyOnRelease => {
                group.notify_on_release = parse_flag(text)?;
                release::set_asking(self.group.slot, group.notify_on_release);
            }
            Subject::CloneChildren => group.clone_children = parse_flag(text)?,
            Subject::KillFrozen => {
                let kills = parse_switch(text)?;
                group.kill_frozen = kills;
                FREEZER.set_kill_frozen(&Scheduler, self.group.slot, kills);
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn request(&self, freezes: bool) -> Result<(), Errno> {
        forest().tree(self.hierarchy).request(self.group, freezes, &Tasks)
    }

    fn store_state(&self, text: &[u8]) -> Result<(), Errno> {
        match parse_state(text)? {
            StateRequest::Thaw => self.request(false),
            StateRequest::Freeze => self.request(true),
            StateRequest::FreezeWithin(ms) => self.freeze_within(ms),
        }
    }

    /// Freezes the group, or leaves it as it was.
    ///
    /// # Errors
    /// `ETIMEDOUT`; `EINTR`; `EDEADLK` if the writer is in the group: it
    /// could not see to the end of it.
    fn freeze_within(&self, ms: u64) -> Result<(), Errno> {
        self.check_outside()?;
        let deadline_ns = deadline_after(ms);
        let (was_asked, mine) = {
            let mut forest = forest();
            let tree = forest.tree(self.hierarchy);
            let [was_asked, _] = tree.requests(self.group)?;
            tree.request(self.group, true, &Tasks)?;
            (was_asked, tree.get(self.group)?.requests())
        };
        let result = self.wait_frozen(deadline_ns);
        if result.is_err() && !was_asked {
            let mut forest = forest();
            forest.tree(self.hierarchy).roll_back(self.group, mine, &Tasks);
        }
        result
    }

    /// Fails if the current task is in the group or below.
    fn check_outside(&self) -> Result<(), Errno> {
        let own = member::group_of(&task::current(), self.hierarchy);
        let mut forest = forest();
        let tree = forest.tree(self.hierarchy);
        let is_inside = own != ROOT && tree.is_within(self.group.slot, own);
        if is_inside { Err(Errno::EDEADLK) } else { Ok(()) }
    }

    fn store_lease(&self, text: &[u8]) -> Result<(), Errno> {
        match parse_state(text)? {
            StateRequest::Freeze => {
                self.check_outside()?;
                if !self.is_lease.swap(true, Relaxed) {
                    let mut forest = forest();
                    let tree = forest.tree(self.hierarchy);
                    let added = tree.add_lease(self.group, &Tasks);
                    self.is_lease.store(added.is_ok(), Relaxed);
                    return added;
                }
                Ok(())
            }
            StateRequest::Thaw => {
                self.end_lease();
                Ok(())
            }
            StateRequest::FreezeWithin(_) => Err(Errno::EINVAL),
        }
    }

    fn end_lease(&self) {
        if self.is_lease.swap(false, Relaxed) {
            let mut forest = forest();
            forest.tree(self.hierarchy).drop_lease(self.group, &Tasks);
        }
    }
}

fn deadline_after(ms: u64) -> u64 {
    let now_ns = arch::timer::now_ns();
    now_ns.saturating_add(ms.saturating_mul(NS_PER_MS))
}

impl Drop for GroupFile {
    fn drop(&mut self) {
        self.end_lease();
    }
}

impl File for GroupFile {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let position = position.saturating_sub(self.start.load(Relaxed));
        match self.what {
            Subject::State => self.read_state(position, output),
            Subject::Kill => Err(Errno::EINVAL),
            _ => output.put_from(&self.text(position, blocking)?, position),
        }
    }

    fn write(
        &self,
        position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        let length = input.remaining().min(WRITE_MAX);
        if length == 0 {
            return Ok(0);
        }
        if length <= SMALL {
            let mut text = [0; SMALL];
            input.take(&mut text[..length])?;
            self.store(&text[..length])?;
        } else {
            let mut text = vec![0; length];
            input.take(&mut text)?;
            self.store(&text)?;
        }
        if self.what == Subject::Wait {
            self.start.store(position + length as u64, Relaxed);
        }
        Ok(length)
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        let ready = PollEvents::READABLE | PollEvents::WRITABLE;
        let Some(events) = &self.events else { return ready };
        if let Some(table) = table {
            table.add(&events.queue);
        }
        match events.count() == self.seen.load(Relaxed) {
            true => ready,
            false => ready | PollEvents::PRIORITY | PollEvents::ERROR,
        }
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}
