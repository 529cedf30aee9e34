//! One POSIX message queue: an inode and an open file at once.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::{Arc, Weak};
use core::any::Any;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use kernel_abi::Errno;
use kernel_core::ipc::priority::{For, PriorityQueue, Shape};
use kernel_files::file::{Blocking, File, Offset};
use kernel_files::inode::{
    Change, Decide, FileType, Inode, InodeId, Metadata, NewInode,
};
use kernel_files::{OpenFlags, Output, PollEvents, clock, mount};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_process::MessageBytes;
use kernel_task::{Deadline, PollTable, WaitError, WaitQueue};

use super::notify::{self, Notify, Registration};
use crate::bell::Bell;
use crate::caller::process_id;

/// What a message says.
pub(super) type Body = Box<[u8]>;

/// The size that such a file shows.
const FILE_SIZE: u64 = 80;

/// Queues that there are, with names or without.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Queues that there are.
pub(super) fn count() -> usize {
    COUNT.load(Relaxed)
}

/// The number of the device that it seems to lie on.
pub(super) fn device() -> u64 {
    static DEVICE: spin::Once<u64> = spin::Once::new();
    *DEVICE.call_once(mount::allocate_device)
}

/// A queue.
pub(super) struct Queue {
    number: u64,
    state: SpinLock<State>,
    /// Where `poll` waits.
    changed: Arc<WaitQueue>,
    /// What its user has taken for it.
    _bytes: MessageBytes,
    directory: Arc<dyn Inode>,
    this: Weak<Self>,
}

struct State {
    queue: PriorityQueue<Bell, Body>,
    notify: Option<Registration>,
    metadata: Metadata,
}

impl Drop for Queue {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Relaxed);
    }
}

impl Queue {
    pub(super) fn new(
        shape: Shape,
        new: &NewInode<'_>,
        bytes: MessageBytes,
        directory: Arc<dyn Inode>,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(2);
        let number = NEXT.fetch_add(1, Relaxed);
        let id = InodeId { device: device(), number };
        let now = clock::now_ns();
        let kind = FileType::Regular;
        let metadata = Metadata {
            uid: new.owners.uid,
            gid: new.owners.gid,
            size: FILE_SIZE,
            ..Metadata::of(id, kind, new.permissions, now)
        };
        let queue = PriorityQueue::new(shape);
        let state = State { queue, notify: None, metadata };
        COUNT.fetch_add(1, Relaxed);
        Arc::new_cyclic(|this| Self {
            number,
            state: SpinLock::with_rank(Rank::Freezer, state),
            changed: Arc::new(WaitQueue::new()),
            _bytes: bytes,
            directory,
            this: this.clone(),
        })
    }

    /// How much it holds.
    pub(super) fn shape(&self) -> Shape {
        self.state.lock().queue.shape()
    }

