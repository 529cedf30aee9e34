//! Signals: handlers, masks, restarting, stacks.

use core::ffi::c_void;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use user_lib::floating::{self, Meanwhile};
use user_lib::linux::{
    SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SIG_BLOCK, SIG_UNBLOCK,
    SIGCHLD, SIGILL, SIGKILL, SIGSEGV, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2,
    SIGWINCH,
};
use user_lib::signal::{self, Action, Details, bit};
use user_lib::time::Time;
use user_lib::{Errno, file, memory, process, time};

use crate::tool::{Outcome, ensure, ensure_eq, in_child, tests};
use user_lib::child::{Child, signal_again_and_again};

tests! {
    a_handler_runs_and_the_program_goes_on
    a_blocked_signal_waits
    a_handler_blocks_its_own_signal
    nodefer_lets_a_handler_nest
    a_mask_of_a_handler_holds_while_it_runs
    resethand_handles_once
    restart_makes_an_interrupted_read_again
    without_restart_a_read_is_interrupted
    an_ignored_signal_interrupts_nothing
    kill_and_stop_cannot_be_handled
    a_handler_sees_who_sent_it
    a_fault_reaches_its_handler_with_the_address
    a_blocked_fault_kills
    an_alternate_stack_is_used
    a_child_inherits_handlers_and_mask
    suspend_waits_with_another_mask
    timed_wait_takes_a_signal_or_times_out
    an_ended_child_sends_sigchld
    registers_survive_handlers
    an_undefined_instruction_is_sigill
    pending_signals_are_not_inherited
    lower_numbers_come_first
}

