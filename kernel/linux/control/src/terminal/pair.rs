//! Pseudo terminals: pairs of a terminal and a program that types at it and
//! sees what is written (`pty(7)`).
//!
//! ```text
//! program ─> Terminal::write ─> line discipline ─> shown ─> master reads
//! master writes ─> line discipline ─> readers of the terminal
//!                        └─> echo ─> shown
//! ```
//!
//! What waits for the master has a bound; who writes more waits until it reads.
//! All waits freeze in place. When the master is closed, the terminal is hung
//! up: reads end, everything else fails with `EIO`.
//!
//! Read next: `pairs.rs` (which there are), `master.rs` (the program's end),
//! `devpts.rs` (the names).

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};

use kernel_abi::Errno;

use kernel_files::clock;
use kernel_files::inode::{Decide, DeviceNumber, FileType, InodeId, Metadata};
use kernel_files::{mount, permission};
use kernel_machine::mm::heap;
use kernel_machine::sync::{SpinLock, copy_out};
use kernel_task::{Mutex, WaitQueue};

/// Bytes that can wait for the master.
pub(super) const ROOM: usize = 4096;
/// A byte becomes so many on the screen at most: a tab.
pub(super) const WIDEST: usize = 8;
/// Bytes that a pair keeps, about.
const SIZE: usize = 4 * ROOM;

/// What happened, as a packet tells it (`TIOCPKT_*`).
pub(super) mod news {
    pub const FLUSH_READ: u8 = 1;
    pub const FLUSH_WRITE: u8 = 2;
    pub const STOP: u8 = 4;
    pub const START: u8 = 8;
    pub const NO_STOP: u8 = 16;
    pub const DO_STOP: u8 = 32;
}

/// What a terminal has for the program at its other end.
pub(super) struct Pair {
    /// Its number.
    pub(super) index: u32,
    /// What was written and the master has not read.
    shown: SpinLock<VecDeque<u8>>,
    /// The master waits for bytes, or for the last program to go.
    pub(super) filled: Arc<WaitQueue>,
    /// The master waits for room among what was typed.
    pub(super) typing: Arc<WaitQueue>,
    /// Keeps what is read in order.
    pub(super) reading: Mutex<()>,
    /// Keeps what is typed in order.
    pub(super) keys: Mutex<()>,
    /// It cannot be opened yet (`TIOCSPTLCK`).
    pub(super) is_locked: AtomicBool,
    is_hung_up: AtomicBool,
    /// Open files of the terminal.
    open: AtomicU32,
    /// A program has had it open.
    was_open: AtomicBool,
    /// The master's reads begin with a byte of what happened (`TIOCPKT`).
    pub(super) has_packets: AtomicBool,
    /// What happened since the master read it (`TIOCPKT_*`).
    pub(super) news: AtomicU8,
    metadata: SpinLock<Metadata>,
}

