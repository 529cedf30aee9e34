//! Registers, memory, system calls and single steps of a traced process.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use user_lib::linux::{__NR_getppid, SIGCONT, SIGTRAP, SIGUSR1};
use user_lib::ptrace::{
    self, CONT, NT_ARM_SYSTEM_CALL, NT_ARM_TLS, NT_PRFPREG, O_TRACESYSGOOD,
    POKEDATA, SINGLESTEP, SYSCALL, SYSCALL_INFO_ENTRY, SYSCALL_INFO_EXIT,
    SYSCALL_INFO_NONE,
};
use user_lib::signal::bit;
use user_lib::{Errno, process, signal};

use super::{counter, go_on, next_stop, seize, sleeper};
use crate::freezer::{wait_for, words};
use crate::tool::{Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    memory_of_another_process_is_read_and_written
    memory_is_copied_between_processes
    code_is_written_though_it_is_read_only
    registers_are_read_and_written
    flags_that_no_program_may_have_are_refused
    a_tracer_reads_and_sets_the_mask
    system_calls_stop_before_and_after
    a_tracer_changes_a_system_call
    a_step_is_one_instruction
}

static SECRET: AtomicU64 = AtomicU64::new(1);

fn address_of<T>(place: &T) -> usize {
    core::ptr::from_ref(place) as usize
}

fn memory_of_another_process_is_read_and_written() -> Outcome {
    let [seen] = words()?;
    SECRET.store(1234, Ordering::Release);
    let child = Child::start(|| {
        loop {
            let now = SECRET.load(Ordering::Acquire) as u32;
            seen.store(now, Ordering::Release);
        }
    })?;
    wait_for(seen, 1234);
    let (pid, place) = (child.id(), address_of(&SECRET));
    seize(pid, 0)?;
    ensure_eq!(ptrace::peek(pid, place), Ok(1234));
    ptrace::request(POKEDATA, pid, place, 5678)?;
    ensure_eq!(ptrace::peek(pid, place), Ok(5678));
    ensure_eq!(SECRET.load(Ordering::Acquire), 1234);
    ensure_eq!(ptrace::peek(pid, 8), Err(Errno::EIO));
    ensure_eq!(ptrace::peek(pid, usize::MAX - 3), Err(Errno::EIO));
    let poked = ptrace::request(POKEDATA, pid, 1 << 60, 1);
    ensure_eq!(poked, Err(Errno::EIO));
    go_on(pid, CONT, 0)?;
    wait_for(seen, 5678);
    Ok(())
}

fn memory_is_copied_between_processes() -> Outcome {
    let (child, _) = counter()?;
    let (pid, place) = (child.id(), address_of(&SECRET));
    let mut bytes = [0; 8];
    ensure_eq!(ptrace::write_memory(pid, place, &[9; 8]), Ok(8));
    ensure_eq!(ptrace::read_memory(pid, place, &mut bytes), Ok(8));
    ensure_eq!(bytes, [9; 8]);
    ensure_eq!(SECRET.load(Ordering::Acquire), 1);
    let nowhere = ptrace::read_memory(pid, 8, &mut bytes);
    ensure_eq!(nowhere, Err(Errno::EFAULT));
    // Code may be read, not written.
    let code = memory_is_copied_between_processes as *const () as usize;
    ensure_eq!(ptrace::read_memory(pid, code, &mut bytes), Ok(8));
    let written = ptrace::write_memory(pid, code, &bytes);
    ensure_eq!(written, Err(Errno::EFAULT));
    Ok(())
}

/// A breakpoint, as a debugger sets it.
fn code_is_written_though_it_is_read_only() -> Outcome {
    const BREAKPOINT: u64 = 0xd420_0000;
    let (child, count) = counter()?;
    let pid = child.id();
    seize(pid, 0)?;
    let at = ptrace::registers(pid)?.pc as usize;
    let code = ptrace::peek(pid, at)?;
    let broken = code & !0xffff_ffff | BREAKPOINT;
    ptrace::request(POKEDATA, pid, at, broken as usize)?;
    go_on(pid, CONT, 0)?;
    ensure_eq!(next_stop(pid)?, SIGTRAP);
    ensure_eq!(ptrace::registers(pid)?.pc as usize, at);
    ptrace::request(POKEDATA, pid, at, code as usize)?;
    let before = count.load(Ordering::Acquire);
    go_on(pid, CONT, 0)?;
    wait_for(count, before.wrapping_add(1));
    Ok(())
}

fn registers_are_read_and_written() -> Outcome {
    let child = sleeper()?;
    let pid = child.id();
    seize(pid, 0)?;
    let mut registers = ptrace::registers(pid)?;
    registers.x[20] = 0x1234_5678_9abc_def0;
    ptrace::set_registers(pid, &registers)?;
    ensure_eq!(ptrace::registers(pid)?, registers);
    let mut floats = [0; 528];
    ensure_eq!(ptrace::read_set(pid, NT_PRFPREG, &mut floats), Ok(528));
    floats[16] = 7;
    ensure_eq!(ptrace::write_set(pid, NT_PRFPREG, &floats), Ok(528));
    let mut again = [0; 600];
    ensure_eq!(ptrace::read_set(pid, NT_PRFPREG, &mut again), Ok(528));
    ensure_eq!(again[..528], floats[..]);
    let mut pointer = [0; 8];
    ensure_eq!(ptrace::read_set(pid, NT_ARM_TLS, &mut pointer), Ok(8));
    ensure_eq!(ptrace::read_set(pid, 0x777, &mut again), Err(Errno::EINVAL));
    let odd = ptrace::read_set(pid, NT_ARM_TLS, &mut again[..7]);
    ensure_eq!(odd, Err(Errno::EINVAL));
    Ok(())
}

