//! A pipe: readers wait for bytes, writers for room.

use alloc::sync::{Arc, Weak};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

use kernel_abi::Errno;

use super::capacity::{Share, usual};
use super::ring::{PIPE_BUF, Ring};
use crate::buffer::{Input, Output};
use crate::clock;
use crate::file::{Blocking, interrupted};
use crate::flags::PollEvents;
use kernel_task::{Mutex, PollTable, WaitQueue};

/// What an open end is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Read,
    Write,
    Both,
}

/// A pipe.
pub struct Pipe {
    pub(super) number: u64,
    pub(super) created: u64,
    ring: Mutex<Ring>,
    /// Bytes in the ring. Written by the holder of `ring`.
    pub(super) filled: AtomicUsize,
    /// Most bytes in it. Written by the holder of `ring`.
    capacity: AtomicUsize,
    /// What of it counts for its user.
    share: Share,
    /// Open ends, and how many were ever opened.
    pub(super) readers: Ends,
    pub(super) writers: Ends,
    pub(super) readable: Arc<WaitQueue>,
    pub(super) writable: Arc<WaitQueue>,
    pub(super) this: Weak<Pipe>,
}

#[derive(Default)]
pub(super) struct Ends {
    open: AtomicU32,
    pub(super) ever: AtomicU32,
}

impl Ends {
    pub(super) fn any(&self) -> bool {
        self.open.load(SeqCst) != 0
    }

    pub(super) fn add(&self) {
        self.open.fetch_add(1, SeqCst);
        self.ever.fetch_add(1, SeqCst);
    }

    /// True if that was the last one.
    pub(super) fn remove(&self) -> bool {
        self.open.fetch_sub(1, SeqCst) == 1
    }
}

impl Pipe {
    /// A pipe without ends that counts for nobody yet.
    pub fn new() -> Arc<Self> {
        Self::with(Share::default(), usual())
    }

    /// A pipe without ends that counts for the running process's user.
    ///
    /// # Errors
    /// `ENFILE` if that has too much in pipes.
    pub(super) fn counted() -> Result<Arc<Self>, Errno> {
        let (share, capacity) = Share::begin()?;
        Ok(Self::with(share, capacity))
    }

