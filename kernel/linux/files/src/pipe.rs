//! Pipes, with and without a name.
//!
//! The bytes stand in a ring (`ring.rs`) behind a sleeping lock, which is
//! held while user memory is copied. How much the ring holds is also kept in
//! an atomic, so that waiters can test it without that lock:
//!
//! | reader | writer |
//! |---|---|
//! | ring empty: unlock | lock, put bytes, publish `filled`, unlock |
//! | enter the wait queue | it was empty before: wake one reader |
//! | test `filled`: sleep or go on | |
//!
//! A reader wakes writers only if there was room for less than [`PIPE_BUF`]:
//! no writer waits while there is more. A reader that leaves bytes wakes the
//! next reader, since the writer woke only one; so does one that only looks.

use alloc::format;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

use kernel_abi::Errno;
use kernel_abi::stat::{PIPEFS_MAGIC, Statfs};

use super::buffer::{Input, Output};
use super::clock;
use super::file::{Blocking, File, OpenFile, interrupted};
use super::flags::{OpenFlags, PollEvents};
use super::inode::{FileSystem, Inode, InodeId, Kind, Metadata};
use super::location::Location;
use super::mount::{self, Mount};
use kernel_machine::mm::frame;
use kernel_task::{Mutex, PollTable, WaitQueue};

mod end;
mod ring;

pub use end::End;
use end::Side;
pub use ring::CAPACITY;
use ring::Ring;

/// A write of so many bytes or fewer is one piece.
pub const PIPE_BUF: usize = 4096;

/// A pipe.
pub struct Pipe {
    number: u64,
    created: u64,
    ring: Mutex<Ring>,
    /// Bytes in the ring. Written by the holder of `ring`.
    filled: AtomicUsize,
    /// Open ends, and how many were ever opened.
    readers: Ends,
    writers: Ends,
    readable: Arc<WaitQueue>,
    writable: Arc<WaitQueue>,
    this: Weak<Pipe>,
}

#[derive(Default)]
struct Ends {
    open: AtomicU32,
    ever: AtomicU32,
}

impl Ends {
    fn any(&self) -> bool {
        self.open.load(SeqCst) != 0
    }

    fn add(&self) {
        self.open.fetch_add(1, SeqCst);
        self.ever.fetch_add(1, SeqCst);
    }

    /// True if that was the last one.
    fn remove(&self) -> bool {
        self.open.fetch_sub(1, SeqCst) == 1
    }
}

impl Pipe {
    /// A pipe without ends.
    pub fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new_cyclic(|this| Self {
            number: NEXT.fetch_add(1, Relaxed),
            created: clock::now_ns(),
            ring: Mutex::new(Ring::new()),
            filled: AtomicUsize::new(0),
            readers: Ends::default(),
            writers: Ends::default(),
            readable: Arc::new(WaitQueue::new()),
            writable: Arc::new(WaitQueue::new()),
            this: this.clone(),
        })
    }

    /// Opens a pipe by name; waits for the other end, unless asked not to.
    ///
    /// # Errors
    /// `ENXIO` to write without a reader and without waiting; `ERESTARTSYS`
    /// by a signal.
    pub fn open(
        this: &Arc<Self>,
        flags: OpenFlags,
    ) -> Result<Arc<dyn File>, Errno> {
        let side = match (flags.can_read(), flags.can_write()) {
            (true, true) => Side::Both,
            (true, false) => Side::Read,
            _ => Side::Write,
        };
        let must_wait = !flags.contains(OpenFlags::NON_BLOCKING);
        if side == Side::Write && !must_wait && !this.readers.any() {
            return Err(Errno::ENXIO);
        }
        let end = End::new(this, side);
        let (own, others) = match side {
            Side::Read => (&this.readable, &this.writers),
            Side::Write => (&this.writable, &this.readers),
            Side::Both => return Ok(Arc::new(end)),
        };
        let before = others.ever.load(SeqCst);
        let came = || others.any() || others.ever.load(SeqCst) != before;
        if must_wait {
            own.wait_until("wait_for_partner", || came().then_some(()))
                .map_err(interrupted)?;
        }
        Ok(Arc::new(end))
    }

    fn read(
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
    fn peek(
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
        if CAPACITY - before < PIPE_BUF {
            self.writable.wake_all();
        }
        if after > 0 {
            self.readable.wake_one();
        }
    }

    fn has_room(&self, needed: usize) -> bool {
        CAPACITY - self.filled.load(SeqCst) >= needed
    }

    fn write(
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
        if CAPACITY - before < needed {
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

    fn poll(&self, side: Side, table: Option<&mut PollTable>) -> PollEvents {
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

impl Inode for Pipe {
    fn id(&self) -> InodeId {
        InodeId { device: pipe_mount().1, number: self.number }
    }

    fn kind(&self) -> Kind {
        Kind::Fifo
    }

    fn metadata(&self) -> Metadata {
        Metadata::of(self.id(), Kind::Fifo, 0o600, self.created)
    }

    fn nameless(&self) -> Option<String> {
        Some(format!("pipe:[{}]", self.number))
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        let this = self.this.upgrade().ok_or(Errno::ENXIO)?;
        Pipe::open(&this, flags)
    }
}

/// The file system of pipes without a name: in no tree, with no directory
/// that anybody could reach.
struct PipeFs {
    root: Arc<Pipe>,
}

impl FileSystem for PipeFs {
    fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }

    fn kind(&self) -> &'static str {
        "pipefs"
    }

    fn statfs(&self) -> Statfs {
        Statfs { kind: PIPEFS_MAGIC, bsize: 4096, ..Statfs::default() }
    }
}

fn pipe_mount() -> &'static (Arc<Mount>, u64) {
    static MOUNT: spin::Once<(Arc<Mount>, u64)> = spin::Once::new();
    MOUNT.call_once(|| {
        let filesystem = Arc::new(PipeFs { root: Pipe::new() });
        let mount = Mount::detached(filesystem, "none");
        (mount, mount::allocate_device())
    })
}

/// Makes a pipe without a name: the end to read and the end to write.
///
/// # Errors
/// `ENFILE` if memory is short.
pub fn open_pair(
    flags: OpenFlags,
) -> Result<(Arc<OpenFile>, Arc<OpenFile>), Errno> {
    if frame::is_short() {
        return Err(Errno::ENFILE);
    }
    let pipe = Pipe::new();
    let location =
        Location { mount: pipe_mount().0.clone(), inode: pipe.clone() };
    let open = |side, access| {
        let end = Arc::new(End::new(&pipe, side));
        OpenFile::new(location.clone(), end, access)
    };
    let read = open(Side::Read, flags);
    let write = open(Side::Write, flags | OpenFlags::WRITE_ONLY);
    Ok((read, write))
}
