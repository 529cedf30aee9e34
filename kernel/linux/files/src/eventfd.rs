//! `eventfd(2)`: a counter to wait for.
//!
//! What a read takes is on its way until user memory has it. If that memory
//! turns out to be bad, it goes back, for which its room is kept:
//!
//! | read, bad address | read, good address | write of the most |
//! |---|---|---|
//! | takes all: 0 left, `on_its_way` | | |
//! | | finds 0, sleeps | |
//! | the copy fails | | no room: sleeps |
//! | puts it back, wakes all | takes all, copies, wakes all | goes on |

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::buffer::{Input, Output};
use super::file::{Blocking, File, interrupted};
use super::flags::PollEvents;
use kernel_machine::sync::SpinLock;
use kernel_task::{PollTable, WaitQueue};

/// The counter never gets larger.
const MOST: u64 = u64::MAX - 1;

/// What a read takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Take {
    /// All that was added.
    All,
    /// One (`EFD_SEMAPHORE`).
    One,
}

/// The sum of both never gets larger than [`MOST`].
struct Count {
    /// What there is to take.
    left: u64,
    /// What reads took and have not brought to user memory yet.
    on_its_way: u64,
}

/// A counter.
pub struct EventFd {
    count: SpinLock<Count>,
    take: Take,
    changed: Arc<WaitQueue>,
}

impl Count {
    fn room(&self) -> u64 {
        MOST - self.left - self.on_its_way
    }
}

impl EventFd {
    /// A counter that starts with `count`.
    pub fn new(count: u64, take: Take) -> Arc<Self> {
        let changed = Arc::new(WaitQueue::new());
        let count = SpinLock::new(Count { left: count, on_its_way: 0 });
        Arc::new(Self { count, take, changed })
    }

    fn try_take(&self) -> Option<u64> {
        let mut count = self.count.lock();
        let taken = match self.take {
            Take::All => count.left,
            Take::One => count.left.min(1),
        };
        count.left -= taken;
        count.on_its_way += taken;
        (taken != 0).then_some(taken)
    }

    /// What was taken is in user memory, or back if the copy has failed.
    fn arrive(&self, taken: u64, copy: Result<(), Errno>) {
        let mut count = self.count.lock();
        count.on_its_way -= taken;
        if copy.is_err() {
            count.left += taken;
        }
        drop(count);
        self.changed.wake_all();
    }

    /// Adds, if the sum is not too large.
    fn try_add(&self, value: u64) -> Option<()> {
        let mut count = self.count.lock();
        if value > count.room() {
            return None;
        }
        count.left += value;
        Some(())
    }

    /// Carries out `attempt`, waiting if need be.
    fn change<T>(
        &self,
        place: &'static str,
        blocking: Blocking,
        attempt: impl Fn() -> Option<T>,
    ) -> Result<T, Errno> {
        match (attempt(), blocking) {
            (Some(value), _) => Ok(value),
            (None, Blocking::Fail) => Err(Errno::EAGAIN),
            (None, Blocking::Sleep) => {
                self.changed.wait_until(place, attempt).map_err(interrupted)
            }
        }
    }
}

impl File for EventFd {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() < size_of::<u64>() {
            return Err(Errno::EINVAL);
        }
        let taken =
            self.change("eventfd_read", blocking, || self.try_take())?;
        let put = output.put(&taken.to_ne_bytes());
        self.arrive(taken, put);
        put.map(|()| size_of::<u64>())
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let mut bytes = [0; size_of::<u64>()];
        if input.remaining() < bytes.len() {
            return Err(Errno::EINVAL);
        }
        input.take(&mut bytes)?;
        let value = u64::from_ne_bytes(bytes);
        if value > MOST {
            return Err(Errno::EINVAL);
        }
        self.change("eventfd_write", blocking, || self.try_add(value))?;
        self.changed.wake_all();
        Ok(bytes.len())
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.changed);
        }
        let (left, room) = {
            let count = self.count.lock();
            (count.left, count.room())
        };
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, left > 0);
        events.set(PollEvents::WRITABLE, room > 0);
        events
    }
}