static COUNT: AtomicU32 = AtomicU32::new(0);
static DEEPEST: AtomicU32 = AtomicU32::new(0);
static SEEN: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: i32) {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

fn counted() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// Sends a signal to this process.
fn raise(number: u32) -> user_lib::Result<()> {
    signal::send(process::current_id(), number)
}

fn a_handler_runs_and_the_program_goes_on() -> Outcome {
    signal::handle(SIGUSR1, count)?;
    for round in 1..=100 {
        raise(SIGUSR1)?;
        ensure_eq!(counted(), round);
    }
    Ok(())
}

fn a_blocked_signal_waits() -> Outcome {
    signal::handle(SIGUSR1, count)?;
    ensure_eq!(signal::change_mask(SIG_BLOCK, bit(SIGUSR1))?, 0);
    raise(SIGUSR1)?;
    raise(SIGUSR1)?;
    ensure_eq!(counted(), 0);
    ensure_eq!(signal::pending()?, bit(SIGUSR1));
    let old = signal::change_mask(SIG_UNBLOCK, bit(SIGUSR1))?;
    ensure_eq!(old, bit(SIGUSR1));
    ensure_eq!(counted(), 1);
    ensure_eq!(signal::pending()?, 0);
    ensure_eq!(signal::change_mask(7, 0), Err(Errno::EINVAL));
    Ok(())
}

/// Notes how deep handlers nest: each raises its own signal once.
extern "C" fn nest(number: i32) {
    let depth = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    DEEPEST.fetch_max(depth, Ordering::Relaxed);
    if SEEN.fetch_add(1, Ordering::Relaxed) < 2 {
        // The sender is this process, so it exists.
        let _ = raise(number as u32);
    }
    COUNT.fetch_sub(1, Ordering::Relaxed);
}

fn a_handler_blocks_its_own_signal() -> Outcome {
    signal::set_action(SIGUSR1, Action::Handle(nest), 0, 0)?;
    raise(SIGUSR1)?;
    ensure_eq!(SEEN.load(Ordering::Relaxed), 3);
    ensure_eq!(DEEPEST.load(Ordering::Relaxed), 1);
    Ok(())
}

fn nodefer_lets_a_handler_nest() -> Outcome {
    signal::set_action(SIGUSR1, Action::Handle(nest), SA_NODEFER, 0)?;
    raise(SIGUSR1)?;
    ensure_eq!(SEEN.load(Ordering::Relaxed), 3);
    ensure_eq!(DEEPEST.load(Ordering::Relaxed), 3);
    Ok(())
}

extern "C" fn look_at_mask(_: i32) {
    // Blocking nothing more only reads.
    let mask = signal::change_mask(SIG_BLOCK, 0).unwrap_or(0);
    SEEN.store(mask, Ordering::Relaxed);
}

fn a_mask_of_a_handler_holds_while_it_runs() -> Outcome {
    let handler = Action::Handle(look_at_mask);
    signal::set_action(SIGUSR1, handler, 0, bit(SIGTERM) | bit(SIGKILL))?;
    raise(SIGUSR1)?;
    let expected = bit(SIGUSR1) | bit(SIGTERM);
    ensure_eq!(SEEN.load(Ordering::Relaxed), expected);
    ensure_eq!(signal::change_mask(SIG_BLOCK, 0)?, 0);
    Ok(())
}

fn resethand_handles_once() -> Outcome {
    signal::set_action(SIGWINCH, Action::Handle(count), SA_RESETHAND, 0)?;
    raise(SIGWINCH)?;
    raise(SIGWINCH)?;
    ensure_eq!(counted(), 1);
    ensure_eq!(signal::disposition(SIGWINCH)?.handler, 0);
    Ok(())
}

/// Reads from a pipe that gets a byte after some signals; gives what `read` says.
fn interrupted_read(flags: u32) -> user_lib::Result<user_lib::Result<usize>> {
    signal::set_action(SIGUSR1, Action::Handle(count), flags, 0)?;
    let [from, to] = file::pipe(0)?;
    let parent = process::current_id();
    let signals = signal_again_and_again(parent)?;
    let writer = Child::start(|| {
        time::sleep(Time::from_millis(1000));
        i32::from(file::write(to, b"x").is_err())
    })?;
    let result = file::read(from, &mut [0]);
    drop(signals);
    drop(writer);
    Ok(result)
}

fn restart_makes_an_interrupted_read_again() -> Outcome {
    ensure_eq!(interrupted_read(SA_RESTART)?, Ok(1));
    ensure!(counted() > 0);
    Ok(())
}

fn without_restart_a_read_is_interrupted() -> Outcome {
    ensure_eq!(interrupted_read(0)?, Err(Errno::EINTR));
    ensure!(counted() > 0);
    Ok(())
}

fn an_ignored_signal_interrupts_nothing() -> Outcome {
    let parent = process::current_id();
    for action in [Action::Ignore, Action::Default] {
        signal::set_action(SIGWINCH, action, 0, 0)?;
        let child = Child::start(|| {
            time::sleep(Time::from_millis(10));
            i32::from(signal::send(parent, SIGWINCH).is_err())
        })?;
        let slept = time::try_sleep(Time::from_millis(40));
        ensure_eq!(slept, Ok(()));
        child.wait()?;
    }
    Ok(())
}

fn kill_and_stop_cannot_be_handled() -> Outcome {
    for number in [SIGKILL, SIGSTOP] {
        let handled = signal::handle(number, count);
        ensure_eq!(handled, Err(Errno::EINVAL));
        signal::change_mask(SIG_BLOCK, bit(number))?;
        ensure_eq!(signal::change_mask(SIG_BLOCK, 0)?, 0);
    }
    ensure_eq!(signal::handle(65, count), Err(Errno::EINVAL));
    ensure_eq!(signal::handle(0, count), Err(Errno::EINVAL));
    Ok(())
}

extern "C" fn note_details(number: i32, details: &Details, _: *const c_void) {
    let is_same = number == details.signal;
    COUNT.store(u32::from(is_same), Ordering::Relaxed);
    DEEPEST.store(details.code as u32, Ordering::Relaxed);
    SEEN.store(details.word, Ordering::Relaxed);
}

fn a_handler_sees_who_sent_it() -> Outcome {
    const SI_USER: u32 = 0;
    let handler = Action::HandleDetailed(note_details);
    signal::set_action(SIGUSR1, handler, 0, 0)?;
    raise(SIGUSR1)?;
    ensure_eq!(counted(), 1);
    ensure_eq!(DEEPEST.load(Ordering::Relaxed), SI_USER);
    let sender = SEEN.load(Ordering::Relaxed) as u32;
    ensure_eq!(sender, process::current_id() as u32);
    Ok(())
}

/// Notes the details of a fault and ends the process with what they say.
extern "C" fn judge_fault(_: i32, details: &Details, _: *const c_void) {
    const SEGV_MAPERR: i32 = 1;
    let is_right = details.code == SEGV_MAPERR && details.word == 0x1238;
    process::exit(if is_right { 55 } else { 1 })
}

fn a_fault_reaches_its_handler_with_the_address() -> Outcome {
    let status = in_child(|| {
        let handler = Action::HandleDetailed(judge_fault);
        signal::set_action(SIGSEGV, handler, 0, 0)?;
        memory::read_byte(0x1238);
        Ok(2)
    })?;
    ensure_eq!(status.exit_code(), Some(55));
    Ok(())
}

fn a_blocked_fault_kills() -> Outcome {
    let status = in_child(|| {
        signal::handle(SIGSEGV, count)?;
        signal::change_mask(SIG_BLOCK, bit(SIGSEGV))?;
        memory::read_byte(8);
        Ok(2)
    })?;
    ensure_eq!(status.killed_by(), Some(SIGSEGV));
    Ok(())
}

static STACK: AtomicU64 = AtomicU64::new(0);

extern "C" fn note_stack(_: i32) {
    let here = 0u8;
    STACK.store(&raw const here as u64, Ordering::Relaxed);
}

fn an_alternate_stack_is_used() -> Outcome {
    let stack = alloc::vec![0u8; 16 * 1024].leak();
    let range = stack.as_ptr_range();
    signal::set_alternate_stack(stack)?;
    let within = || {
        let at = STACK.load(Ordering::Relaxed) as usize;
        (range.start as usize..range.end as usize).contains(&at)
    };
    signal::set_action(SIGUSR1, Action::Handle(note_stack), SA_ONSTACK, 0)?;
    raise(SIGUSR1)?;
    ensure!(within());
    signal::set_action(SIGUSR2, Action::Handle(note_stack), 0, 0)?;
    raise(SIGUSR2)?;
    ensure!(!within());
    Ok(())
}

fn a_child_inherits_handlers_and_mask() -> Outcome {
    signal::handle(SIGUSR1, count)?;
    signal::change_mask(SIG_BLOCK, bit(SIGUSR2))?;
    let status = in_child(|| {
        raise(SIGUSR1)?;
        ensure_eq!(counted(), 1);
        ensure_eq!(signal::change_mask(SIG_BLOCK, 0)?, bit(SIGUSR2));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(counted(), 0);
    Ok(())
}

fn suspend_waits_with_another_mask() -> Outcome {
    signal::handle(SIGUSR1, count)?;
    signal::change_mask(SIG_BLOCK, bit(SIGUSR1) | bit(SIGUSR2))?;
    raise(SIGUSR1)?;
    signal::suspend(bit(SIGUSR2));
    ensure_eq!(counted(), 1);
    let mask = signal::change_mask(SIG_BLOCK, 0)?;
    ensure_eq!(mask, bit(SIGUSR1) | bit(SIGUSR2));
    Ok(())
}

fn timed_wait_takes_a_signal_or_times_out() -> Outcome {
    let set = bit(SIGUSR1) | bit(SIGUSR2);
    signal::change_mask(SIG_BLOCK, set)?;
    let soon = Some(Time::from_millis(5));
    ensure_eq!(signal::wait(set, soon), Err(Errno::EAGAIN));
    raise(SIGUSR2)?;
    ensure_eq!(signal::wait(set, soon), Ok(SIGUSR2));
    ensure_eq!(signal::pending()?, 0);
    Ok(())
}

fn an_ended_child_sends_sigchld() -> Outcome {
    signal::set_action(SIGCHLD, Action::Handle(count), 0, 0)?;
    let child = Child::start(|| 0)?;
    while counted() == 0 {
        time::sleep(Time::from_millis(1));
    }
    child.wait()?;
    ensure_eq!(counted(), 1);
    Ok(())
}

/// Uses the vector registers that the program it interrupts uses too.
extern "C" fn disturb(_: i32) {
    floating::hold(0xdead_0000, 1, Meanwhile::Spin);
    COUNT.fetch_add(1, Ordering::Relaxed);
}

fn registers_survive_handlers() -> Outcome {
    signal::handle(SIGUSR1, disturb)?;
    let parent = process::current_id();
    let _child = Child::start(|| {
        loop {
            let _ = signal::send(parent, SIGUSR1);
            time::sleep(Time::from_nanos(100_000));
        }
    })?;
    while counted() < 50 {
        let changed = floating::hold(0x1234_5678, 20_000, Meanwhile::Spin);
        ensure_eq!(changed, 0);
    }
    Ok(())
}

fn an_undefined_instruction_is_sigill() -> Outcome {
    let status = in_child(|| {
        user_lib::cpu::undefined_instruction();
        Ok(0)
    })?;
    ensure_eq!(status.killed_by(), Some(SIGILL));
    Ok(())
}

fn pending_signals_are_not_inherited() -> Outcome {
    signal::change_mask(SIG_BLOCK, bit(SIGUSR1))?;
    raise(SIGUSR1)?;
    let status = in_child(|| {
        ensure_eq!(signal::pending()?, 0);
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(signal::pending()?, bit(SIGUSR1));
    Ok(())
}

/// Notes the order in which handlers start, four bits each.
extern "C" fn note_order(number: i32) {
    let before = SEEN.load(Ordering::Relaxed);
    SEEN.store(before << 8 | number as u64, Ordering::Relaxed);
}

/// The handler of the higher number starts last in the queue, but on top of
/// the other's frame, so it is noted first.
fn lower_numbers_come_first() -> Outcome {
    let set = bit(SIGUSR1) | bit(SIGUSR2);
    for number in [SIGUSR1, SIGUSR2] {
        signal::set_action(number, Action::Handle(note_order), 0, 0)?;
    }
    signal::change_mask(SIG_BLOCK, set)?;
    raise(SIGUSR2)?;
    raise(SIGUSR1)?;
    signal::change_mask(SIG_UNBLOCK, set)?;
    let expected = u64::from(SIGUSR2) << 8 | u64::from(SIGUSR1);
    ensure_eq!(SEEN.load(Ordering::Relaxed), expected);
    Ok(())
}
