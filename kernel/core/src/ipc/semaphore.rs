//! A set of semaphores: operations that are done all at once or not at all,
//! and undone when their process ends (semop(2), `semaphore/undo.rs`).

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_NOWAIT, SEM_UNDO, SemBuf};

use super::line::{Line, PIECE, Standing, Wake};
use undo::Undo;

mod undo;

pub use undo::Sums;

/// Largest value (`SEMVMX`), and the most that is undone (`SEMAEM`).
pub const VALUE_MAX: i32 = 32_767;

/// A semaphore.
#[derive(Clone, Copy, Default, Debug)]
struct Semaphore {
    value: i32,
    /// Who changed it last.
    process: u32,
    /// What is kept for waiters that were woken and have not run yet.
    claimed: i32,
}

/// What the value of a semaphore must be before a call can be done, all that
/// the call itself does to it before the operation that waits counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// As large, for an operation that takes.
    AtLeast(i32),
    /// This, for an operation that waits for 0.
    Exactly(i32),
}

impl Need {
    /// What is kept of a semaphore for a call that is woken for this.
    fn claim(self) -> i32 {
        match self {
            Self::AtLeast(amount) => amount,
            Self::Exactly(_) => 0,
        }
    }
}

/// The operation for which a call waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blocked {
    /// Which semaphore.
    pub number: u16,
    /// What it must be.
    pub need: Need,
}

impl Blocked {
    /// At `operation`, which comes after those that could be `done`.
    fn at(operation: &SemBuf, done: &[SemBuf]) -> Self {
        let number = operation.number;
        let before = done.iter().filter(|it| it.number == number);
        let moved: i32 = before.map(|it| i32::from(it.change)).sum();
        let need = match i32::from(operation.change) {
            0 => Need::Exactly(-moved),
            change => Need::AtLeast(-change - moved),
        };
        Self { number, need }
    }
}

/// What became of a call's operations.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt {
    /// All are done.
    Done,
    /// None is done: this one must wait.
    Blocked(Blocked),
}

/// Who carries operations out.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// The process.
    pub process: u32,
    /// Its list of what is to be undone.
    pub list: u64,
}

/// A set of semaphores.
#[derive(Debug)]
pub struct SemaphoreSet<W> {
    semaphores: Vec<Semaphore>,
    line: Line<W, Blocked>,
    undo: Undo,
}

/// What a call changes.
struct Changed<'a> {
    semaphores: &'a mut [Semaphore],
    sums: Option<&'a mut [i16]>,
}

impl Changed<'_> {
    /// Carries one operation out; false if it must wait.
    fn apply(&mut self, operation: &SemBuf) -> Result<bool, Errno> {
        let place = usize::from(operation.number);
        let value = self.semaphores[place].value;
        let change = i32::from(operation.change);
        let new = value + change;
        if new < 0 || change == 0 && value != 0 {
            return Ok(false);
        }
        if new > VALUE_MAX {
            return Err(Errno::ERANGE);
        }
        if operation.flags & SEM_UNDO != 0 && change != 0 {
            let sums = self.sums.as_deref_mut().ok_or(Errno::ENOMEM)?;
            let new = i16::try_from(i32::from(sums[place]) - change);
            sums[place] = new.map_err(|_| Errno::ERANGE)?;
        }
        self.semaphores[place].value = new;
        Ok(true)
    }

    fn take_back(&mut self, operation: &SemBuf) {
        let place = usize::from(operation.number);
        let change = operation.change;
        self.semaphores[place].value -= i32::from(change);
        if operation.flags & SEM_UNDO != 0
            && let Some(sums) = self.sums.as_deref_mut()
        {
            sums[place] = sums[place].wrapping_add(change);
        }
    }
}

