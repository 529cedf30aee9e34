//! Tracing other processes.

use crate::linux::{
    __NR_process_vm_readv, __NR_process_vm_writev, __NR_ptrace,
};
use crate::syscall::{call4, call6};
use crate::{Errno, Result};

pub use kernel_abi::ptrace::*;

/// The general registers, as `PTRACE_GETREGSET` gives them.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Registers {
    /// `x0` to `x30`.
    pub x: [u64; 31],
    /// Stack pointer.
    pub sp: u64,
    /// Program counter.
    pub pc: u64,
    /// Flags.
    pub pstate: u64,
}

/// A request that touches none of the caller's memory.
///
/// # Errors
/// Those of `ptrace(2)`; `EINVAL` for one that would write to memory.
pub fn request(
    what: u32,
    pid: i32,
    address: usize,
    data: usize,
) -> Result<usize> {
    let touches = [
        PEEKTEXT,
        PEEKDATA,
        GETEVENTMSG,
        GETSIGINFO,
        GETREGSET,
        GETSIGMASK,
        GET_SYSCALL_INFO,
    ];
    if touches.contains(&what) {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the kernel writes to the caller's memory only for the requests
    // left out above; others at most read what is mapped.
    unsafe { call4(__NR_ptrace, what as usize, pid as usize, address, data) }
}

fn ask<T: Copy>(
    what: u32,
    pid: i32,
    address: usize,
    mut answer: T,
) -> Result<T> {
    let to = &raw mut answer as usize;
    // SAFETY: the callers below ask for as much as `answer` holds.
    unsafe { call4(__NR_ptrace, what as usize, pid as usize, address, to) }?;
    Ok(answer)
}

/// A word of its memory.
///
/// # Errors
/// `EIO` where nothing is mapped, `ESRCH`.
pub fn peek(pid: i32, address: usize) -> Result<u64> {
    ask(PEEKDATA, pid, address, 0_u64)
}

/// What the last event told.
///
/// # Errors
/// `ESRCH`.
pub fn message(pid: i32) -> Result<u64> {
    ask(GETEVENTMSG, pid, 0, 0_u64)
}

/// The mask of blocked signals.
///
/// # Errors
/// `ESRCH`.
pub fn mask(pid: i32) -> Result<u64> {
    ask(GETSIGMASK, pid, size_of::<u64>(), 0_u64)
}

/// Sets the mask of blocked signals.
///
/// # Errors
/// `ESRCH`.
pub fn set_mask(pid: i32, mask: u64) -> Result<()> {
    ask(SETSIGMASK, pid, size_of::<u64>(), mask).map(drop)
}

/// Signal, error and code of what stopped it.
///
/// # Errors
/// `EINVAL` in a group stop, `ESRCH`.
pub fn signal(pid: i32) -> Result<[i32; 3]> {
    let info = ask(GETSIGINFO, pid, 0, [0_i32; 32])?;
    Ok([info[0], info[1], info[2]])
}

/// The system call at which it is stopped: which kind of stop, then number
/// and arguments, or the result.
///
/// # Errors
/// `ESRCH`.
pub fn system_call(pid: i32) -> Result<(u8, [u64; 7])> {
    let size = size_of::<[u64; 10]>();
    let words = ask(GET_SYSCALL_INFO, pid, size, [0_u64; 10])?;
    let values = core::array::from_fn(|at| words[at + 3]);
    Ok((words[0] as u8, values))
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Vector {
    base: usize,
    length: usize,
}

fn vector_of(bytes: &[u8]) -> Vector {
    Vector { base: bytes.as_ptr() as usize, length: bytes.len() }
}

/// Reads the memory of a process, traced or not; how many bytes.
///
/// # Errors
/// `EFAULT` where it may not read itself, `EPERM`, `ESRCH`.
pub fn read_memory(pid: i32, base: usize, bytes: &mut [u8]) -> Result<usize> {
    let local =
        Vector { base: bytes.as_mut_ptr() as usize, length: bytes.len() };
    let remote = Vector { base, length: bytes.len() };
    let places = [&raw const local as usize, &raw const remote as usize];
    let number = __NR_process_vm_readv;
    // SAFETY: the kernel writes to `bytes`, through vectors that live.
    unsafe { call6(number, pid as usize, places[0], 1, places[1], 1, 0) }
}

/// Writes the memory of a process, traced or not; how many bytes.
///
/// # Errors
/// As [`read_memory`].
pub fn write_memory(pid: i32, base: usize, bytes: &[u8]) -> Result<usize> {
    let local = vector_of(bytes);
    let remote = Vector { base, length: bytes.len() };
    let places = [&raw const local as usize, &raw const remote as usize];
    let number = __NR_process_vm_writev;
    // SAFETY: the kernel reads `bytes`, through vectors that live.
    unsafe { call6(number, pid as usize, places[0], 1, places[1], 1, 0) }
}

/// Reads a register set into `bytes`; how many there are.
///
/// # Errors
/// `EINVAL` for an unknown set, `ESRCH`.
pub fn read_set(pid: i32, set: u32, bytes: &mut [u8]) -> Result<usize> {
    let vector =
        Vector { base: bytes.as_mut_ptr() as usize, length: bytes.len() };
    let used = ask(GETREGSET, pid, set as usize, vector)?;
    Ok(used.length)
}

/// Writes a register set.
///
/// # Errors
/// `EINVAL` for an unknown set or values that no program may have, `ESRCH`.
pub fn write_set(pid: i32, set: u32, bytes: &[u8]) -> Result<usize> {
    let used = ask(SETREGSET, pid, set as usize, vector_of(bytes))?;
    Ok(used.length)
}

/// The general registers.
///
/// # Errors
/// `ESRCH`.
pub fn registers(pid: i32) -> Result<Registers> {
    let mut bytes = [0; size_of::<Registers>()];
    read_set(pid, NT_PRSTATUS, &mut bytes)?;
    let word = |at: usize| {
        let part = bytes[at * 8..at * 8 + 8].try_into();
        part.map_or(0, u64::from_le_bytes)
    };
    Ok(Registers {
        x: core::array::from_fn(word),
        sp: word(31),
        pc: word(32),
        pstate: word(33),
    })
}

/// Sets the general registers.
///
/// # Errors
/// `EINVAL` for flags that no program may have, `ESRCH`.
pub fn set_registers(pid: i32, new: &Registers) -> Result<()> {
    let mut bytes = [0; size_of::<Registers>()];
    let words = new.x.iter().chain([&new.sp, &new.pc, &new.pstate]);
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    write_set(pid, NT_PRSTATUS, &bytes).map(drop)
}
