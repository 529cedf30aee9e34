//! `eventfd(2)`: a counter to wait for.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::buffer::{Input, Output};
use super::file::{Blocking, File, interrupted};
use super::flags::PollEvents;
use crate::sync::SpinLock;
use crate::task::{PollTable, WaitQueue};

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

/// A counter.
pub struct EventFd {
    count: SpinLock<u64>,
    take: Take,
    changed: Arc<WaitQueue>,
}

impl EventFd {
    /// A counter that starts with `count`.
    pub fn new(count: u64, take: Take) -> Arc<Self> {
        let changed = Arc::new(WaitQueue::new());
        Arc::new(Self { count: SpinLock::new(count), take, changed })
    }

    fn try_take(&self) -> Option<u64> {
        let mut count = self.count.lock();
        let taken = match self.take {
            Take::All => *count,
            Take::One => (*count).min(1),
        };
        *count -= taken;
        (taken != 0).then_some(taken)
    }

    /// Adds, if the sum is not too large.
    fn try_add(&self, value: u64) -> Option<()> {
        let mut count = self.count.lock();
        let sum = count.checked_add(value).filter(|sum| *sum <= MOST)?;
        *count = sum;
        Some(())
    }

    /// Carries out `attempt`, waiting if need be, and tells the others.
    fn change<T>(
        &self,
        place: &'static str,
        blocking: Blocking,
        attempt: impl Fn() -> Option<T>,
    ) -> Result<T, Errno> {
        let value = match (attempt(), blocking) {
            (Some(value), _) => value,
            (None, Blocking::Fail) => return Err(Errno::EAGAIN),
            (None, Blocking::Sleep) => {
                self.changed.wait_until(place, attempt).map_err(interrupted)?
            }
        };
        self.changed.wake_all();
        Ok(value)
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
        if put.is_err() {
            // Nothing is lost by a bad address.
            let _ = self.try_add(taken);
        }
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
        Ok(bytes.len())
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.changed);
        }
        let count = *self.count.lock();
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, count > 0);
        events.set(PollEvents::WRITABLE, count < MOST);
        events
    }
}
