//! Exceptions: what happens after `vectors.s` has saved the registers.
//!
//! | from | what | goes to |
//! |---|---|---|
//! | EL0 | `svc` | [`Hooks::syscall`], or that of traced tasks, interrupts on |
//! | EL0 | memory fault | [`Hooks::user_fault`], interrupts on |
//! | EL0 | anything else synchronous, `SError` | [`Hooks::user_exception`] |
//! | EL0, EL1 | interrupt | `gic::handle`, interrupts masked |
//! | EL1 | fault inside a user copy | [`Hooks::kernel_fault`], or fix-up |
//! | EL1 | anything else | kernel panic |
//!
//! Every way back to EL0 ends in `user_exit` (vectors.s), which has
//! [`Hooks::return_to_user`] called until no work flag is set, and looks at
//! the flags for the last time with interrupts masked, so that no wake-up is
//! missed between look and `eret`.
//!
//! Nothing that EL0 does can end in a panic. Read next: `fault.rs`.

use core::arch::{asm, global_asm};
use core::mem::offset_of;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use super::cpu::{self, MAX_CPUS};
use super::fault::{self, Cause};
use super::{fixup, gic, irq, step, thread};
use crate::sync::Hook;

pub use super::fault::{
    Access, ExceptionKind, Fault, LastWords, UserException, set_last_words,
};

global_asm!(include_str!("vectors.s"));

/// The registers of user mode while its task is in the kernel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrapFrame {
    /// `x0` to `x30`.
    pub x: [u64; 31],
    /// Stack pointer.
    pub sp: u64,
    /// Where user mode goes on (`elr_el1`).
    pub pc: u64,
    /// Flags and mode (`spsr_el1`).
    pub pstate: u64,
}

// What `vectors.s` takes for granted.
const _: () = assert!(size_of::<TrapFrame>() == 272);
const _: () = assert!(offset_of!(TrapFrame, x) == 0);
const _: () = assert!(offset_of!(TrapFrame, sp) == 248);
const _: () = assert!(offset_of!(TrapFrame, pc) == 256);
const _: () = assert!(offset_of!(TrapFrame, pstate) == 264);
const _: () = assert!(offset_of!(thread::Context, work) == 0);
const _: () = assert!(offset_of!(thread::Context, cpu) == 4);
const _: () = assert!(offset_of!(thread::Context, system_call) == 8);

/// What handles system calls; `vectors.s` calls it.
pub type SystemCall = extern "C" fn(&mut TrapFrame);

/// What the layers above do with exceptions. Set once, at boot.
pub struct Hooks {
    /// A system call. Interrupts on.
    pub syscall: SystemCall,
    /// A system call of a traced task. Interrupts on.
    pub traced_syscall: SystemCall,
    /// User mode touched memory it may not. Interrupts on.
    pub user_fault: fn(&mut TrapFrame, &Fault),
    /// User mode did something else it may not. Interrupts on.
    pub user_exception: fn(&mut TrapFrame, UserException),
    /// A user copy faulted on a user address: true if the address is mapped
    /// now, false for `EFAULT`. Interrupts as they were.
    pub kernel_fault: fn(&Fault) -> bool,
    /// Work flags are set; called until none is. Interrupts on.
    pub return_to_user: fn(&mut TrapFrame),
    /// An interrupt came in the kernel and was handled. Interrupts masked.
    pub after_interrupt: fn(),
}

/// True while a CPU handles an interrupt that came in user mode.
static INTERRUPTED_USER: [AtomicBool; MAX_CPUS] =
    [const { AtomicBool::new(false) }; MAX_CPUS];

/// True if the interrupt that this CPU handles came in user mode.
pub fn interrupted_user() -> bool {
    INTERRUPTED_USER[cpu::id()].load(Relaxed)
}

/// The functions that handle exceptions. Before they are plugged in there is no
/// user mode, and interrupts need none of them.
pub static HOOKS: Hook<Hooks> = Hook::new();

/// The hooks, on a path that only user mode can take.
#[inline(always)]
fn user_hooks() -> &'static Hooks {
    // SAFETY: user mode runs only after the boot CPU has plugged them in, and
    // the CPU that entered user mode has seen that.
    unsafe { HOOKS.get_plugged() }
}

/// The registers here and now.
#[inline(always)]
pub fn registers() -> TrapFrame {
    unsafe extern "C" {
        fn capture_registers(frame: *mut TrapFrame);
    }
    let mut frame = TrapFrame::default();
    // SAFETY: there is room for a frame; nothing else is written.
    unsafe { capture_registers(&mut frame) };
    frame
}