    fn with(share: Share, capacity: usize) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new_cyclic(|this| Self {
            number: NEXT.fetch_add(1, Relaxed),
            created: clock::now_ns(),
            ring: Mutex::new(Ring::new(capacity)),
            filled: AtomicUsize::new(0),
            capacity: AtomicUsize::new(capacity),
            share,
            readers: Ends::default(),
            writers: Ends::default(),
            readable: Arc::new(WaitQueue::new()),
            writable: Arc::new(WaitQueue::new()),
            this: this.clone(),
        })
    }

    /// Bytes that it keeps, or as many as can be meant by the bytes in it while
    /// somebody moves some.
    pub(super) fn held(&self) -> usize {
        let pages = self.ring.try_lock().map(|ring| ring.held());
        size_of::<Self>() + pages.unwrap_or_else(|| self.filled.load(Relaxed))
    }

    pub(super) fn read(
        &self,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() == 0 {
            return Ok(0);
        }
        loop {
            // Writers first, bytes second: what the last writer wrote before
            // it left is seen.
            let is_open = self.is_open();
            let mut ring = self.ring.lock();
            let before = ring.length();
            if before > 0 {
                let result = ring.take(output);
                let after = ring.length();
                self.filled.store(after, SeqCst);
                drop(ring);
                self.wake_after_read(before, after);
                return result;
            }
            drop(ring);
            if !is_open {
                return Ok(0);
            }
            if blocking == Blocking::Fail {
                return Err(Errno::EAGAIN);
            }
            let is_ready = || self.is_readable().then_some(());
            self.readable
                .wait_until("pipe_read", is_ready)
                .map_err(interrupted)?;
        }
    }

    /// Copies the oldest bytes and leaves them; waits for some as a read
    /// does. 0 at the end, and where no bytes are wanted.
    ///
    /// | writer | looks | reads |
    /// |---|---|---|
    /// | | sleeps first in the queue | sleeps behind it |
    /// | empty before: wakes one | copies, leaves all | |
    /// | not empty before: wakes none | wakes one | takes them |
    pub(super) fn peek(
        &self,
        bytes: &mut [u8],
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            let is_open = self.is_open();
            let count = self.ring.lock().copy(bytes);
            if count > 0 {
                self.readable.wake_one();
            }
            if count > 0 || !is_open {
                return Ok(count);
            }
            if blocking == Blocking::Fail {
                return Err(Errno::EAGAIN);
            }
            let is_ready = || self.is_readable().then_some(());
            self.readable
                .wait_until("pipe_read", is_ready)
                .map_err(interrupted)?;
        }
    }

    fn is_readable(&self) -> bool {
        self.filled.load(SeqCst) > 0 || !self.is_open()
    }

    /// Whether there are ends of both kinds. Whoever reads or writes has one
    /// of them, but a socket's may be shut meanwhile.
    fn is_open(&self) -> bool {
        self.readers.any() && self.writers.any()
    }

    fn wake_after_read(&self, before: usize, after: usize) {
        if self.capacity().saturating_sub(before) < PIPE_BUF {
            self.writable.wake_all();
        }
        if after > 0 {
            self.readable.wake_one();
        }
    }

    fn has_room(&self, needed: usize) -> bool {
        let filled = self.filled.load(SeqCst);
        self.capacity().saturating_sub(filled) >= needed
    }

    /// Most bytes in it.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.capacity.load(SeqCst)
    }

    /// Makes it hold at least `bytes`; how many it holds then.
    ///
    /// # Errors
    /// `EBUSY` if more is in it; `EPERM` if its user has too much in pipes;
    /// `ENOMEM`.
    pub(super) fn set_capacity(&self, bytes: usize) -> Result<usize, Errno> {
        let mut ring = self.ring.lock();
        let old = self.share.change(bytes, ring.capacity())?;
        if let Err(error) = ring.resize(bytes) {
            self.share.set(old);
            return Err(error);
        }
        let capacity = ring.capacity();
        self.capacity.store(capacity, SeqCst);
        drop(ring);
        self.writable.wake_all();
        Ok(capacity)
    }

    /// Writes what fits, and waits only as long as nothing does.
    pub(super) fn write_some(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        while input.remaining() > 0 {
            if !self.is_open() {
                return Err(Errno::EPIPE);
            }
            match self.put(input, 1) {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => return input.short(error),
            }
            if blocking == Blocking::Fail {
                return Err(Errno::EAGAIN);
            }
            let can_go_on =
                || (self.has_room(1) || !self.is_open()).then_some(());
            self.writable
                .wait_until("pipe_write", can_go_on)
                .map_err(interrupted)?;
        }
        Ok(input.done())
    }

    pub(super) fn write(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let length = input.remaining();
        let needed = if length <= PIPE_BUF { length } else { 1 };
        while input.remaining() > 0 {
            if !self.is_open() {
                return input.short(Errno::EPIPE);
            }
            match self.put(input, needed) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => return input.short(error),
            }
            if blocking == Blocking::Fail {
                return input.short(Errno::EAGAIN);
            }
            let can_go_on = || {
                let is_ready = self.has_room(needed) || !self.is_open();
                is_ready.then_some(())
            };
            if let Err(end) = self.writable.wait_until("pipe_write", can_go_on)
            {
                return input.short(interrupted(end));
            }
        }
        Ok(input.done())
    }

    /// Puts what fits, if `needed` bytes do; false if they do not.
    fn put(&self, input: &mut Input<'_>, needed: usize) -> Result<bool, Errno> {
        let mut ring = self.ring.lock();
        let before = ring.length();
        if ring.capacity() - before < needed {
            return Ok(false);
        }
        let result = ring.put(input, needed);
        let after = ring.length();
        self.filled.store(after, SeqCst);
        drop(ring);
        if before == 0 && after > 0 {
            self.readable.wake_one();
        }
        result.map(|()| true)
    }

    pub(super) fn poll(
        &self,
        side: Side,
        table: Option<&mut PollTable>,
    ) -> PollEvents {
        if let Some(table) = table {
            if side != Side::Write {
                table.add(&self.readable);
            }
            if side != Side::Read {
                table.add(&self.writable);
            }
        }
        let mut events = PollEvents::empty();
        if side != Side::Write {
            let has_bytes = self.filled.load(SeqCst) > 0;
            events.set(PollEvents::READABLE, has_bytes);
            events.set(PollEvents::HANG_UP, !self.is_open());
        }
        if side != Side::Read {
            events.set(PollEvents::WRITABLE, self.has_room(PIPE_BUF));
            events.set(PollEvents::ERROR, !self.is_open());
        }
        events
    }
}
