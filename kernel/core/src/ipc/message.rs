//! A message queue of System V: which message a receiver gets, and how much
//! the queue holds (msgop(2)).
//!
//! A message that somebody waits for is *offered* to the first who does. As
//! long as it lies there it is offered again when that one takes another, or
//! freezes, or gives up; so no message lies in the queue unoffered while
//! somebody who would take it sleeps.

use alloc::collections::BTreeMap;

use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_NOWAIT, MSG_COPY, MSG_EXCEPT, MSG_NOERROR};

use super::line::{Line, PIECE, Standing, Wake};

/// Which message is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Select {
    /// The first.
    First,
    /// The first of this type.
    Type(i64),
    /// The first of another type.
    Except(i64),
    /// The first of the lowest type, which is at most this one.
    UpTo(i64),
    /// A copy of the one at this place; the message stays.
    Copy(i64),
}

impl Select {
    /// What `msgrcv(2)` means by its type and flags.
    ///
    /// # Errors
    /// `EINVAL` for a copy that might wait or has no place.
    pub fn decode(kind: i64, flags: u32) -> Result<Self, Errno> {
        if flags & MSG_COPY != 0 {
            let is_right = flags & IPC_NOWAIT != 0 && flags & MSG_EXCEPT == 0;
            return is_right.then_some(Self::Copy(kind)).ok_or(Errno::EINVAL);
        }
        Ok(match kind {
            0 => Self::First,
            kind if kind < 0 => {
                Self::UpTo(kind.checked_neg().unwrap_or(i64::MAX))
            }
            kind if flags & MSG_EXCEPT != 0 => Self::Except(kind),
            kind => Self::Type(kind),
        })
    }

    fn takes(self, kind: i64) -> bool {
        match self {
            Self::First => true,
            Self::Type(wanted) => kind == wanted,
            Self::Except(other) => kind != other,
            Self::UpTo(most) => kind <= most,
            Self::Copy(_) => false,
        }
    }
}

/// What a receiver asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receive {
    /// Which message.
    pub select: Select,
    /// Most bytes.
    pub most: usize,
    /// What is too long is cut.
    pub cuts: bool,
}

impl Receive {
    /// What `msgrcv(2)` asks for.
    ///
    /// # Errors
    /// As [`Select::decode`].
    pub fn decode(most: usize, kind: i64, flags: u32) -> Result<Self, Errno> {
        let select = Select::decode(kind, flags)?;
        Ok(Self { select, most, cuts: flags & MSG_NOERROR != 0 })
    }
}

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<M> {
    /// Its type, above 0.
    pub kind: i64,
    /// Bytes.
    pub size: usize,
    /// What it says.
    pub body: M,
}

struct Stored<M> {
    message: Message<M>,
    /// The ticket of the receiver to whom it is offered; 0 for none.
    offered_to: u64,
}

struct Receiver {
    wants: Receive,
    /// The message that it was woken for.
    offer: Option<u64>,
}

/// A message queue.
pub struct MessageQueue<W, M> {
    /// By numbers that count up, in the order in which they came.
    messages: BTreeMap<u64, Stored<M>>,
    next: u64,
    bytes: usize,
    /// Most bytes, and most messages.
    pub most_bytes: usize,
    receivers: Line<W, Receiver>,
    senders: Line<W, usize>,
    /// What is kept for senders that were woken and have not run yet.
    claimed: [usize; 2],
}

