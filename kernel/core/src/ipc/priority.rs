//! A POSIX message queue: the oldest of the most urgent messages comes first
//! (mq_overview(7)).

use alloc::collections::BTreeMap;
use core::cmp::Reverse;

use kernel_abi::Errno;
use kernel_abi::ipc::{MQ_PRIO_MAX, MqAttr};

use super::line::{Line, Standing, Wake};

/// Most messages of a queue, for those with `CAP_SYS_RESOURCE`
/// (`HARD_MSGMAX`).
pub const HARD_MESSAGES: u64 = 65_536;
/// Most bytes of a message, for those with `CAP_SYS_RESOURCE`
/// (`HARD_MSGSIZEMAX`).
pub const HARD_SIZE: u64 = 16 << 20;

/// What a message costs beside its bytes, and what each priority costs, as
/// Linux counts them on machines of 64 bits.
const MESSAGE_COST: u64 = 48;

/// What new queues may be (`/proc/sys/fs/mqueue`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most queues.
    pub queues_max: u64,
    /// Most messages of a queue.
    pub msg_max: u64,
    /// Most bytes of a message.
    pub msgsize_max: u64,
    /// Messages, where nobody says how many.
    pub msg_default: u64,
    /// Bytes of a message, where nobody says how many.
    pub msgsize_default: u64,
}

impl Limits {
    /// Those of the start.
    pub const USUAL: Self = Self {
        queues_max: 256,
        msg_max: 10,
        msgsize_max: 8192,
        msg_default: 10,
        msgsize_default: 8192,
    };

    /// Messages and bytes of a message of a new queue; `may_more` with
    /// `CAP_SYS_RESOURCE`.
    ///
    /// # Errors
    /// `EINVAL` for what is not allowed.
    pub fn shape(
        &self,
        wanted: Option<&MqAttr>,
        may_more: bool,
    ) -> Result<Shape, Errno> {
        let Some(wanted) = wanted else {
            return Ok(Shape {
                messages: self.msg_default.min(self.msg_max) as usize,
                size: self.msgsize_default.min(self.msgsize_max) as usize,
            });
        };
        let [most, most_size] = match may_more {
            true => [HARD_MESSAGES, HARD_SIZE],
            false => [self.msg_max, self.msgsize_max],
        };
        let within = |value: i64, most: u64| {
            let value = u64::try_from(value).ok();
            let value = value.filter(|value| (1..=most).contains(value));
            value.map(|value| value as usize).ok_or(Errno::EINVAL)
        };
        Ok(Shape {
            messages: within(wanted.maxmsg, most)?,
            size: within(wanted.msgsize, most_size)?,
        })
    }
}

/// How much a queue holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Messages.
    pub messages: usize,
    /// Bytes of each.
    pub size: usize,
}

impl Shape {
    /// What a queue counts against its user's limit (`RLIMIT_MSGQUEUE`), full
    /// or not.
    pub fn cost(&self) -> u64 {
        let messages = self.messages as u64;
        let nodes = messages.min(u64::from(MQ_PRIO_MAX));
        messages * (self.size as u64 + MESSAGE_COST) + nodes * MESSAGE_COST
    }
}

/// The messages of a queue, and those who wait.
pub struct PriorityQueue<W, M> {
    shape: Shape,
    /// The most urgent first, of those the oldest: numbers count up.
    messages: BTreeMap<(Reverse<u32>, u64), M>,
    next: u64,
    bytes: usize,
    receivers: Side<W>,
    senders: Side<W>,
}

/// Those who wait for a message, or for room: any serves all of them.
struct Side<W> {
    line: Line<W, ()>,
    /// How many were woken and have not run yet.
    woken: usize,
}

impl<W: Wake> Side<W> {
    const fn new() -> Self {
        Self { line: Line::new(), woken: 0 }
    }

    /// Wakes as many as there is something for.
    fn wake(&mut self, available: usize) {
        let count = available.saturating_sub(self.woken);
        for waiter in self.line.asleep().take(count) {
            waiter.wake();
            self.woken += 1;
        }
    }

    fn put_down(&mut self, ticket: u64, standing: Standing) {
        let Some(waiter) = self.line.get_mut(ticket) else { return };
        if waiter.set_standing(standing) == Standing::Woken {
            self.woken -= 1;
        }
    }

    fn leave(&mut self, ticket: u64) {
        self.put_down(ticket, Standing::Away);
        self.line.leave(ticket);
    }
}

/// What to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum For {
    /// A message.
    Message,
    /// Room for one.
    Room,
}

impl<W: Wake, M: AsRef<[u8]>> PriorityQueue<W, M> {
    /// An empty queue.
    pub const fn new(shape: Shape) -> Self {
        Self {
            shape,
            messages: BTreeMap::new(),
            next: 1,
            bytes: 0,
            receivers: Side::new(),
            senders: Side::new(),
        }
    }

    /// How much it holds.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Messages in it.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes in it.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// True if there is room for one more.
    pub fn has_room(&self) -> bool {
        self.messages.len() < self.shape.messages
    }

    /// True if somebody waits for a message and is not about to get one.
    pub fn is_waited_for(&self) -> bool {
        self.receivers.line.len() > self.receivers.woken
    }

    /// Puts a message in; gives it back if there is no room.
    ///
    /// # Errors
    /// The message.
    pub fn send(&mut self, priority: u32, message: M) -> Result<(), M> {
        if !self.has_room() {
            return Err(message);
        }
        self.bytes += message.as_ref().len();
        self.messages.insert((Reverse(priority), self.next), message);
        self.next += 1;
        self.wake_waiters();
        Ok(())
    }

    /// Takes the oldest of the most urgent messages, and its priority.
    pub fn receive(&mut self) -> Option<(u32, M)> {
        let ((Reverse(priority), _), message) = self.messages.pop_first()?;
        self.bytes -= message.as_ref().len();
        self.wake_waiters();
        Some((priority, message))
    }

    fn wake_waiters(&mut self) {
        let count = self.messages.len();
        self.receivers.wake(count);
        self.senders.wake(self.shape.messages - count);
    }

    fn side(&mut self, what: For) -> &mut Side<W> {
        match what {
            For::Message => &mut self.receivers,
            For::Room => &mut self.senders,
        }
    }

    /// Stands in a line. The ticket names the place.
    pub fn wait(&mut self, what: For, waker: W) -> u64 {
        self.side(what).line.enter(waker, ())
    }

    /// A waiter tries again.
    pub fn try_again(&mut self, what: For, ticket: u64) {
        self.side(what).put_down(ticket, Standing::Asleep);
    }

    /// A waiter freezes: its turn is another's, until it tries again.
    pub fn step_aside(&mut self, what: For, ticket: u64) {
        self.side(what).put_down(ticket, Standing::Away);
        self.wake_waiters();
    }

    /// A waiter gives up, or has what it wanted.
    pub fn leave(&mut self, what: For, ticket: u64) {
        self.side(what).leave(ticket);
        self.wake_waiters();
    }
}