fn flags_that_no_program_may_have_are_refused() -> Outcome {
    let (child, count) = counter()?;
    let pid = child.id();
    seize(pid, 0)?;
    let good = ptrace::registers(pid)?;
    // Kernel mode, masked interrupts, 32-bit mode.
    for bad in [0x5, 0x4, 0x3c0, 0x80, 0x10] {
        let bad = ptrace::Registers { pstate: bad, ..good };
        let set = ptrace::set_registers(pid, &bad);
        ensure_eq!(set, Err(Errno::EINVAL));
    }
    ensure_eq!(ptrace::registers(pid)?, good);
    let before = count.load(Ordering::Acquire);
    go_on(pid, CONT, 0)?;
    wait_for(count, before.wrapping_add(1));
    Ok(())
}

fn a_tracer_reads_and_sets_the_mask() -> Outcome {
    let child = sleeper()?;
    let pid = child.id();
    seize(pid, 0)?;
    ensure_eq!(ptrace::mask(pid), Ok(0));
    ptrace::set_mask(pid, u64::MAX)?;
    let mask = ptrace::mask(pid)?;
    ensure!(mask & bit(SIGUSR1) != 0 && mask & bit(SIGCONT) != 0);
    // SIGKILL and SIGSTOP cannot be blocked.
    ensure_eq!(mask.count_ones(), 62);
    Ok(())
}

/// A child that asks for its parent all the time; the answer.
fn asker(answer: &'static AtomicU32) -> user_lib::Result<Child> {
    let child = Child::start(|| {
        loop {
            answer.store(process::parent_id() as u32, Ordering::Release);
        }
    })?;
    wait_for(answer, 1);
    Ok(child)
}

/// Takes a stopped process to the begin of a system call.
fn to_entry(pid: i32) -> Outcome {
    loop {
        go_on(pid, SYSCALL, 0)?;
        ensure_eq!(next_stop(pid)?, SIGTRAP | 0x80);
        if ptrace::system_call(pid)?.0 == SYSCALL_INFO_ENTRY {
            return Ok(());
        }
    }
}

fn system_calls_stop_before_and_after() -> Outcome {
    let [answer] = words()?;
    let child = asker(answer)?;
    let pid = child.id();
    seize(pid, O_TRACESYSGOOD)?;
    ensure_eq!(ptrace::system_call(pid)?.0, SYSCALL_INFO_NONE);
    for _ in 0..10 {
        to_entry(pid)?;
        let (kind, values) = ptrace::system_call(pid)?;
        ensure_eq!(kind, SYSCALL_INFO_ENTRY);
        ensure_eq!(values[0], u64::from(__NR_getppid));
        ensure_eq!(ptrace::registers(pid)?.x[8], u64::from(__NR_getppid));
        go_on(pid, SYSCALL, 0)?;
        ensure_eq!(next_stop(pid)?, SIGTRAP | 0x80);
        let (kind, values) = ptrace::system_call(pid)?;
        let own = process::current_id() as u64;
        ensure_eq!((kind, values[0]), (SYSCALL_INFO_EXIT, own));
        ensure_eq!(ptrace::registers(pid)?.x[0], own);
    }
    Ok(())
}

fn a_tracer_changes_a_system_call() -> Outcome {
    let [answer] = words()?;
    let child = asker(answer)?;
    let pid = child.id();
    seize(pid, O_TRACESYSGOOD)?;
    to_entry(pid)?;
    // No call at all, with this result.
    let none = (-1_i32).to_le_bytes();
    ensure_eq!(ptrace::write_set(pid, NT_ARM_SYSTEM_CALL, &none), Ok(4));
    let mut registers = ptrace::registers(pid)?;
    registers.x[0] = 4321;
    ptrace::set_registers(pid, &registers)?;
    go_on(pid, SYSCALL, 0)?;
    ensure_eq!(next_stop(pid)?, SIGTRAP | 0x80);
    ensure_eq!(ptrace::system_call(pid)?.1[0], 4321);
    to_entry(pid)?;
    ensure_eq!(answer.load(Ordering::Acquire), 4321);
    Ok(())
}

fn a_step_is_one_instruction() -> Outcome {
    let (child, count) = counter()?;
    let pid = child.id();
    seize(pid, 0)?;
    let start = count.load(Ordering::Acquire);
    let mut before = ptrace::registers(pid)?.pc;
    for _ in 0..200 {
        go_on(pid, SINGLESTEP, 0)?;
        ensure_eq!(next_stop(pid)?, SIGTRAP);
        let now = ptrace::registers(pid)?.pc;
        // Straight on, or a jump of the loop.
        ensure!(now == before + 4 || now.abs_diff(before) < 4096);
        ensure!(now != before);
        before = now;
    }
    let counted = count.load(Ordering::Acquire).wrapping_sub(start);
    ensure!((1..200).contains(&counted));
    // A signal meanwhile is a stop of its own.
    signal::send(pid, SIGUSR1)?;
    go_on(pid, SINGLESTEP, 0)?;
    ensure_eq!(next_stop(pid)?, SIGUSR1);
    go_on(pid, CONT, 0)?;
    let before = count.load(Ordering::Acquire);
    wait_for(count, before.wrapping_add(1));
    Ok(())
}