impl<W: Wake, M: Clone> MessageQueue<W, M> {
    /// An empty queue for so many bytes.
    pub const fn new(most_bytes: usize) -> Self {
        Self {
            messages: BTreeMap::new(),
            next: 1,
            bytes: 0,
            most_bytes,
            receivers: Line::new(),
            senders: Line::new(),
            claimed: [0; 2],
        }
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

    /// True if a message of this size finds room beside what is `claimed`.
    fn fits(&self, size: usize, claimed: [usize; 2]) -> bool {
        let [bytes, count] = claimed;
        self.bytes.saturating_add(bytes).saturating_add(size) <= self.most_bytes
            && self.messages.len() + count < self.most_bytes
    }

    /// Puts a message at the end. False if there is no room.
    #[must_use]
    pub fn send(&mut self, message: &Message<M>) -> bool {
        if !self.fits(message.size, [0; 2]) {
            return false;
        }
        let number = self.next;
        self.next += 1;
        self.bytes += message.size;
        let message = message.clone();
        let stored = Stored { message, offered_to: 0 };
        self.messages.insert(number, stored);
        self.offer(number);
        true
    }

    /// Wakes the first who would take the message and has no other.
    fn offer(&mut self, number: u64) {
        let Some(stored) = self.messages.get_mut(&number) else { return };
        let kind = stored.message.kind;
        stored.offered_to = 0;
        let mut asleep = self.receivers.asleep();
        let taker = asleep.find(|it| it.wants.wants.select.takes(kind));
        if let Some(receiver) = taker {
            receiver.wants.offer = Some(number);
            stored.offered_to = receiver.ticket();
            receiver.wake();
        }
    }

    /// The number of the message that is wanted.
    fn selected(&self, select: Select) -> Option<u64> {
        let messages = self.messages.iter();
        let mut kinds = messages.map(|(at, it)| (*at, it.message.kind));
        let found = match select {
            Select::UpTo(most) => {
                // Of several with one type, the first is the least.
                let least = kinds.min_by_key(|it| it.1);
                least.filter(|it| it.1 <= most)
            }
            Select::Copy(place) => kinds.nth(usize::try_from(place).ok()?),
            select => kinds.find(|it| select.takes(it.1)),
        };
        found.map(|it| it.0)
    }

    /// Takes the message that is wanted, or a copy of it; `None` if there is
    /// none.
    ///
    /// # Errors
    /// `E2BIG` if it is too long; `EINVAL` for a copy that would be cut.
    pub fn receive(
        &mut self,
        wants: &Receive,
    ) -> Result<Option<Message<M>>, Errno> {
        let Some(number) = self.selected(wants.select) else {
            return Ok(None);
        };
        let stored = &self.messages[&number];
        let is_long = stored.message.size > wants.most;
        if is_long && !wants.cuts {
            return Err(Errno::E2BIG);
        }
        if matches!(wants.select, Select::Copy(_)) {
            return match is_long {
                true => Err(Errno::EINVAL),
                false => Ok(Some(stored.message.clone())),
            };
        }
        let Some(stored) = self.messages.remove(&number) else {
            return Ok(None);
        };
        self.bytes -= stored.message.size;
        self.wake_senders();
        Ok(Some(stored.message))
    }

    /// Stands in the line for a message. The ticket names the place.
    pub fn wait_to_receive(&mut self, waker: W, wants: Receive) -> u64 {
        self.receivers.enter(waker, Receiver { wants, offer: None })
    }

    /// Tries again, for the receiver with this ticket, who leaves the line
    /// unless it must go on waiting.
    ///
    /// # Errors
    /// As [`MessageQueue::receive`].
    pub fn retry_receive(
        &mut self,
        ticket: u64,
    ) -> Result<Option<Message<M>>, Errno> {
        let Some(receiver) = self.receivers.get_mut(ticket) else {
            return Ok(None);
        };
        let wants = receiver.wants.wants;
        let offer = receiver.wants.offer.take();
        receiver.set_standing(Standing::Asleep);
        let result = self.receive(&wants);
        if !matches!(result, Ok(None)) {
            self.receivers.leave(ticket);
        }
        self.offer_again(offer);
        result
    }

    /// A message was of no use to whom it was offered. Others that are called
    /// are woken by who was.
    fn offer_again(&mut self, offer: Option<u64>) {
        if let Some(number) = offer {
            self.offer(number);
        }
        self.receivers.call_more(|_| ());
    }

    /// A receiver freezes: its message is for others, until it tries again.
    pub fn step_aside_receiving(&mut self, ticket: u64) {
        let Some(receiver) = self.receivers.get_mut(ticket) else { return };
        receiver.set_standing(Standing::Away);
        let offer = receiver.wants.offer.take();
        self.offer_again(offer);
    }

    /// A receiver gives up.
    pub fn leave_receiving(&mut self, ticket: u64) {
        let gone = self.receivers.leave(ticket);
        self.offer_again(gone.and_then(|it| it.wants.offer));
    }

    /// Stands in the line for room. The ticket names the place.
    pub fn wait_to_send(&mut self, waker: W, size: usize) -> u64 {
        self.senders.enter(waker, size)
    }

    /// Tries again, for the sender with this ticket, who leaves the line
    /// unless it must go on waiting. False if it must.
    #[must_use]
    pub fn retry_send(&mut self, ticket: u64, message: &Message<M>) -> bool {
        let was_woken = self.put_down(ticket, Standing::Asleep);
        let is_sent = self.send(message);
        if is_sent {
            self.senders.leave(ticket);
        }
        if was_woken {
            self.wake_senders();
        }
        is_sent
    }

    fn put_down(&mut self, ticket: u64, standing: Standing) -> bool {
        let Some(sender) = self.senders.get_mut(ticket) else { return false };
        let was_woken = sender.set_standing(standing) == Standing::Woken;
        if was_woken {
            let size = sender.wants;
            self.claimed[0] = self.claimed[0].saturating_sub(size);
            self.claimed[1] = self.claimed[1].saturating_sub(1);
        }
        was_woken
    }

    /// A sender freezes: the room is for others, until it tries again.
    pub fn step_aside_sending(&mut self, ticket: u64) {
        self.put_down(ticket, Standing::Away);
        self.wake_senders();
    }

    /// A sender gives up.
    pub fn leave_sending(&mut self, ticket: u64) {
        self.put_down(ticket, Standing::Away);
        self.senders.leave(ticket);
        self.wake_senders();
    }

    /// Wakes the senders that find room, in their order, a piece of them at a
    /// time. Each that was woken does so again, for the others.
    pub fn wake_senders(&mut self) {
        let mut claimed = self.claimed;
        self.senders.call_more(|size| {
            claimed[0] = claimed[0].saturating_add(*size);
            claimed[1] += 1;
        });
        let (bytes, count) = (self.bytes, self.messages.len());
        let most = self.most_bytes;
        let mut left = PIECE;
        for sender in self.senders.asleep() {
            let sum = bytes.saturating_add(claimed[0]);
            let is_room = sum.saturating_add(sender.wants) <= most
                && count + claimed[1] < most;
            if is_room {
                claimed[0] += sender.wants;
                claimed[1] += 1;
                sender.wake();
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        self.claimed = claimed;
    }

    /// Lets everybody try again: rights and limits may have changed.
    pub fn wake_everybody(&mut self) {
        self.receivers.call_all();
        self.receivers.call_more(|_| ());
        self.senders.call_all();
        self.wake_senders();
    }

    /// Lets everybody see that the queue is gone. Its messages, which are to
    /// end without a lock.
    #[must_use]
    pub fn remove(&mut self) -> impl Sized + use<W, M> {
        self.wake_everybody();
        self.bytes = 0;
        core::mem::take(&mut self.messages)
    }
}
