//! Threads of the machine: stacks that CPUs switch between.
//!
//! The layer above embeds a context in its task type and says so by
//! [`Threaded`]. Each CPU owns one reference count of the task it runs;
//! [`switch_to`] hands that count over: the caller gives the count of the
//! next task, and whoever runs next on this CPU receives the count of the
//! task that ran before. Nothing is freed under a running stack.
//!
//! Next to read: `thread.s`, then `scheduler.rs` of the crate `kernel_task`.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize};

use super::trap;

pub use super::context::{
    Context, FP_STATE_SIZE, FpState, current_context, has_current, work,
};

global_asm!(
    include_str!("thread.s"),
    SAVED_SP = const offset_of!(Context, saved_sp),
);

/// A type that embeds a [`Context`]. One type in the whole kernel does.
pub trait Threaded: Send + Sync + 'static {
    /// The embedded context, always the same one.
    fn context(&self) -> &Context;
}

unsafe extern "C" {
    fn firn_switch(
        previous: *const Context,
        next: *const Context,
        last: *const (),
    ) -> *const ();
    fn firn_thread_start();
}

/// A new kernel stack.
///
/// # Safety
/// Below [`Stack::top`] there must be at least a page of memory that is mapped
/// for writing and that nobody else uses.
pub unsafe trait Stack {
    /// One past the highest byte; 16-byte aligned.
    fn top(&self) -> usize;
}

impl Context {
    /// A context whose first run calls `entry(last)` on `stack`; `last` is
    /// to be given to [`take_last`]. With `has_user_mode`, floating-point
    /// registers are kept, zero at first.
    pub fn new(
        stack: &impl Stack,
        entry: extern "C" fn(Last) -> !,
        has_user_mode: bool,
    ) -> Self {
        let frame = stack.top() - TOP_RESERVED - 12 * 8;
        let words = frame as *mut usize;
        let start = firn_thread_start as *const () as usize;
        // x19 holds the entry function, x29 = 0 ends back traces, x30 is
        // where the switch returns to.
        for (index, value) in [(0, entry as usize), (10, 0), (11, start)] {
            // SAFETY: `index` is below the 12 words left free above.
            let slot = unsafe { words.add(index) };
            // SAFETY: the stack is mapped and nobody else's ([`Stack`]).
            unsafe { slot.write(value) };
        }
        let fp = has_user_mode.then(|| Box::new(FpState::zeroed()));
        Self::with(stack.top(), frame, 0, fp)
    }

    /// The context of code that runs already, on `cpu`, with a stack that
    /// ends at `stack_top`: boot code about to become an idle task.
    pub fn for_running(stack_top: usize, cpu: usize) -> Self {
        Self::with(stack_top, 0, cpu as u32, None)
    }

    fn with(
        stack_top: usize,
        saved_sp: usize,
        cpu: u32,
        fp: Option<Box<FpState>>,
    ) -> Self {
        Self {
            work: AtomicU32::new(0),
            cpu: AtomicU32::new(cpu),
            system_call: AtomicUsize::new(trap::system_call()),
            owner: AtomicPtr::new(core::ptr::null_mut()),
            saved_sp: UnsafeCell::new(saved_sp),
            stack_top,
            user_thread_pointer: UnsafeCell::new(0),
            fp: UnsafeCell::new(fp),
        }
    }
}

/// Bytes kept free at the top of every stack: the frame of user registers.
pub const TOP_RESERVED: usize = size_of::<trap::TrapFrame>();

const _: () = assert!(TOP_RESERVED.is_multiple_of(16));

/// The count of the task that ran before on this CPU, as a raw value.
#[repr(transparent)]
pub struct Last(*const ());

/// Turns `last` into the reference it stands for.
pub fn take_last<T: Threaded>(last: Last) -> Arc<T> {
    // SAFETY: `switch_to` and `adopt` make `Last` from `Arc::into_raw` of
    // the one type that embeds contexts, and hand it over once.
    unsafe { Arc::from_raw(last.0.cast()) }
}

/// The task that runs on this CPU.
///
/// The reference is good as long as the caller runs: the CPU owns a count.
#[inline(always)]
pub fn current<'a, T: Threaded>() -> &'a T {
    let owner = current_context().owner.load(Relaxed);
    // SAFETY: `owner` was set by `register` from an `Arc<T>` of which this
    // CPU holds a count until it switches away.
    unsafe { &*owner.cast_const().cast() }
}

/// A counted reference to the task that runs on this CPU.
pub fn current_arc<T: Threaded>() -> Arc<T> {
    let task: *const T = current::<T>();
    // SAFETY: the address is that of an `Arc`'s value (`register`), and this
    // CPU holds a count, so the count may be raised.
    unsafe { Arc::increment_strong_count(task) };
    // SAFETY: takes over the count just added.
    unsafe { Arc::from_raw(task) }
}

/// Tells the context where its task is. Call once, before the first run.
pub fn register<T: Threaded>(task: &Arc<T>) {
    let owner = Arc::as_ptr(task).cast_mut().cast();
    task.context().owner.store(owner, Relaxed);
}

