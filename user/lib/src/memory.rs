//! Mappings, protection and the break.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, AtomicU64};

use crate::linux::{
    __NR_brk, __NR_mmap, __NR_mprotect, __NR_munmap, MAP_ANONYMOUS,
    MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE,
};
use crate::syscall::{call2, call3, plain};
use crate::{Errno, Result};

/// Size of a page, in bytes.
pub const PAGE_SIZE: usize = 4096;

/// Moves the break to `address`; gives where it is now (0 asks).
pub(crate) fn move_break(address: usize) -> Result<usize> {
    plain(__NR_brk, [address])
}

/// Where the break is.
pub fn current_break() -> usize {
    move_break(0).unwrap_or(0)
}

/// Maps private memory, and gives its address.
pub(crate) fn map_anonymous(length: usize) -> Result<usize> {
    let protection = (PROT_READ | PROT_WRITE) as usize;
    map(0, length, protection, (MAP_PRIVATE | MAP_ANONYMOUS) as usize)
}

fn map(
    address: usize,
    length: usize,
    protection: usize,
    flags: usize,
) -> Result<usize> {
    plain(__NR_mmap, [address, length, protection, flags, usize::MAX, 0])
}

/// Takes a mapping away.
///
/// # Safety
/// Nothing may use the memory any more.
pub(crate) unsafe fn unmap(address: usize, length: usize) {
    // SAFETY: the caller gave the memory up. Failure leaves it mapped.
    let _ = unsafe { call2(__NR_munmap, address, length) };
}

/// What a mapping is for, and who sees writes to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// A copy for each process.
    Private,
    /// One memory for a process and the children it forks.
    Shared,
}

/// Anonymous memory that a program handles page by page: protects, unmaps,
/// and touches through single instructions, so that a fault is a signal and
/// nothing worse.
pub struct Mapping {
    address: usize,
    length: usize,
}

impl Mapping {
    /// Maps `length` bytes, readable and writable.
    ///
    /// # Errors
    /// Those of `mmap(2)`.
    pub fn new(length: usize, sharing: Sharing) -> Result<Self> {
        let kind = match sharing {
            Sharing::Private => MAP_PRIVATE,
            Sharing::Shared => MAP_SHARED,
        };
        let flags = (kind | MAP_ANONYMOUS) as usize;
        let protection = (PROT_READ | PROT_WRITE) as usize;
        let address = map(0, length, protection, flags)?;
        Ok(Self { address, length })
    }

    /// The first address.
    pub fn address(&self) -> usize {
        self.address
    }

    /// The length that was asked for, in bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Changes what may be done with the bytes from `offset` on.
    ///
    /// # Errors
    /// Those of `mprotect(2)`, and `EINVAL` for a range outside.
    /// Running the memory cannot be allowed here: that is `EACCES`.
    pub fn protect(
        &self,
        offset: usize,
        length: usize,
        protection: u32,
    ) -> Result<()> {
        let address = self.within(offset, length)?;
        if protection & PROT_EXEC != 0 {
            return Err(Errno::EACCES);
        }
        // SAFETY: the range is this mapping's, and no reference into it
        // exists besides the atomics of a `SharedWords`, which has its own.
        unsafe { call3(__NR_mprotect, address, length, protection as usize) }?;
        Ok(())
    }

    /// Unmaps the bytes from `offset` on.
    ///
    /// # Errors
    /// Those of `munmap(2)`, and `EINVAL` for a range outside.
    pub fn unmap(&self, offset: usize, length: usize) -> Result<()> {
        let address = self.within(offset, length)?;
        // SAFETY: as for `protect`.
        unsafe { call2(__NR_munmap, address, length) }?;
        Ok(())
    }

    fn within(&self, offset: usize, length: usize) -> Result<usize> {
        let end = offset.checked_add(length).ok_or(Errno::EINVAL)?;
        if end > self.length {
            return Err(Errno::EINVAL);
        }
        Ok(self.address + offset)
    }

    /// Reads the byte at `offset`; a fault is the process's `SIGSEGV`.
    ///
    /// # Panics
    /// If the offset is outside.
    pub fn read(&self, offset: usize) -> u8 {
        assert!(offset < self.length);
        read_byte(self.address + offset)
    }

    /// Writes the byte at `offset`; a fault is the process's `SIGSEGV`.
    ///
    /// # Panics
    /// If the offset is outside.
    pub fn write(&self, offset: usize, value: u8) {
        assert!(offset < self.length);
        let address = self.address + offset;
        // SAFETY: the byte belongs to this mapping; where the mapping is
        // protected or gone the store faults and changes nothing.
        unsafe {
            asm!(
                "strb {value:w}, [{address}]",
                value = in(reg) value as u32,
                address = in(reg) address,
                options(nostack, preserves_flags),
            );
        }
    }
}

impl Mapping {
    /// Calls the first byte as a function; where it may not be run, that is
    /// the process's `SIGSEGV`.
    pub fn run(&self) {
        // SAFETY: mappings are made without the right to run and no call
        // here gives it, so the branch faults.
        unsafe {
            asm!(
                "blr {address}",
                address = in(reg) self.address,
                clobber_abi("C"),
            );
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from the mapping.
        unsafe { unmap(self.address, self.length) }
    }
}

/// Reads the byte at any address; a bad one raises `SIGSEGV`.
pub fn read_byte(address: usize) -> u8 {
    let value: u32;
    // SAFETY: a load changes nothing; from a bad address it faults.
    unsafe {
        asm!(
            "ldrb {value:w}, [{address}]",
            value = out(reg) value,
            address = in(reg) address,
            options(nostack, preserves_flags, readonly),
        );
    }
    value as u8
}

/// Stores a byte at an address of memory that no Rust value lies in, such as
/// a mapping that a test made itself; a bad one raises `SIGSEGV`.
pub fn write_byte(address: usize, value: u8) {
    let value = u32::from(value);
    // SAFETY: only tests call it, in throw-away children, with addresses that
    // a mapping of their own gave.
    unsafe {
        asm!(
            "strb {value:w}, [{address}]",
            value = in(reg) value,
            address = in(reg) address,
            options(nostack, preserves_flags),
        );
    }
}

/// Words that a process shares with the children it forks; never unmapped.
///
/// # Errors
/// Those of `mmap(2)`.
pub fn shared_words(count: usize) -> Result<&'static [AtomicU32]> {
    let start = shared_place(count * size_of::<AtomicU32>())?;
    // SAFETY: zeroed, aligned memory of this length that stays mapped for
    // ever and is reached through atomics only.
    Ok(unsafe { core::slice::from_raw_parts(start as *const _, count) })
}

/// As [`shared_words`], for values of 64 bits.
///
/// # Errors
/// Those of `mmap(2)`.
pub fn shared_values(count: usize) -> Result<&'static [AtomicU64]> {
    let start = shared_place(count * size_of::<AtomicU64>())?;
    // SAFETY: as in `shared_words`.
    Ok(unsafe { core::slice::from_raw_parts(start as *const _, count) })
}

/// The address of new shared memory that stays for ever.
fn shared_place(length: usize) -> Result<usize> {
    let mapping = Mapping::new(length, Sharing::Shared)?;
    let address = mapping.address;
    core::mem::forget(mapping);
    Ok(address)
}
