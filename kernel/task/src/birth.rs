//! How tasks are made.
//!
//! A new task is in the table, so others may find it by its number, and
//! nowhere else: no CPU knows it before [`wake::wake_new`](super::wake).

use alloc::sync::{Arc, Weak};
use core::sync::atomic::Ordering::{Acquire, Release};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};

use kernel_abi::Errno;
use kernel_core::freezer::TaskFreezer;
use kernel_core::kthread::KthreadControl;
use kernel_core::schedule::{Division, Entity};
use kernel_core::wake::WakeWords;

use super::id::{Id, TaskId};
use super::queue::QUEUES;
use super::room::Room;
use super::{Kind, Name, Task, refrigerator, table, timer};
use kernel_machine::arch;
use kernel_machine::arch::thread::{self, Context, FpState};
use kernel_machine::mm::AddressSpace;
use kernel_machine::mm::stack::KernelStack;
use kernel_machine::sync::{Attachment, IrqSpinLock, Rank, SpinLock};

/// For how many tasks every queue has room.
static ROOM: AtomicUsize = AtomicUsize::new(0);

/// Which number a new task gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Numbered {
    /// The next free one.
    Next,
    /// 1, for the first user task.
    First,
    /// This one (`clone3(2)`, `set_tid`).
    Exactly(TaskId),
}

/// What a new task is made of.
pub struct NewTask<'a> {
    /// See [`Numbered`].
    pub id: Numbered,
    /// See [`Kind`].
    pub kind: Kind,
    /// Its name, cut to [`super::NAME_LENGTH`] bytes.
    pub name: &'a [u8],
    /// First function on its stack; calls [`super::scheduler::begin`] first.
    pub entry: extern "C" fn(thread::Last) -> !,
    /// User memory, if any.
    pub space: Option<Arc<AddressSpace>>,
    /// CPUs it may run on.
    pub allowed: u32,
    /// Its account with the scheduler.
    pub account: Entity,
    /// Floating-point registers and thread pointer to begin with.
    pub user_state: Option<(FpState, u64)>,
}

impl Task {
    /// Makes a task that sleeps nowhere yet: [`super::wake::wake_new`] starts
    /// it.
    ///
    /// # Errors
    /// `ENOMEM` without room for its stack or in the run queues; `EAGAIN`
    /// when no id is free; `EEXIST` if the wanted one is not; `EINVAL` if
    /// nobody can have it.
    pub fn new(new: NewTask<'_>) -> Result<Arc<Task>, Errno> {
        table::drop_deferred();
        let room = reserve_one()?;
        let stack = KernelStack::new()?;
        let is_user = new.kind == Kind::User;
        let mut context = Context::new(&stack, new.entry, is_user);
        if let Some((fp, pointer)) = &new.user_state {
            context.set_initial_user_state(fp, *pointer);
        }
        let id = match new.id {
            Numbered::Next => Id::allocate()?,
            Numbered::First => Id::first()?,
            Numbered::Exactly(id) => Id::exactly(id)?,
        };
        let task = Arc::new_cyclic(|this| Task {
            _room: Some(room),
            _stack: Some(stack),
            ..Self::with(this, context, id, &new)
        });
        thread::register(&task);
        table::insert(&task);
        Ok(task)
    }

    /// The idle task of `cpu`, standing for the code that runs now on the
    /// stack that ends at `stack_top`.
    pub fn new_idle(cpu: usize, stack_top: usize) -> Arc<Task> {
        let new = NewTask {
            id: Numbered::First,
            kind: Kind::Idle,
            name: b"swapper",
            entry: unreachable_entry,
            space: None,
            allowed: 1 << cpu,
            account: Entity::idle(),
            user_state: None,
        };
        let context = Context::for_running(stack_top, cpu);
        let id = Id::idle();
        let task = Arc::new_cyclic(|this| Self::with(this, context, id, &new));
        task.wake.enter_cpu();
        task
    }

    fn with(
        this: &Weak<Task>,
        context: Context,
        id: Id,
        new: &NewTask<'_>,
    ) -> Self {
        Self {
            this: this.clone(),
            context,
            id,
            _room: None,
            kind: new.kind,
            start_ns: arch::timer::now_ns(),
            wake: WakeWords::new(),
            wake_lock: IrqSpinLock::with_rank(Rank::Task, ()),
            entity: SpinLock::with_rank(Rank::Timer, new.account),
            allowed: AtomicU32::new(new.allowed),
            came_ns: AtomicU64::new(0),
            voluntary_switches: AtomicU64::new(0),
            involuntary_switches: AtomicU64::new(0),
            division: Division::new(),
            watches_time: AtomicBool::new(false),
            freezer: TaskFreezer::new(),
            refrigerator_place: AtomicU32::new(refrigerator::NOT_REFRIGERATED),
            kthread: KthreadControl::new(),
            name: SpinLock::with_rank(Rank::Device, Name::new(new.name)),
            waits_in: SpinLock::with_rank(Rank::Device, ""),
            space: IrqSpinLock::with_rank(Rank::KernelMap, new.space.clone()),
            owner: Attachment::new(),
            _stack: None,
        }
    }
}

/// Makes room for one more task in every queue, so that no wake-up ever has
/// to allocate.
///
/// # Errors
/// `ENOMEM`.
fn reserve_one() -> Result<Room, Errno> {
    let (mine, tasks) = Room::take();
    if tasks <= ROOM.load(Acquire) {
        return Ok(mine);
    }
    let room = (tasks + 1).next_power_of_two().max(64);
    let grown = QUEUES
        .iter()
        .all(|cpu| cpu.queue.lock().waiting.try_reserve(room).is_ok());
    if !grown {
        return Err(Errno::ENOMEM);
    }
    timer::reserve(room)?;
    refrigerator::reserve(room)?;
    ROOM.fetch_max(room, Release);
    Ok(mine)
}

extern "C" fn unreachable_entry(_last: thread::Last) -> ! {
    unreachable!("an idle task begins as boot code, not by a switch")
}
