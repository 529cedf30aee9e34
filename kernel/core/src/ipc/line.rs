//! A line of those who wait for something, first come first served.
//!
//! | standing | means | becomes |
//! |---|---|---|
//! | asleep | it waits | woken, by a change that it may use |
//! | woken | a change is kept for it | asleep if it was of no use, or it leaves |
//! | away | it freezes: it takes nothing | asleep, once it has tried again |
//!
//! Whoever leaves the line or goes away without using the change that woke it
//! has others woken for it: the owner of the line does so.
//!
//! Many may wait, and the owner's lock is held while they are woken. So no more
//! than a piece of them are at a time, and each that was woken has the next
//! piece woken when it tries again, goes away or leaves:
//!
//! ```text
//!  a change          the first 64      the next 64
//!  --------          ------------      -----------
//!  wakes 64          one runs,
//!                    wakes 64          one runs, wakes the rest
//! ```

use alloc::collections::VecDeque;

/// Most waiters that are woken in one piece.
pub const PIECE: usize = 64;

/// Wakes a waiter.
pub trait Wake {
    /// Lets it try again.
    fn wake(&self);
}

/// What a waiter is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It waits.
    Asleep,
    /// It was woken and has not tried yet.
    Woken,
    /// It freezes.
    Away,
}

/// Somebody who waits.
#[derive(Debug)]
pub struct Waiter<W, T> {
    ticket: u64,
    standing: Standing,
    waker: W,
    /// The last call to all that it was woken by, or came after.
    called: u64,
    /// What it waits for.
    pub wants: T,
}

impl<W: Wake, T> Waiter<W, T> {
    /// The name of its place.
    pub fn ticket(&self) -> u64 {
        self.ticket
    }

    /// Lets it try again.
    pub fn wake(&mut self) {
        self.standing = Standing::Woken;
        self.waker.wake();
    }

    /// Notes what it is doing; what it did.
    pub fn set_standing(&mut self, standing: Standing) -> Standing {
        core::mem::replace(&mut self.standing, standing)
    }
}

/// Those who wait, in the order in which they came.
#[derive(Debug)]
pub struct Line<W, T> {
    waiters: VecDeque<Waiter<W, T>>,
    next_ticket: u64,
    /// How often all were called.
    calls: u64,
    /// Some may not have been woken by the last call yet.
    is_calling: bool,
}

impl<W: Wake, T> Line<W, T> {
    /// A line in which nobody stands.
    pub const fn new() -> Self {
        Self {
            waiters: VecDeque::new(),
            next_ticket: 1,
            calls: 0,
            is_calling: false,
        }
    }

    /// Stands at the end, asleep. The ticket names the place.
    pub fn enter(&mut self, waker: W, wants: T) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let (standing, called) = (Standing::Asleep, self.calls);
        let waiter = Waiter { ticket, standing, waker, called, wants };
        self.waiters.push_back(waiter);
        ticket
    }

    fn place(&self, ticket: u64) -> Option<usize> {
        self.waiters.binary_search_by_key(&ticket, |it| it.ticket).ok()
    }

    /// Takes a waiter out.
    pub fn leave(&mut self, ticket: u64) -> Option<Waiter<W, T>> {
        let place = self.place(ticket)?;
        self.waiters.remove(place)
    }

    /// The waiter with this ticket.
    pub fn get_mut(&mut self, ticket: u64) -> Option<&mut Waiter<W, T>> {
        let place = self.place(ticket)?;
        self.waiters.get_mut(place)
    }

    /// All waiters.
    pub fn iter(&self) -> impl Iterator<Item = &Waiter<W, T>> {
        self.waiters.iter()
    }

    /// Those that may be woken.
    pub fn asleep(&mut self) -> impl Iterator<Item = &mut Waiter<W, T>> {
        let waiters = self.waiters.iter_mut();
        waiters.filter(|it| it.standing == Standing::Asleep)
    }

    /// How many stand in it.
    pub fn len(&self) -> usize {
        self.waiters.len()
    }

    /// True if nobody stands in it.
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Lets everybody try again, by [`Line::call_more`]; who was woken already
    /// or freezes does so anyway.
    pub fn call_all(&mut self) {
        self.calls += 1;
        self.is_calling = true;
    }

    /// Wakes a piece of those that are called and have not been woken yet, and
    /// tells what each wants.
    pub fn call_more(&mut self, mut tell: impl FnMut(&T)) {
        if !self.is_calling {
            return;
        }
        let calls = self.calls;
        let mut left = PIECE;
        for waiter in self.asleep().filter(|it| it.called != calls) {
            waiter.called = calls;
            tell(&waiter.wants);
            waiter.wake();
            left -= 1;
            if left == 0 {
                return;
            }
        }
        self.is_calling = false;
    }
}
