//! Files whose text is made when they are read.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;

use super::super::events::{self, Events};
use super::super::group::Group;
use kernel_files::file::{Blocking, File, Offset};
use kernel_files::{Input, Output, PollEvents};
use kernel_machine::sync::{Making, SpinLock};
use kernel_task::PollTable;

/// Makes the text of a file.
pub(in crate::cgroup) type Show = fn(Group) -> Result<Vec<u8>, Errno>;

/// Does what was written to a file.
pub(in crate::cgroup) type Store = fn(Group, &[u8]) -> Result<(), Errno>;

/// What a write of a usual length needs.
const SMALL: usize = 64;
/// Most that is taken of a write.
const WRITE_MAX: usize = 4096;

/// Hands all that was written to `store`, and says how much it was.
pub(super) fn accept(
    input: &mut Input<'_>,
    store: impl FnOnce(&[u8]) -> Result<(), Errno>,
) -> Result<usize, Errno> {
    let length = input.remaining().min(WRITE_MAX);
    if length == 0 {
        return Ok(0);
    }
    if length <= SMALL {
        let mut text = [0; SMALL];
        input.take(&mut text[..length])?;
        store(&text[..length])?;
    } else {
        let mut text = vec![0; length];
        input.take(&mut text)?;
        store(&text)?;
    }
    Ok(length)
}

/// Text that is made by a read from the beginning, and kept for reads that
/// go on.
pub(super) struct Kept(SpinLock<Option<Arc<Vec<u8>>>>);

impl Kept {
    pub(super) const fn new() -> Self {
        Self(SpinLock::new(None))
    }

    pub(super) fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        make: impl FnOnce() -> Result<Vec<u8>, Errno>,
    ) -> Result<usize, Errno> {
        let known = self.0.lock().clone();
        if let Some(text) = known.filter(|_| position > 0) {
            return output.put_from(&text, position);
        }
        let making = Making::begin();
        let text = Arc::new(make()?);
        drop(making);
        let old = self.0.lock().replace(text.clone());
        drop(old);
        output.put_from(&text, position)
    }
}

/// What an open file that can be polled has seen of its group's events.
pub(super) struct Watch {
    group: Group,
    events: Arc<Events>,
    /// The count of events at the last read.
    seen: AtomicU32,
}

impl Watch {
    pub(super) fn new(group: Group) -> Self {
        let events = events::watch(group.slot());
        let seen = AtomicU32::new(events.count());
        Self { group, events, seen }
    }

    /// The file is about to be read: what happened until now is no news.
    pub(super) fn catch_up(&self) {
        self.seen.store(self.events.count(), Relaxed);
    }

    pub(super) fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.events.queue);
        }
        match self.events.count() == self.seen.load(Relaxed) {
            true => ready(self.group),
            false => NEWS,
        }
    }
}

const READY: PollEvents = PollEvents::READABLE.union(PollEvents::WRITABLE);
const NEWS: PollEvents =
    READY.union(PollEvents::PRIORITY).union(PollEvents::ERROR);

/// What `poll` says of a file that never makes anybody wait; of a removed
/// group's, always that there is news (SPECIFICATION.md Y2).
pub(super) fn ready(group: Group) -> PollEvents {
    if group.check().is_ok() { READY } else { NEWS }
}

/// An open file with a text.
pub(super) struct TextFile {
    group: Group,
    show: Option<Show>,
    store: Option<Store>,
    watch: Option<Watch>,
    text: Kept,
}

impl TextFile {
    pub(super) fn new(
        group: Group,
        show: Option<Show>,
        store: Option<Store>,
        watch: Option<Watch>,
    ) -> Self {
        Self { group, show, store, watch, text: Kept::new() }
    }

    fn make(&self) -> Result<Vec<u8>, Errno> {
        if let Some(watch) = &self.watch {
            // What this look finds is no news to who reads it.
            self.group.state()?;
            watch.catch_up();
        }
        self.show.map_or(Err(Errno::EINVAL), |show| show(self.group))
    }
}

impl File for TextFile {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.text.read(position, output, || self.make())
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        accept(input, |text| match self.store {
            Some(store) => store(self.group, text),
            None => self.group.check().and(Err(Errno::EINVAL)),
        })
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        match &self.watch {
            Some(watch) => watch.poll(table),
            None => ready(self.group),
        }
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}