/// Makes `task` the current one of a CPU that has run none so far, without
/// switching stacks: boot becomes the idle task.
pub fn adopt<T: Threaded>(task: Arc<T>) {
    register(&task);
    let context: *const Context = task.context();
    // The CPU owns this count for ever: idle tasks do not end.
    core::mem::forget(task);
    // SAFETY: the register is this module's; the context lives for ever.
    unsafe {
        asm!("msr tpidr_el1, {}", in(reg) context,
            options(nostack, preserves_flags));
    }
}

/// As [`adopt`], for a CPU that was off meanwhile: it still owns the count
/// that it got then.
pub fn adopt_again<T: Threaded>(task: &Arc<T>) {
    let context: *const Context = task.context();
    // SAFETY: the register is this module's; the context lives for ever.
    unsafe {
        asm!("msr tpidr_el1, {}", in(reg) context,
            options(nostack, preserves_flags));
    }
}

/// Runs `next` on this CPU. Returns when the caller's task is switched in
/// again, with the task that ran before it here.
///
/// # Locks
/// None held; interrupts masked.
pub fn switch_to<T: Threaded>(next: Arc<T>) -> Arc<T> {
    let previous: &T = current();
    let from: *const Context = previous.context();
    save_user_state(previous.context());
    let to: *const Context = next.context();
    restore_user_state(next.context());
    // The count in `next` becomes this CPU's; the one it held for
    // `previous` travels to the next runner as `last`.
    let _ = Arc::into_raw(next);
    let last: *const T = previous;
    // SAFETY: both contexts are alive (this CPU holds both counts), `next`
    // is not running anywhere (scheduler), and its stack was set up by
    // `Context::new` or by an earlier pass through here.
    let last = unsafe { firn_switch(from, to, last.cast()) };
    take_last(Last(last))
}

/// Saves what the kernel itself does not use: floating point, `tpidr_el0`.
#[inline]
fn save_user_state(context: &Context) {
    // SAFETY: the current task's cell, on its CPU, interrupts masked.
    let Some(state) = (unsafe { (*context.fp.get()).as_mut() }) else {
        return;
    };
    // SAFETY: the buffer has room for all registers.
    unsafe { firn_fp_save(state.as_mut()) };
    let pointer: u64;
    // SAFETY: reads the user's thread pointer.
    unsafe {
        asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack));
    }
    // SAFETY: as the first cell above.
    unsafe { *context.user_thread_pointer.get() = pointer };
}

/// The reverse of [`save_user_state`], for the task about to run.
#[inline]
fn restore_user_state(context: &Context) {
    // SAFETY: the task is off every CPU and about to run on this one.
    let Some(state) = (unsafe { (*context.fp.get()).as_ref() }) else {
        return;
    };
    // SAFETY: the buffer holds all registers.
    unsafe { firn_fp_restore(state.as_ref()) };
    // SAFETY: as the first cell above.
    let pointer = unsafe { *context.user_thread_pointer.get() };
    // SAFETY: the register belongs to user mode; any value is harmless.
    unsafe {
        asm!("msr tpidr_el0, {}", in(reg) pointer, options(nomem, nostack));
    }
}

unsafe extern "C" {
    fn firn_fp_save(state: *mut FpState);
    fn firn_fp_restore(state: *const FpState);
}

/// The current task's floating-point registers.
pub fn fp_state() -> FpState {
    let mut state = FpState::zeroed();
    // SAFETY: the buffer has room for all registers.
    unsafe { firn_fp_save(&mut state) };
    state
}

/// Puts the current task's floating-point registers into `state`.
#[inline]
pub fn save_fp_state(state: &mut FpState) {
    // SAFETY: the buffer has room for all registers.
    unsafe { firn_fp_save(state) };
}

/// Gives the current task these floating-point registers.
#[inline]
pub fn set_fp_state(state: &FpState) {
    // SAFETY: the buffer holds all registers.
    unsafe { firn_fp_restore(state) };
}

/// The current task's user thread pointer (`TPIDR_EL0`).
#[inline]
pub fn user_thread_pointer() -> u64 {
    let pointer: u64;
    // SAFETY: reads the user's thread pointer.
    unsafe {
        asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack));
    }
    pointer
}

/// Sets the current task's user thread pointer.
#[inline]
pub fn set_user_thread_pointer(pointer: u64) {
    // SAFETY: the register belongs to user mode; any value is harmless.
    unsafe {
        asm!("msr tpidr_el0, {}", in(reg) pointer, options(nomem, nostack));
    }
}

impl Context {
    /// Prepares a task that has not run yet to start in user mode: its
    /// floating-point registers and its thread pointer.
    pub fn set_initial_user_state(&mut self, fp: &FpState, pointer: u64) {
        if let Some(state) = self.fp.get_mut() {
            **state = fp.clone();
        }
        *self.user_thread_pointer.get_mut() = pointer;
    }
}
