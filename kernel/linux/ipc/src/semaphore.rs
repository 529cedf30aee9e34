//! Sets of semaphores: `semget(2)`, `semop(2)`, `semctl(2)`.

use alloc::sync::Arc;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::ipc::{SEM_UNDO, SemBuf, SemidDs};
use kernel_core::ipc::permission::{Asker, Permission, READ, WRITE};
use kernel_core::ipc::semaphore::{Actor, Attempt, SemaphoreSet, Sums};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::{Deadline, WaitError};

use crate::bell::Bell;
use crate::caller::{Caller, process_id};
use crate::registry::{Name, Object, Registry, Wanted};
use crate::room::{check_room, now_s};
use crate::setting;
use crate::undo::{self, UndoList, Undoes};

pub mod control;

/// Bytes of a semaphore in the kernel, rounded up.
const SEMAPHORE_SIZE: usize = 16;

/// All sets.
pub(crate) static SETS: Registry<Set> = Registry::new();

/// A set of semaphores.
pub(crate) struct Set {
    count: usize,
    state: SpinLock<State>,
}

/// Semaphores of all sets.
static USED: AtomicUsize = AtomicUsize::new(0);

impl Drop for Set {
    fn drop(&mut self) {
        USED.fetch_sub(self.count, Relaxed);
    }
}

struct State {
    permission: Permission,
    set: SemaphoreSet<Bell>,
    /// Last operation, seconds since 1970.
    otime: i64,
    /// Last change.
    ctime: i64,
    is_removed: bool,
}

impl Object for Set {
    fn check(
        &self,
        asker: &Asker<'_>,
        size: usize,
        wanted: u32,
    ) -> Result<(), Errno> {
        if size > self.count {
            return Err(Errno::EINVAL);
        }
        self.state.lock().permission.check(asker, wanted)
    }
}

impl Set {
    fn new(permission: Permission, count: usize) -> Result<Arc<Self>, Errno> {
        if count == 0 {
            return Err(Errno::EINVAL);
        }
        check_room(count * SEMAPHORE_SIZE)?;
        let state = State {
            permission,
            set: SemaphoreSet::new(count)?,
            otime: 0,
            ctime: now_s(),
            is_removed: false,
        };
        USED.fetch_add(count, Relaxed);
        let state = SpinLock::with_rank(Rank::Freezer, state);
        Ok(Arc::new(Self { count, state }))
    }

    /// Makes room for what is to be undone of a list.
    fn make_room_to_undo(&self, list: u64) -> Result<(), Errno> {
        if self.state.lock().set.has_list(list) {
            return Ok(());
        }
        check_room(Sums::size(self.count))?;
        let sums = Sums::new(self.count)?;
        let surplus = self.state.lock().set.add_list(list, sums);
        drop(surplus);
        Ok(())
    }

    /// As `semctl(2)` and `/proc` tell of it.
    pub(crate) fn describe(&self, id: u32) -> SemidDs {
        self.state.lock().describe(id)
    }
}

impl Undoes for Set {
    fn undo(&self, actor: Actor) {
        let mut state = self.state.lock();
        let undone = state.set.undo(actor);
        if undone.is_some() {
            state.otime = now_s();
        }
        drop(state);
        drop(undone);
    }
}

impl State {
    fn describe(&self, id: u32) -> SemidDs {
        SemidDs {
            perm: self.permission.show(id),
            otime: self.otime,
            ctime: self.ctime,
            nsems: self.set.count() as u64,
            unused: [0; 2],
        }
    }

    /// What `attempt` gives, with the time of the operation noted.
    fn note(
        &mut self,
        result: Result<Attempt, Errno>,
    ) -> Result<Attempt, Errno> {
        if result == Ok(Attempt::Done) {
            self.otime = now_s();
        }
        result
    }
}

/// `semget(2)`: the identifier of the set.
///
/// # Errors
/// As there.
pub fn get(key: i32, count: i32, flags: u32) -> Result<usize, Errno> {
    let limits = setting::semaphores();
    let count = usize::try_from(count).ok();
    let count = count.filter(|it| *it <= limits.per_set);
    let count = count.ok_or(Errno::EINVAL)?;
    let caller = Caller::new();
    let asker = caller.asker();
    let wanted = Wanted { key, flags, size: count, most: limits.sets };
    let make = || Set::new(Permission::new(key, flags, &asker), count);
    let room = || match USED.load(Relaxed) > limits.all {
        true => Err(Errno::ENOSPC),
        false => Ok(()),
    };
    Ok(SETS.get(&asker, wanted, make, room)? as usize)
}

/// Most operations of a call.
pub fn operations() -> usize {
    setting::semaphores().operations
}

/// `semtimedop(2)`, with a deadline on the monotonic clock.
///
/// # Errors
/// As there.
pub fn operate(
    id: i32,
    operations: &[SemBuf],
    deadline: Option<Deadline>,
) -> Result<(), Errno> {
    let (_, set) = SETS.find(Name::Id(id))?;
    let highest = operations.iter().map(|it| usize::from(it.number)).max();
    if highest.is_none_or(|highest| highest >= set.count) {
        return Err(Errno::EFBIG);
    }
    let changes = operations.iter().any(|it| it.change != 0);
    let wanted = if changes { WRITE } else { READ };
    let caller = Caller::new();
    let check = |state: &State| match state.is_removed {
        true => Err(Errno::EIDRM),
        false => state.permission.check(&caller.asker(), wanted),
    };
    check(&set.state.lock())?;
    let undoes = |it: &SemBuf| it.flags & SEM_UNDO != 0 && it.change != 0;
    let kept = operations.iter().any(undoes).then(undo::own);
    let list = kept.as_ref().and_then(|it| it.get(UndoList::new));
    if let Some(list) = list {
        set.make_room_to_undo(list.id)?;
        let undoes: Arc<dyn Undoes> = set.clone();
        list.note(&undoes);
    }
    let list = list.map_or(0, |list| list.id);
    let actor = Actor { process: process_id(), list };
    let (ticket, bell) = {
        let mut state = set.state.lock();
        check(&state)?;
        let result = state.set.attempt(operations, actor);
        match state.note(result)? {
            Attempt::Done => return Ok(()),
            Attempt::Blocked(wants) => {
                let bell = Bell::new();
                (state.set.wait(bell.clone(), wants), bell)
            }
        }
    };
    wait(&set, operations, actor, (ticket, &bell), deadline)
}

fn wait(
    set: &Set,
    operations: &[SemBuf],
    actor: Actor,
    (ticket, bell): (u64, &Bell),
    deadline: Option<Deadline>,
) -> Result<(), Errno> {
    let attempt = || {
        let mut state = set.state.lock();
        if state.is_removed {
            // The others are woken too.
            state.set.leave(ticket);
            return Some(Err(Errno::EIDRM));
        }
        let result = state.set.retry(ticket, operations, actor);
        match state.note(result) {
            Ok(Attempt::Done) => Some(Ok(())),
            Ok(Attempt::Blocked(_)) => None,
            Err(error) => Some(Err(error)),
        }
    };
    let hand_on = || set.state.lock().set.step_aside(ticket);
    let ended =
        bell.0.wait_for_turn("do_semtimedop", deadline, attempt, hand_on);
    ended.unwrap_or_else(|error| {
        set.state.lock().set.leave(ticket);
        // It is never begun anew (signal(7)).
        Err(match error {
            WaitError::TimedOut => Errno::EAGAIN,
            WaitError::Interrupted => Errno::EINTR,
        })
    })
}
