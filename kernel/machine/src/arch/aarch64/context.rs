//! What a CPU needs to run a task, and which one it runs.
//!
//! `TPIDR_EL1` holds the address of the context that runs on a CPU, so
//! "current" is one register read. Next to read: `thread.rs`, which switches
//! between contexts.

use alloc::boxed::Box;
use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize};

/// Work to do before the task returns to user mode, as bits of
/// [`Context::work`]. Linux's `TIF_*` flags.
pub mod work {
    /// Another task should run on this CPU (`TIF_NEED_RESCHED`).
    pub const RESCHEDULE: u32 = 1 << 0;
    /// A signal waits to be looked at (`TIF_SIGPENDING`).
    pub const SIGNAL: u32 = 1 << 1;
    /// A signal ends the task whatever it does (`SIGKILL` pending).
    pub const FATAL: u32 = 1 << 2;
    /// The fake signal of the freezer: pass a freeze point.
    pub const FREEZE: u32 = 1 << 3;
    /// Its tracer lets it go on for one instruction (`TIF_SINGLESTEP`). The
    /// bit stays set until it stops; see `step.rs`.
    pub const STEP: u32 = 1 << 4;
    /// A timer of its process's CPU time may have expired.
    pub const TIME: u32 = 1 << 5;
}

/// Number of bytes of `fpsr`, `fpcr` and `q0` to `q31`.
pub const FP_STATE_SIZE: usize = 528;

/// The floating-point registers: `q0` to `q31`, then `fpsr` and `fpcr`.
#[repr(C, align(16))]
#[derive(Clone)]
pub struct FpState {
    /// `q0` to `q31`, low half first.
    pub vregs: [[u64; 2]; 32],
    /// Status register.
    pub fpsr: u32,
    /// Control register.
    pub fpcr: u32,
    reserved: u64,
}

const _: () = assert!(size_of::<FpState>() == FP_STATE_SIZE);

impl FpState {
    /// All registers zero, as a program finds them after `execve`.
    pub const fn zeroed() -> Self {
        Self { vregs: [[0; 2]; 32], fpsr: 0, fpcr: 0, reserved: 0 }
    }
}

/// What a CPU needs to run one task. Field order is known to assembly.
#[repr(C)]
pub struct Context {
    /// Bits of [`work`]; any CPU may set them, the exit path reads them.
    pub work: AtomicU32,
    /// The CPU the task runs on, or ran on last.
    pub cpu: AtomicU32,
    /// Address of the function that handles its system calls: a traced task
    /// has another one than the rest, so nobody else pays for tracing.
    pub(super) system_call: AtomicUsize,
    /// The task that embeds this context, from `Arc::as_ptr`.
    pub(super) owner: AtomicPtr<()>,
    /// Stack pointer while the task does not run. Only the CPU that
    /// switches the task in or out touches it.
    pub(super) saved_sp: UnsafeCell<usize>,
    /// Top of the kernel stack, where entries from user mode begin.
    pub(super) stack_top: usize,
    /// User thread pointer while the task does not run; as `saved_sp`.
    pub(super) user_thread_pointer: UnsafeCell<u64>,
    /// Floating-point registers while the task does not run; `None` for
    /// tasks that never see user mode. As `saved_sp`.
    pub(super) fp: UnsafeCell<Option<Box<FpState>>>,
}

// SAFETY: the atomics are shared; the cells belong to the CPU that runs or
// switches the task, of which there is at most one at a time (the scheduler
// keeps a task on one CPU: `Task::on_cpu`).
unsafe impl Sync for Context {}
// SAFETY: as above; nothing in a context is tied to one CPU.
unsafe impl Send for Context {}

// What `vectors.s` takes for granted.
const _: () = assert!(offset_of!(Context, work) == 0);
const _: () = assert!(offset_of!(Context, cpu) == 4);
const _: () = assert!(offset_of!(Context, system_call) == 8);

impl Context {
    /// Top of the kernel stack: one past its last byte.
    #[inline]
    pub fn stack_top(&self) -> usize {
        self.stack_top
    }

    /// Sets bits of [`work`].
    #[inline]
    pub fn set_work(&self, bits: u32) {
        self.work.fetch_or(bits, SeqCst);
    }

    /// Clears bits of [`work`].
    #[inline]
    pub fn clear_work(&self, bits: u32) {
        self.work.fetch_and(!bits, SeqCst);
    }
}

/// The context that runs on this CPU.
#[inline(always)]
pub fn current_context<'a>() -> &'a Context {
    let address: *const Context;
    // SAFETY: reads a register that only this module writes.
    unsafe {
        asm!("mrs {}, tpidr_el1", out(reg) address,
            options(nomem, nostack, preserves_flags));
    }
    // SAFETY: from the first instruction after early boot, TPIDR_EL1 is the
    // address of a context that its CPU keeps alive.
    unsafe { &*address }
}

/// True once this CPU runs a task; false in early boot.
#[inline]
pub fn has_current() -> bool {
    let address: usize;
    // SAFETY: as in `current_context`.
    unsafe {
        asm!("mrs {}, tpidr_el1", out(reg) address,
            options(nomem, nostack, preserves_flags));
    }
    address != 0
        // SAFETY: non-zero means a live context (see `current_context`).
        && unsafe { !(*(address as *const Context)).owner.load(Relaxed).is_null() }
}
