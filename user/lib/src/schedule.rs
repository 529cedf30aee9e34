//! Scheduling: yield, affinity, priority, and the futex.

use core::sync::atomic::AtomicU32;

use crate::Result;
use crate::linux::{
    __NR_futex, __NR_getcpu, __NR_getpriority, __NR_sched_getaffinity,
    __NR_sched_getattr, __NR_sched_getparam, __NR_sched_getscheduler,
    __NR_sched_setaffinity, __NR_sched_setattr, __NR_sched_setscheduler,
    __NR_sched_yield, __NR_setpriority, FUTEX_WAIT, FUTEX_WAKE, PRIO_PROCESS,
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

/// `SCHED_OTHER`.
pub const OTHER: u32 = 0;
/// `SCHED_FIFO`.
pub const FIFO: u32 = 1;
/// `SCHED_RR`.
pub const ROUND_ROBIN: u32 = 2;
/// `SCHED_BATCH`.
pub const BATCH: u32 = 3;
/// `SCHED_IDLE`.
pub const IDLE: u32 = 5;
/// `SCHED_RESET_ON_FORK`, with one of the others.
pub const RESET_ON_FORK: u32 = 0x4000_0000;

/// Sets a task's (0: this one's) policy and real-time priority.
///
/// # Errors
/// Those of `sched_setscheduler(2)`.
pub fn set_policy(pid: i32, policy: u32, priority: i32) -> Result<()> {
    let place = &raw const priority as usize;
    let number = __NR_sched_setscheduler;
    // SAFETY: the kernel reads one word, `priority`.
    unsafe { call3(number, pid as usize, policy as usize, place) }.map(drop)
}

/// A task's (0: this one's) policy.
///
/// # Errors
/// Those of `sched_getscheduler(2)`.
pub fn policy(pid: i32) -> Result<u32> {
    let policy = plain(__NR_sched_getscheduler, [pid as usize])?;
    Ok(policy as u32)
}

/// A task's (0: this one's) real-time priority.
///
/// # Errors
/// Those of `sched_getparam(2)`.
pub fn priority(pid: i32) -> Result<i32> {
    let mut priority = 0_i32;
    let place = &raw mut priority as usize;
    // SAFETY: the kernel writes one word, `priority`.
    unsafe { call3(__NR_sched_getparam, pid as usize, place, 0) }?;
    Ok(priority)
}

/// `struct sched_attr` (sched_setattr(2)).
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// Bytes of the structure.
    pub size: u32,
    /// The policy.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// Nice value.
    pub nice: i32,
    /// Real-time priority.
    pub priority: u32,
    /// Of `SCHED_DEADLINE`: runtime, deadline, period, ns.
    pub deadline: [u64; 3],
    /// Least and most use of a CPU.
    pub clamp: [u32; 2],
}

/// Sets a task's (0: this one's) attributes.
///
/// # Errors
/// Those of `sched_setattr(2)`.
pub fn set_attributes(pid: i32, attributes: &Attributes) -> Result<()> {
    let place = &raw const *attributes as usize;
    // SAFETY: the kernel reads `attributes`, whose size stands in it; at worst
    // it writes that size.
    unsafe { call3(__NR_sched_setattr, pid as usize, place, 0) }.map(drop)
}

/// A task's (0: this one's) attributes.
///
/// # Errors
/// Those of `sched_getattr(2)`.
pub fn attributes(pid: i32) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    let place = &raw mut attributes as usize;
    let size = size_of::<Attributes>();
    // SAFETY: the kernel writes at most `size` bytes.
    unsafe { call4(__NR_sched_getattr, pid as usize, place, size, 0) }?;
    Ok(attributes)
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