/// Points this CPU at `vectors.s`.
pub(super) fn init_cpu() {
    unsafe extern "C" {
        static exception_vectors: u8;
    }
    let vectors = &raw const exception_vectors;
    // SAFETY: the table is aligned and complete. Asynchronous aborts are
    // unmasked: a bus error must not wait for user mode to be blamed.
    unsafe { asm!("msr vbar_el1, {}", "isb", in(reg) vectors) };
    // SAFETY: as above.
    unsafe { asm!("msr daifclr, #4") };
}

/// Leaves the kernel for user mode with the registers in `first`. For tasks
/// that have never been there.
pub fn enter_user(first: &TrapFrame) -> ! {
    unsafe extern "C" {
        fn load_user_frame(frame: *const TrapFrame) -> !;
    }
    let top = thread::current_context().stack_top();
    let place = (top - size_of::<TrapFrame>()) as *mut TrapFrame;
    // SAFETY: the place is reserved at the top of the current stack; the
    // task was never in user mode, so nothing refers to it.
    unsafe { place.write(*first) };
    // SAFETY: as above: written, and nobody else's.
    let frame = unsafe { &mut *place };
    irq::disable();
    user_work(frame);
    // SAFETY: `frame` is the place that `return_to_user` expects, and
    // everything below it is dead.
    unsafe { load_user_frame(frame) }
}

/// What handles the system calls of a new task; 0 before there are hooks,
/// for tasks that make none.
pub(super) fn system_call() -> usize {
    HOOKS.get().map_or(0, |hooks| hooks.syscall as *const () as usize)
}

/// From its next system call on, the current task is or is not traced.
pub fn trace_system_calls(is_traced: bool) {
    let hooks = user_hooks();
    let handler = if is_traced { hooks.traced_syscall } else { hooks.syscall };
    let address = handler as *const () as usize;
    thread::current_context().system_call.store(address, Relaxed);
}

/// Anything else that EL0 did.
#[unsafe(no_mangle)]
extern "C" fn user_exception(frame: &mut TrapFrame, syndrome: u64) {
    // The address is gone with the next exception: read it now.
    let cause = fault::cause(syndrome, fault::address());
    irq::enable();
    match cause {
        Cause::Memory(fault) => (user_hooks().user_fault)(frame, &fault),
        Cause::Other(exception) => {
            (user_hooks().user_exception)(frame, exception);
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn user_interrupt() {
    let is_user = &INTERRUPTED_USER[cpu::id()];
    is_user.store(true, Relaxed);
    gic::handle();
    is_user.store(false, Relaxed);
}

/// Work flags are set on the way to user mode; interrupts are masked, and
/// are again when none is set any more.
#[unsafe(no_mangle)]
extern "C" fn user_work(frame: &mut TrapFrame) {
    let work = || thread::current_context().work.load(Relaxed);
    if work() & thread::work::STEP != 0 {
        step::end();
    }
    while work() & !thread::work::STEP != 0 {
        irq::enable();
        (user_hooks().return_to_user)(frame);
        irq::disable();
    }
    if work() & thread::work::STEP != 0 {
        step::begin(frame);
    }
}

#[unsafe(no_mangle)]
extern "C" fn kernel_interrupt_taken() {
    gic::handle();
    if let Some(hooks) = HOOKS.get() {
        (hooks.after_interrupt)();
    }
}

/// An exception in the kernel: a fault in a user copy, or a bug.
#[unsafe(no_mangle)]
extern "C" fn kernel_exception_taken(frame: &mut TrapFrame) {
    let syndrome = fault::syndrome();
    let address = fault::address();
    let memory = match fault::cause(syndrome, address) {
        Cause::Memory(memory) => memory,
        Cause::Other(exception) => fault::end(frame, exception),
    };
    let fixup = fixup::find(frame.pc as usize);
    let is_user = address >> 55 & 1 == 0;
    let (Some(fixup), true, true) =
        (fixup, is_user, memory.access != Access::Execute)
    else {
        fault::panic("memory fault", frame, syndrome, address);
    };
    if frame.pstate & 1 << 7 == 0 {
        irq::enable();
    }
    let is_mapped = HOOKS.get().is_some_and(|h| (h.kernel_fault)(&memory));
    irq::disable();
    if !is_mapped {
        frame.pc = fixup as u64;
    }
}

#[unsafe(no_mangle)]
extern "C" fn stack_overflowed(frame: &mut TrapFrame) -> ! {
    let (syndrome, address) = (fault::syndrome(), fault::address());
    fault::panic("kernel stack overflow", frame, syndrome, address)
}

#[unsafe(no_mangle)]
extern "C" fn unexpected_exception(frame: &mut TrapFrame, vector: u64) -> ! {
    const NAMES: [&str; 4] = ["exception", "IRQ", "FIQ", "SError"];
    let (syndrome, address) = (fault::syndrome(), fault::address());
    let name = NAMES[vector as usize % 4];
    fault::panic(name, frame, syndrome, address)
}
