//! `timerfd_create(2)`: a timer to read from and to wait for.
//!
//! The deadline runs on during a freeze; what expired then is read after the
//! thaw (freezer-spec X8).

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;

use kernel_abi::Errno;

use super::buffer::Output;
use super::file::{Blocking, File, interrupted};
use super::flags::PollEvents;
use kernel_task::alarm::Alarm;
use kernel_task::{PollTable, WaitQueue};

/// A timer.
pub struct TimerFd {
    /// Its clock, as the program named it.
    pub clock: u32,
    /// What expires.
    pub alarm: Arc<Alarm>,
    readable: Arc<WaitQueue>,
}

impl TimerFd {
    /// A timer that is off.
    pub fn new(clock: u32) -> Arc<Self> {
        let readable = Arc::new(WaitQueue::new());
        let expired = readable.clone();
        let alarm = Alarm::new(Box::new(move |_| {
            expired.wake_all();
        }));
        Arc::new(Self { clock, alarm, readable })
    }

    fn take(&self) -> Option<u64> {
        Some(self.alarm.take()).filter(|count| *count != 0)
    }
}

impl File for TimerFd {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() < size_of::<u64>() {
            return Err(Errno::EINVAL);
        }
        let count = match (self.take(), blocking) {
            (Some(count), _) => count,
            (None, Blocking::Fail) => return Err(Errno::EAGAIN),
            (None, Blocking::Sleep) => self
                .readable
                .wait_until("timerfd_read", || self.take())
                .map_err(interrupted)?,
        };
        output.put(&count.to_ne_bytes())?;
        Ok(size_of::<u64>())
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.readable);
        }
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, self.alarm.count() != 0);
        events
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
