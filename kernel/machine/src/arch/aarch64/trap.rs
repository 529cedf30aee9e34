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
//! Nothing that EL0 does can end in a panic. Read next: `fault.rs`, then
//! `panic/exception.rs` for the exceptions of the kernel itself.

mod frame;
mod hook;

use core::arch::{asm, global_asm};
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use super::context::{current_context, work};
use super::cpu::{self, MAX_CPUS};
use super::fault::{self, Cause};
use super::{gic, irq, step};
use hook::user_hooks;

pub use super::fault::{Access, ExceptionKind, Fault, UserException};
pub use frame::{PROGRAM_FLAGS, TrapFrame};
pub(super) use hook::system_call;
pub use hook::{HOOKS, Hooks, SystemCall};

global_asm!(include_str!("vectors.s"));

/// True while a CPU handles an interrupt that came in user mode.
static INTERRUPTED_USER: [AtomicBool; MAX_CPUS] =
    [const { AtomicBool::new(false) }; MAX_CPUS];

/// True if the interrupt that this CPU handles came in user mode.
#[inline]
pub fn interrupted_user() -> bool {
    INTERRUPTED_USER[cpu::id()].load(Relaxed)
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
    let top = current_context().stack_top();
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

/// From its next system call on, the current task is or is not traced.
#[inline]
pub fn trace_system_calls(is_traced: bool) {
    let hooks = user_hooks();
    let handler = if is_traced { hooks.traced_syscall } else { hooks.syscall };
    let address = handler as *const () as usize;
    current_context().system_call.store(address, Relaxed);
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
    let flags = || current_context().work.load(Relaxed);
    if flags() & work::STEP != 0 {
        step::end();
    }
    while flags() & !work::STEP != 0 {
        irq::enable();
        (user_hooks().return_to_user)(frame);
        irq::disable();
    }
    if flags() & work::STEP != 0 {
        step::begin(frame);
    }
}

#[unsafe(no_mangle)]
extern "C" fn kernel_interrupt_taken() {
    gic::handle();
}
