//! What a set wants to know of one file, and when it tells of it.

use alloc::sync::{Arc, Weak};

use kernel_abi::system::EpollEvent;

use crate::flags::PollEvents;
use crate::open_file::OpenFile;
use kernel_task::PollTable;
use kernel_task::poll::Wakes;

/// Tell only of events, not of states (`EPOLLET`).
const EDGE: u32 = 1 << 31;
/// Tell once, then not before the interest is changed (`EPOLLONESHOT`).
const ONCE: u32 = 1 << 30;
/// One set of those that share the file is told (`EPOLLEXCLUSIVE`).
pub(super) const EXCLUSIVE: u32 = 1 << 28;
/// What is always told.
const ALWAYS: PollEvents = PollEvents::ERROR.union(PollEvents::HANG_UP);

/// What a set wants to know of one file.
pub(super) struct Interest {
    file: Weak<OpenFile>,
    /// Events and [`EDGE`], [`ONCE`]; 0 once [`ONCE`] is used up.
    events: u32,
    data: u64,
    /// Address of its set.
    set: usize,
    /// Places in the file's queues since it was last told of; only with
    /// [`EDGE`].
    since: PollTable,
    /// It was not told of yet.
    is_new: bool,
}

impl Interest {
    /// For the set at this address.
    pub(super) fn new(
        set: usize,
        file: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Self {
        Self {
            file: Arc::downgrade(file),
            events: event.events,
            data: event.data,
            set,
            since: PollTable::new(),
            is_new: true,
        }
    }

    /// The file, if it is open.
    pub(super) fn file(&self) -> Option<Arc<OpenFile>> {
        self.file.upgrade()
    }

    /// Whether it still is.
    pub(super) fn is_open(&self) -> bool {
        self.file.strong_count() != 0
    }

    /// Whether one set of those that share the file is told.
    pub(super) fn is_exclusive(&self) -> bool {
        self.events & EXCLUSIVE != 0
    }

    /// Whom an event wakes where the waiting task stands.
    fn wakes(&self) -> Wakes {
        if self.is_exclusive() { Wakes::One(self.set) } else { Wakes::All }
    }

    /// The same for places that stay between waits. Their task may sleep
    /// elsewhere: it is none of those that share the file then, and an event
    /// for one of them is lost on it.
    fn notes(&self) -> Wakes {
        if self.is_exclusive() { Wakes::None(self.set) } else { Wakes::All }
    }

    fn wanted(&self) -> PollEvents {
        PollEvents::from_bits_retain(self.events as u16) | ALWAYS
    }

    /// What is to be told of the file now; stands in its queues.
    pub(super) fn tell(&mut self, table: &mut PollTable) -> Option<EpollEvent> {
        let file = self.file.upgrade()?;
        if self.events == 0 {
            return None;
        }
        let look = |table: &mut PollTable, wakes: Wakes| {
            table.stand(wakes, |table| file.file().poll(Some(table)))
        };
        let mut found = look(table, self.wakes()) & self.wanted();
        if self.events & EDGE != 0 {
            if !self.is_new && !self.since.was_woken() {
                return None;
            }
            self.since.clear();
            let (notes, wanted) = (self.notes(), self.wanted());
            found = look(&mut self.since, notes) & wanted;
        }
        self.is_new = false;
        if found.is_empty() {
            return None;
        }
        if self.events & ONCE != 0 {
            self.events = 0;
        }
        let (events, data) = (found.bits().into(), self.data);
        Some(EpollEvent { events, data, ..EpollEvent::default() })
    }

    /// Whether there is something to tell; nothing counts as told.
    pub(super) fn is_ready(&self, table: Option<&mut PollTable>) -> bool {
        let Some(file) = self.file.upgrade() else { return false };
        let found = file.file().poll(table) & self.wanted();
        let is_due =
            self.events & EDGE == 0 || self.is_new || self.since.was_woken();
        self.events != 0 && is_due && !found.is_empty()
    }
}
