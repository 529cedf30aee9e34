//! Scheduling: yield, affinity, priority, and the futex.

use core::sync::atomic::AtomicU32;

use crate::Result;
use crate::linux::{
    __NR_futex, __NR_getcpu, __NR_getpriority, __NR_sched_getaffinity,
    __NR_sched_setaffinity, __NR_sched_yield, __NR_setpriority, FUTEX_WAIT,
    FUTEX_WAKE, PRIO_PROCESS,
};
use crate::syscall::{call3, call4, plain};
use crate::time::Time;

/// Lets another task of this CPU run.
#[inline(always)]
pub fn give_way() {
    // It cannot fail.
    let _ = plain(__NR_sched_yield, []);
}

/// The CPU this task runs on.
pub fn current_cpu() -> Result<usize> {
    let mut cpu = 0u32;
    let place = &raw mut cpu as usize;
    // SAFETY: the kernel writes one word to `cpu`.
    unsafe { call3(__NR_getcpu, place, 0, 0) }?;
    Ok(cpu as usize)
}

/// Allows a task (0: this one) the CPUs whose bits are set.
///
/// # Errors
/// Those of `sched_setaffinity(2)`.
pub fn set_affinity(pid: i32, mask: u64) -> Result<()> {
    let place = &raw const mask as usize;
    let number = __NR_sched_setaffinity;
    // SAFETY: the kernel reads eight bytes of `mask`.
    unsafe { call3(number, pid as usize, size_of::<u64>(), place) }.map(drop)
}

/// The CPUs a task (0: this one) may use, by their bits; the first 1024 of a
/// machine are asked for and the first 64 given.
///
/// # Errors
/// Those of `sched_getaffinity(2)`.
pub fn affinity(pid: i32) -> Result<u64> {
    let mut mask = [0u64; 16];
    let place = mask.as_mut_ptr() as usize;
    let number = __NR_sched_getaffinity;
    // SAFETY: the kernel writes within `mask`.
    unsafe { call3(number, pid as usize, size_of_val(&mask), place) }?;
    Ok(mask[0])
}

/// Sets a process's nice value, -20 (first) to 19 (last).
///
/// # Errors
/// Those of `setpriority(2)`.
pub fn set_nice(pid: i32, nice: i32) -> Result<()> {
    let arguments = [PRIO_PROCESS as usize, pid as usize, nice as usize];
    plain(__NR_setpriority, arguments).map(drop)
}

/// A process's nice value. The system call gives 20 less it.
///
/// # Errors
/// Those of `getpriority(2)`.
pub fn nice(pid: i32) -> Result<i32> {
    plain(__NR_getpriority, [PRIO_PROCESS as usize, pid as usize])
        .map(|value| 20 - value as i32)
}

/// Sleeps while the word holds `expected`, at most for `timeout`.
///
/// # Errors
/// `EAGAIN` if it holds something else, `ETIMEDOUT`, `EINTR`.
pub fn futex_wait(
    word: &AtomicU32,
    expected: u32,
    timeout: Option<Time>,
) -> Result<()> {
    let address = word.as_ptr() as usize;
    let timeout = timeout.as_ref().map_or(0, |time| &raw const *time as usize);
    let operation = FUTEX_WAIT as usize;
    // SAFETY: the kernel reads the word and the time, both borrowed.
    unsafe { call4(__NR_futex, address, operation, expected as usize, timeout) }
        .map(drop)
}

/// Wakes at most `count` sleepers of the word; gives how many.
///
/// # Errors
/// Those of `futex(2)`.
pub fn futex_wake(word: &AtomicU32, count: u32) -> Result<usize> {
    let address = word.as_ptr() as usize;
    let operation = FUTEX_WAKE as usize;
    // SAFETY: the kernel uses the address as a name only.
    unsafe { call3(__NR_futex, address, operation, count as usize) }
}

/// How many CPUs this process may use.
pub fn usable_cpus() -> usize {
    affinity(0).map_or(1, |mask| mask.count_ones() as usize)
}
