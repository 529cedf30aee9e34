//! Message queues: `msgget(2)`, `msgop(2)`, `msgctl(2)`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_NOWAIT, MsqidDs};
use kernel_core::ipc::message::{Message, MessageQueue, Receive};
use kernel_core::ipc::permission::{Asker, Permission, READ, WRITE};
use kernel_machine::sync::{Rank, SpinLock};

use crate::bell::Bell;
use crate::caller::{Caller, process_id};
use crate::registry::{Name, Object, Registry, Wanted};
use crate::room::{check_room, now_s, zeros};
use crate::setting;

pub mod control;

/// What a message says.
pub type Body = Arc<Vec<u8>>;

/// All queues.
pub(crate) static QUEUES: Registry<Queue> = Registry::new();

/// A message queue.
pub(crate) struct Queue {
    state: SpinLock<State>,
}

struct State {
    permission: Permission,
    queue: MessageQueue<Bell, Body>,
    /// Last message sent, seconds since 1970.
    stime: i64,
    /// Last message received.
    rtime: i64,
    /// Last change.
    ctime: i64,
    /// Who sent last.
    sender: u32,
    /// Who received last.
    receiver: u32,
    is_removed: bool,
}

impl Object for Queue {
    fn check(
        &self,
        asker: &Asker<'_>,
        _size: usize,
        wanted: u32,
    ) -> Result<(), Errno> {
        self.state.lock().permission.check(asker, wanted)
    }
}

impl Queue {
    fn new(permission: Permission) -> Result<Arc<Self>, Errno> {
        check_room(0)?;
        let state = State {
            permission,
            queue: MessageQueue::new(setting::MSGMNB.value() as usize),
            stime: 0,
            rtime: 0,
            ctime: now_s(),
            sender: 0,
            receiver: 0,
            is_removed: false,
        };
        Ok(Arc::new(Self { state: SpinLock::with_rank(Rank::Freezer, state) }))
    }

    /// As `msgctl(2)` and `/proc` tell of it.
    pub(crate) fn describe(&self, id: u32) -> MsqidDs {
        self.state.lock().describe(id)
    }
}

impl State {
    fn describe(&self, id: u32) -> MsqidDs {
        MsqidDs {
            perm: self.permission.show(id),
            stime: self.stime,
            rtime: self.rtime,
            ctime: self.ctime,
            cbytes: self.queue.bytes() as u64,
            qnum: self.queue.len() as u64,
            qbytes: self.queue.most_bytes as u64,
            lspid: self.sender,
            lrpid: self.receiver,
            unused: [0; 2],
        }
    }

    /// Fails if the queue is gone, or the caller may not do what it wants.
    fn check(&self, caller: &Caller, wanted: u32) -> Result<(), Errno> {
        self.permission.check(&caller.asker(), wanted)?;
        match self.is_removed {
            true => Err(Errno::EIDRM),
            false => Ok(()),
        }
    }

    fn note_sent(&mut self, process: u32) {
        (self.sender, self.stime) = (process, now_s());
    }

    fn note_received(&mut self, process: u32) {
        (self.receiver, self.rtime) = (process, now_s());
    }
}

/// `msgget(2)`: the identifier of the queue.
///
/// # Errors
/// As there.
pub fn get(key: i32, flags: u32) -> Result<usize, Errno> {
    let caller = Caller::new();
    let asker = caller.asker();
    let most = setting::MSGMNI.value() as usize;
    let wanted = Wanted { key, flags, size: 0, most };
    let make = || Queue::new(Permission::new(key, flags, &asker));
    Ok(QUEUES.get(&asker, wanted, make, || Ok(()))? as usize)
}

/// Room for what a message of this size says.
///
/// # Errors
/// `EINVAL` if no message may be so long; `ENOMEM`.
pub fn body(size: usize) -> Result<Vec<u8>, Errno> {
    if size as u64 > setting::MSGMAX.value() {
        return Err(Errno::EINVAL);
    }
    check_room(0)?;
    zeros(size)
}

/// `msgsnd(2)`.
///
/// # Errors
/// As there.
pub fn send(id: i32, kind: i64, body: Body, flags: u32) -> Result<(), Errno> {
    let message = Message { kind, size: body.len(), body };
    let (_, queue) = QUEUES.find(Name::Id(id))?;
    let (caller, process) = (Caller::new(), process_id());
    let (ticket, bell) = {
        let mut state = queue.state.lock();
        state.check(&caller, WRITE)?;
        if state.queue.send(&message) {
            state.note_sent(process);
            return Ok(());
        }
        if flags & IPC_NOWAIT != 0 {
            return Err(Errno::EAGAIN);
        }
        let bell = Bell::new();
        (state.queue.wait_to_send(bell.clone(), message.size), bell)
    };
    let attempt = || {
        let mut state = queue.state.lock();
        if let Err(error) = state.check(&caller, WRITE) {
            state.queue.leave_sending(ticket);
            return Some(Err(error));
        }
        state.queue.retry_send(ticket, &message).then(|| {
            state.note_sent(process);
            Ok(())
        })
    };
    let hand_on = || queue.state.lock().queue.step_aside_sending(ticket);
    let ended = bell.0.wait_for_turn("do_msgsnd", None, attempt, hand_on);
    ended.unwrap_or_else(|_| {
        queue.state.lock().queue.leave_sending(ticket);
        Err(Errno::ERESTARTNOHAND)
    })
}

/// `msgrcv(2)`: the message, not yet cut.
///
/// # Errors
/// As there.
pub fn receive(
    id: i32,
    wants: Receive,
    flags: u32,
) -> Result<Message<Body>, Errno> {
    let (_, queue) = QUEUES.find(Name::Id(id))?;
    let (caller, process) = (Caller::new(), process_id());
    let is_copy =
        matches!(wants.select, kernel_core::ipc::message::Select::Copy(_));
    let (ticket, bell) = {
        let mut state = queue.state.lock();
        state.check(&caller, READ)?;
        if let Some(message) = state.queue.receive(&wants)? {
            if !is_copy {
                state.note_received(process);
            }
            return Ok(message);
        }
        if flags & IPC_NOWAIT != 0 {
            return Err(Errno::ENOMSG);
        }
        let bell = Bell::new();
        (state.queue.wait_to_receive(bell.clone(), wants), bell)
    };
    let attempt = || {
        let mut state = queue.state.lock();
        if let Err(error) = state.check(&caller, READ) {
            state.queue.leave_receiving(ticket);
            return Some(Err(error));
        }
        let result = state.queue.retry_receive(ticket).transpose();
        if let Some(Ok(_)) = result {
            state.note_received(process);
        }
        result
    };
    let hand_on = || queue.state.lock().queue.step_aside_receiving(ticket);
    let ended = bell.0.wait_for_turn("do_msgrcv", None, attempt, hand_on);
    ended.unwrap_or_else(|_| {
        queue.state.lock().queue.leave_receiving(ticket);
        Err(Errno::ERESTARTNOHAND)
    })
}