impl<W: Wake> SemaphoreSet<W> {
    /// So many semaphores, all 0.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(count: usize) -> Result<Self, Errno> {
        let mut semaphores = Vec::new();
        let reserved = semaphores.try_reserve_exact(count);
        reserved.map_err(|_| Errno::ENOMEM)?;
        semaphores.resize(count, Semaphore::default());
        Ok(Self { semaphores, line: Line::new(), undo: Undo::new() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.semaphores.len()
    }

    /// Carries `operations` out. All their numbers are those of semaphores of
    /// the set.
    ///
    /// # Errors
    /// `EAGAIN` if the one that must wait may not; `ERANGE` if a value, or
    /// what is to be undone, becomes too large; `ENOMEM` if there is no room
    /// for what is to be undone.
    pub fn attempt(
        &mut self,
        operations: &[SemBuf],
        actor: Actor,
    ) -> Result<Attempt, Errno> {
        let mut changed = Changed {
            semaphores: &mut self.semaphores,
            sums: self.undo.sums(actor.list),
        };
        for (at, operation) in operations.iter().enumerate() {
            let result = changed.apply(operation);
            if result == Ok(true) {
                continue;
            }
            let done = &operations[..at];
            done.iter().rev().for_each(|it| changed.take_back(it));
            result?;
            return match u32::from(operation.flags) & IPC_NOWAIT {
                0 => Ok(Attempt::Blocked(Blocked::at(operation, done))),
                _ => Err(Errno::EAGAIN),
            };
        }
        for operation in operations {
            let place = usize::from(operation.number);
            self.semaphores[place].process = actor.process;
        }
        if operations.iter().any(|it| it.change != 0) {
            self.wake_waiters();
        }
        Ok(Attempt::Done)
    }

    /// True if there is room for what is to be undone of this list.
    pub fn has_list(&self, list: u64) -> bool {
        self.undo.has(list)
    }

    /// Keeps this room for what is to be undone of a list: one sum for each
    /// semaphore. It comes back if the list has some.
    #[must_use]
    pub fn add_list(&mut self, list: u64, sums: Sums) -> Option<Sums> {
        self.undo.add(list, sums)
    }

    /// Undoes what the owner of a list, which has ended, has done; what that
    /// was, if there is room for it.
    pub fn undo(&mut self, actor: Actor) -> Option<Sums> {
        let undone = self.undo.take(actor.list)?;
        let sums = self.semaphores.iter_mut().zip(undone.iter());
        for (semaphore, sum) in sums.filter(|it| it.1 != 0) {
            let value = semaphore.value + sum;
            semaphore.value = value.clamp(0, VALUE_MAX);
            semaphore.process = actor.process;
        }
        self.wake_waiters();
        Some(undone)
    }

    /// Stands in the line for what `attempt` said. The ticket names the
    /// place.
    pub fn wait(&mut self, waker: W, wants: Blocked) -> u64 {
        self.line.enter(waker, wants)
    }

    /// Tries again, for the waiter with this ticket, who leaves the line
    /// unless it must go on waiting.
    ///
    /// # Errors
    /// As [`SemaphoreSet::attempt`].
    pub fn retry(
        &mut self,
        ticket: u64,
        operations: &[SemBuf],
        actor: Actor,
    ) -> Result<Attempt, Errno> {
        let was_woken = self.put_down(ticket, Standing::Asleep);
        let result = self.attempt(operations, actor);
        match result {
            Ok(Attempt::Blocked(wants)) => {
                if let Some(waiter) = self.line.get_mut(ticket) {
                    waiter.wants = wants;
                }
                if was_woken {
                    self.wake_waiters();
                }
            }
            _ => self.leave(ticket),
        }
        result
    }

    /// A waiter does something else from now on; what was kept for it is
    /// free. True if something was.
    fn put_down(&mut self, ticket: u64, standing: Standing) -> bool {
        let Some(waiter) = self.line.get_mut(ticket) else { return false };
        let wants = waiter.wants;
        let was_woken = waiter.set_standing(standing) == Standing::Woken;
        if was_woken {
            let semaphore = &mut self.semaphores[usize::from(wants.number)];
            semaphore.claimed -= wants.need.claim();
        }
        was_woken
    }

    /// A waiter freezes: what it was woken for is for others, until it tries
    /// again.
    pub fn step_aside(&mut self, ticket: u64) {
        self.put_down(ticket, Standing::Away);
        self.wake_waiters();
    }

    /// A waiter gives up, or has what it wanted.
    pub fn leave(&mut self, ticket: u64) {
        self.put_down(ticket, Standing::Away);
        self.line.leave(ticket);
        self.wake_waiters();
    }

    /// Lets everybody see that the set is gone. What was to be undone, which is
    /// to end without a lock.
    #[must_use]
    pub fn remove(&mut self) -> impl Sized + use<W> {
        self.line.call_all();
        self.wake_waiters();
        core::mem::replace(&mut self.undo, Undo::new())
    }

    /// Wakes those whose turn it is, a piece of them at a time. Each that was
    /// woken does so again, for the others.
    fn wake_waiters(&mut self) {
        let Self { semaphores, line, .. } = self;
        line.call_more(|wants| {
            let semaphore = &mut semaphores[usize::from(wants.number)];
            semaphore.claimed += wants.need.claim();
        });
        let mut piece = PIECE;
        for waiter in line.asleep() {
            let Blocked { number, need } = waiter.wants;
            let semaphore = &mut semaphores[usize::from(number)];
            let left = semaphore.value - semaphore.claimed;
            let may_go = match need {
                Need::AtLeast(amount) => left >= amount,
                Need::Exactly(value) => semaphore.value == value,
            };
            if may_go {
                semaphore.claimed += need.claim();
                waiter.wake();
                piece -= 1;
            }
            if piece == 0 {
                break;
            }
        }
    }

    /// The value of a semaphore.
    pub fn value(&self, number: usize) -> Option<i32> {
        self.semaphores.get(number).map(|it| it.value)
    }

    /// Who changed a semaphore last.
    pub fn process(&self, number: usize) -> Option<u32> {
        self.semaphores.get(number).map(|it| it.process)
    }

    fn needs(&self, number: usize) -> impl Iterator<Item = Need> {
        let line = self.line.iter().map(|it| it.wants);
        let line = line.filter(move |it| usize::from(it.number) == number);
        line.map(|it| it.need)
    }

    /// How many wait for a semaphore to grow.
    pub fn waiters_for_more(&self, number: usize) -> usize {
        let needs = self.needs(number);
        needs.filter(|it| matches!(it, Need::AtLeast(_))).count()
    }

    /// How many wait for a semaphore to be 0.
    pub fn waiters_for_zero(&self, number: usize) -> usize {
        let needs = self.needs(number);
        needs.filter(|it| matches!(it, Need::Exactly(_))).count()
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = u16> {
        self.semaphores.iter().map(|it| it.value as u16)
    }

    /// Sets a value; what was to be undone of it is forgotten.
    ///
    /// # Errors
    /// `ERANGE`; `EINVAL` if there is no such semaphore.
    pub fn set(
        &mut self,
        number: usize,
        value: i32,
        process: u32,
    ) -> Result<(), Errno> {
        if !(0..=VALUE_MAX).contains(&value) {
            return Err(Errno::ERANGE);
        }
        let semaphore = self.semaphores.get_mut(number).ok_or(Errno::EINVAL)?;
        (semaphore.value, semaphore.process) = (value, process);
        self.undo.forget(number);
        self.wake_waiters();
        Ok(())
    }

    /// Sets all values; nothing is to be undone any more.
    ///
    /// # Errors
    /// `ERANGE`: nothing has changed then.
    pub fn set_all(
        &mut self,
        values: &[u16],
        process: u32,
    ) -> Result<(), Errno> {
        if values.iter().any(|value| i32::from(*value) > VALUE_MAX) {
            return Err(Errno::ERANGE);
        }
        for (semaphore, value) in self.semaphores.iter_mut().zip(values) {
            semaphore.value = i32::from(*value);
            semaphore.process = process;
        }
        self.undo.forget_all();
        self.wake_waiters();
        Ok(())
    }
}