impl Pair {
    /// A pair of the running process's user, locked, with nothing shown.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn new(
        index: u32,
        permissions: u32,
        group: Option<u32>,
    ) -> Result<Self, Errno> {
        if !heap::has_room(SIZE) {
            return Err(Errno::ENOMEM);
        }
        let mut shown = VecDeque::new();
        shown.try_reserve_exact(ROOM).map_err(|_| Errno::ENOMEM)?;
        let owners = permission::maker();
        let id = InodeId {
            device: device(),
            number: u64::from(index) + FIRST_NUMBER,
        };
        let kind = FileType::Character(number_of(index));
        let metadata = Metadata {
            uid: owners.user,
            gid: group.unwrap_or(owners.group),
            ..Metadata::of(id, kind, permissions, clock::now_ns())
        };
        Ok(Self {
            index,
            shown: SpinLock::new(shown),
            filled: Arc::new(WaitQueue::new()),
            typing: Arc::new(WaitQueue::new()),
            reading: Mutex::new(()),
            keys: Mutex::new(()),
            is_locked: AtomicBool::new(true),
            is_hung_up: AtomicBool::new(false),
            open: AtomicU32::new(0),
            was_open: AtomicBool::new(false),
            has_packets: AtomicBool::new(false),
            news: AtomicU8::new(0),
            metadata: SpinLock::new(metadata),
        })
    }

    /// What `stat` tells of it.
    pub(super) fn metadata(&self) -> Metadata {
        *self.metadata.lock()
    }

    /// Changes its attributes to what `decide` makes of them.
    ///
    /// # Errors
    /// Those of `decide`.
    pub(super) fn change(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        let mut metadata = self.metadata.lock();
        let change = decide(&metadata)?;
        metadata.apply(&change, clock::now_ns());
        Ok(())
    }

    /// The master is closed: nobody reads what was shown.
    pub(super) fn hang_up(&self) {
        self.is_hung_up.store(true, SeqCst);
        let shown = core::mem::take(&mut *self.shown.lock());
        drop(shown);
    }

    /// Whether the master is closed.
    pub(super) fn is_hung_up(&self) -> bool {
        self.is_hung_up.load(SeqCst)
    }

    /// Bytes that the master has to read.
    pub(super) fn waiting(&self) -> usize {
        self.shown.lock().len()
    }

    /// Bytes that can be shown before the master reads some.
    pub(super) fn room(&self) -> usize {
        ROOM.saturating_sub(self.waiting())
    }

    /// Shows bytes to the master, as many as there is room for.
    pub(super) fn show(&self, bytes: &[u8]) {
        let mut shown = self.shown.lock();
        if self.is_hung_up() {
            return;
        }
        let room = ROOM.saturating_sub(shown.len());
        shown.extend(&bytes[..bytes.len().min(room)]);
        drop(shown);
        self.filled.wake_all();
    }

    /// Copies the oldest bytes that were shown, and leaves them.
    pub(super) fn look(&self, most: usize) -> Vec<u8> {
        copy_out(|bytes| {
            let shown = self.shown.lock();
            let count = shown.len().min(most);
            if count <= bytes.capacity() {
                bytes.extend(shown.iter().take(count));
            }
            count
        })
    }

    /// Takes the oldest bytes that were shown.
    pub(super) fn take(&self, count: usize) {
        let mut shown = self.shown.lock();
        let count = shown.len().min(count);
        shown.drain(..count);
    }

    /// Forgets what was shown and not read.
    pub(super) fn forget_shown(&self) {
        // Not between a look of the master and its taking.
        let _reading = self.reading.lock();
        self.shown.lock().clear();
    }

    /// Something happened that the master may want to know (`TIOCPKT_*`), and
    /// makes what happened before, `undone`, old.
    pub(super) fn tell(&self, news: u8, undone: u8) {
        if self.has_packets.load(SeqCst) {
            let merge = |old| Some(old & !undone | news);
            // It always gives a new value.
            let _ = self.news.fetch_update(SeqCst, SeqCst, merge);
            self.filled.wake_all();
        }
    }

    /// Whether all programs that had it open are gone.
    pub(super) fn is_left(&self) -> bool {
        self.was_open.load(SeqCst) && self.open.load(SeqCst) == 0
    }

    /// One more program has it open.
    pub(super) fn enter(&self) {
        self.open.fetch_add(1, SeqCst);
        self.was_open.store(true, SeqCst);
    }

    /// A program has closed it.
    pub(super) fn leave(&self) {
        if self.open.fetch_sub(1, SeqCst) == 1 {
            self.filled.wake_all();
        }
    }

    /// Bytes that it keeps, for each of its open files.
    pub(super) fn held(&self) -> usize {
        SIZE / (self.open.load(SeqCst) as usize + 1)
    }
}

/// Inodes of pairs are numbered from here on, as on Linux.
pub(super) const FIRST_NUMBER: u64 = 3;

/// The device that the pairs' names are on.
pub(super) fn device() -> u64 {
    static DEVICE: spin::Once<u64> = spin::Once::new();
    *DEVICE.call_once(mount::allocate_device)
}

/// The device of the pair with this number.
pub(super) fn number_of(index: u32) -> DeviceNumber {
    DeviceNumber::new(136 + index / 256, index % 256)
}