    /// Messages in it.
    pub(super) fn len(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Its name is gone.
    pub(super) fn unlinked(&self) {
        let mut state = self.state.lock();
        state.metadata.links = 0;
        state.metadata.changed = clock::now_ns();
    }

    /// Says who is to be told of the next message.
    pub(super) fn set_notify(
        &self,
        notify: Option<Notify>,
    ) -> Result<(), Errno> {
        let process = kernel_process::current().process.clone();
        let mut state = self.state.lock();
        let old = match notify {
            None if state.is_told(process.id) => state.notify.take(),
            None => None,
            Some(_) if state.notify.is_some() => return Err(Errno::EBUSY),
            Some(new) => state.notify.replace(Registration::new(&process, new)),
        };
        drop(state);
        drop(old);
        Ok(())
    }

    pub(super) fn send(
        &self,
        priority: u32,
        body: Body,
        waits: bool,
        deadline: Option<Deadline>,
    ) -> Result<(), Errno> {
        let mut body = Some(body);
        self.change(For::Room, waits, deadline, |state| {
            state.send(priority, &mut body)
        })
        .map(|told| told.into_iter().for_each(Registration::tell))
    }

    pub(super) fn receive(
        &self,
        waits: bool,
        deadline: Option<Deadline>,
    ) -> Result<(u32, Body), Errno> {
        self.change(For::Message, waits, deadline, |state| {
            let message = state.queue.receive()?;
            state.touch();
            Some(message)
        })
    }

    /// Carries `attempt` out, waiting if need be.
    fn change<T>(
        &self,
        what: For,
        waits: bool,
        deadline: Option<Deadline>,
        mut attempt: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Errno> {
        let (ticket, bell) = {
            let mut state = self.state.lock();
            if let Some(value) = attempt(&mut state) {
                drop(state);
                self.changed.wake_all();
                return Ok(value);
            }
            if !waits {
                return Err(Errno::EAGAIN);
            }
            let bell = Bell::new();
            (state.queue.wait(what, bell.clone()), bell)
        };
        let again = || {
            let mut state = self.state.lock();
            state.queue.try_again(what, ticket);
            let value = attempt(&mut state)?;
            state.queue.leave(what, ticket);
            Some(value)
        };
        let hand_on = || self.state.lock().queue.step_aside(what, ticket);
        let place = match what {
            For::Message => "do_mq_timedreceive",
            For::Room => "do_mq_timedsend",
        };
        let ended = bell.0.wait_for_turn(place, deadline, again, hand_on);
        if ended.is_err() {
            self.state.lock().queue.leave(what, ticket);
        }
        self.changed.wake_all();
        ended.map_err(|error| match error {
            WaitError::TimedOut => Errno::ETIMEDOUT,
            WaitError::Interrupted => Errno::ERESTARTSYS,
        })
    }
}

impl State {
    fn is_told(&self, process: u32) -> bool {
        self.notify.as_ref().is_some_and(|it| it.id == process)
    }

    fn touch(&mut self) {
        let now = clock::now_ns();
        let metadata = &mut self.metadata;
        (metadata.accessed, metadata.modified) = (now, now);
        metadata.changed = now;
    }

    /// Puts the message in, if there is room; gives who is to be told.
    fn send(
        &mut self,
        priority: u32,
        body: &mut Option<Body>,
    ) -> Option<Option<Registration>> {
        let is_first = self.queue.is_empty() && !self.queue.is_waited_for();
        if !self.queue.has_room() {
            return None;
        }
        if let Err(back) = self.queue.send(priority, body.take()?) {
            *body = Some(back);
            return None;
        }
        self.touch();
        Some(if is_first { self.notify.take() } else { None })
    }

    /// What the file shows.
    fn text(&self) -> [u64; 4] {
        let told = self.notify.as_ref();
        let how = told.map_or(0, |it| it.notify.how);
        let by_signal = told.filter(|it| it.notify.how == notify::SIGNAL);
        let signal = by_signal.map_or(0, |it| it.notify.signal);
        let process = told.map_or(0, |it| it.id);
        let bytes = self.queue.bytes() as u64;
        [bytes, how.into(), signal.into(), process.into()]
    }
}

impl File for Queue {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        let [size, how, signal, process] = self.state.lock().text();
        let text = format!(
            "QSIZE:{size:<10} NOTIFY:{how:<5} SIGNO:{signal:<5} \
            NOTIFY_PID:{process:<6}\n"
        );
        output.put_from(text.as_bytes(), position)
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.changed);
        }
        let state = self.state.lock();
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, !state.queue.is_empty());
        events.set(PollEvents::WRITABLE, state.queue.has_room());
        events
    }

    fn let_go(&self) {
        let process = process_id();
        let mut state = self.state.lock();
        let gone =
            if state.is_told(process) { state.notify.take() } else { None };
        drop(state);
        drop(gone);
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}

impl Inode for Queue {
    fn id(&self) -> InodeId {
        InodeId { device: device(), number: self.number }
    }

    fn kind(&self) -> FileType {
        FileType::Regular
    }

    fn metadata(&self) -> Metadata {
        self.state.lock().metadata
    }

    fn change(&self, change: &Change) -> Result<(), Errno> {
        self.change_by(&|_| Ok(*change))
    }

    fn change_by(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        let mut state = self.state.lock();
        let change = decide(&state.metadata)?;
        state.metadata.apply(&change, clock::now_ns());
        Ok(())
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        let is_named = self.state.lock().metadata.links > 0;
        is_named.then(|| self.directory.clone())
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        let this = self.this.upgrade().ok_or(Errno::ENXIO)?;
        Ok(this)
    }
}
