//! The one way to user memory: checked copies.
//!
//! An address from a program is a claim. [`UserSlice::new`] checks that it
//! lies in the program's half; whether anything is mapped there only the copy
//! itself finds out. It may fault, and the fault may bring the page in, or
//! wait for memory; if it cannot be helped, the copy returns `EFAULT`. No
//! spin lock may be held meanwhile, which checked builds assert.
//!
//! The instructions that touch user memory are all in `user.s`.

use alloc::vec::Vec;
use core::arch::global_asm;
use core::mem::MaybeUninit;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::region::HIGHEST;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::frame::FrameRef;
use super::{heap, page};
use crate::arch;
use crate::sync::rank::debug_check_no_locks_held;

global_asm!(include_str!("user.s"));

unsafe extern "C" {
    fn mm_user_read(to: *mut u8, from: usize, count: usize) -> usize;
    fn mm_user_write(to: usize, from: *const u8, count: usize) -> usize;
    fn mm_user_zero(to: usize, count: usize) -> usize;
    fn mm_user_read_string(to: *mut u8, from: usize, most: usize) -> usize;
    fn mm_user_load(word: usize) -> u64;
    fn mm_user_compare_exchange(
        word: usize,
        expected: u32,
        new: u32,
        has_pan: u32,
    ) -> u64;
}

/// Bytes of the calling program, as it claims: they lie in its half of the
/// addresses, and nothing else is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserSlice {
    address: usize,
    length: usize,
}

impl UserSlice {
    /// Checks that the bytes lie in the user half.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn new(address: usize, length: usize) -> Result<Self, Errno> {
        match address.checked_add(length) {
            Some(end) if end <= HIGHEST => Ok(Self { address, length }),
            _ => Err(Errno::EFAULT),
        }
    }

    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// True if there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The address of `count` bytes from `offset` on, all inside.
    #[inline]
    fn part(&self, offset: usize, count: usize) -> Result<usize, Errno> {
        let end = offset.checked_add(count).ok_or(Errno::EFAULT)?;
        if end > self.length {
            return Err(Errno::EFAULT);
        }
        Ok(self.address + offset)
    }

    /// Copies the program's bytes from `offset` on.
    ///
    /// # Errors
    /// `EFAULT`; part of `bytes` may be written then.
    #[inline]
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), Errno> {
        let from = self.part(offset, bytes.len())?;
        let to = bytes.as_mut_ptr();
        // SAFETY: `bytes` is ours to write; `part` checked the other side.
        unsafe { read_raw(to, from, bytes.len()) }
    }

    /// Copies bytes to the program, from `offset` on.
    ///
    /// # Errors
    /// `EFAULT`; part of the program's bytes may be written then.
    #[inline]
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        let to = self.part(offset, bytes.len())?;
        // SAFETY: `bytes` can be read; `part` checked the other side.
        unsafe { write_raw(to, bytes.as_ptr(), bytes.len()) }
    }

    /// Fills `count` bytes from `offset` on with zero.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn zero(&self, offset: usize, count: usize) -> Result<(), Errno> {
        let to = self.part(offset, count)?;
        debug_check_no_locks_held();
        // SAFETY: unprivileged stores to the user half (`part`).
        check(unsafe { mm_user_zero(to, count) })
    }

    /// Copies `count` bytes of a frame to the program.
    ///
    /// # Errors
    /// `EFAULT`; part of the program's bytes may be written then.
    ///
    /// # Panics
    /// If the bytes do not all lie in the frame.
    #[inline]
    pub fn write_from_frame(
        &self,
        offset: usize,
        frame: &FrameRef,
        frame_offset: usize,
        count: usize,
    ) -> Result<(), Errno> {
        let to = self.part(offset, count)?;
        let from = frame_bytes(frame, frame_offset, count);
        // SAFETY: inside the frame, which the caller holds; `part` checked
        // the other side. No Rust reference covers a shared frame.
        unsafe { write_raw(to, from, count) }
    }
}

/// Where the linear map shows `count` bytes of a frame.
#[inline]
fn frame_bytes(frame: &FrameRef, offset: usize, count: usize) -> *mut u8 {
    assert!(offset <= PAGE_SIZE && count <= PAGE_SIZE - offset);
    page::pointer(frame.number()).wrapping_add(offset)
}

/// # Safety
/// `to` can be written for `count` bytes; `from` and `count` lie in the user
/// half.
#[inline]
unsafe fn read_raw(
    to: *mut u8,
    from: usize,
    count: usize,
) -> Result<(), Errno> {
    debug_check_no_locks_held();
    // SAFETY: the caller's promise; user bytes are read unprivileged.
    check(unsafe { mm_user_read(to, from, count) })
}

/// # Safety
/// `from` can be read for `count` bytes; `to` and `count` lie in the user
/// half.
#[inline]
unsafe fn write_raw(
    to: usize,
    from: *const u8,
    count: usize,
) -> Result<(), Errno> {
    debug_check_no_locks_held();
    // SAFETY: the caller's promise; user bytes are written unprivileged.
    check(unsafe { mm_user_write(to, from, count) })
}

#[inline(always)]
fn check(failed: usize) -> Result<(), Errno> {
    if failed == 0 { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Reads a value at a program's address, aligned or not.
///
/// # Errors
/// `EFAULT`.
#[inline]
pub fn read_value<T: FromBytes>(address: usize) -> Result<T, Errno> {
    let user = UserSlice::new(address, size_of::<T>())?;
    let mut value = MaybeUninit::<T>::uninit();
    let to = value.as_mut_ptr().cast();
    // SAFETY: `value` can be written; `new` checked the user side.
    unsafe { read_raw(to, user.address, user.length) }?;
    // SAFETY: all bytes were written, and any bytes make a `T: FromBytes`.
    Ok(unsafe { value.assume_init() })
}

/// Writes a value to a program's address, aligned or not.
///
/// # Errors
/// `EFAULT`.
#[inline]
pub fn write_value<T: IntoBytes + Immutable>(
    address: usize,
    value: &T,
) -> Result<(), Errno> {
    let bytes = value.as_bytes();
    UserSlice::new(address, bytes.len())?.write(0, bytes)
}

/// Reads a string that ends with a zero byte, which is not returned.
///
/// # Errors
/// `EFAULT`; `ENAMETOOLONG` if there is no zero byte among the first `most`
/// bytes; `ENOMEM`.
pub fn read_cstr(address: usize, most: usize) -> Result<Vec<u8>, Errno> {
    const FIRST: usize = 64;
    let mut string = Vec::new();
    while string.len() < most {
        let at = address.checked_add(string.len()).ok_or(Errno::EFAULT)?;
        // The string may end right below the border of the user half.
        let border = HIGHEST.saturating_sub(at);
        let room = string.len().max(FIRST).min(most - string.len()).min(border);
        if room == 0 {
            return Err(Errno::EFAULT);
        }
        if read_part(at, &mut string, room)? < room {
            return Ok(string);
        }
    }
    Err(Errno::ENAMETOOLONG)
}

/// Appends at most `room` bytes of a string; fewer if it ends there. The
/// bytes lie in the user half.
fn read_part(
    address: usize,
    string: &mut Vec<u8>,
    room: usize,
) -> Result<usize, Errno> {
    debug_check_no_locks_held();
    heap::reserve(string, room)?;
    let to = string.spare_capacity_mut().as_mut_ptr().cast();
    // SAFETY: `reserve` made `room` bytes; the caller checked the user side.
    let count = unsafe { mm_user_read_string(to, address, room) };
    if count > room {
        return Err(Errno::EFAULT);
    }
    let length = string.len() + count;
    // SAFETY: the call wrote `count` bytes after the old length.
    unsafe { string.set_len(length) };
    Ok(count)
}

/// Loads a program's 32-bit word in one access, as a futex needs.
///
/// # Errors
/// `EINVAL` if it is not aligned, `EFAULT`.
#[inline]
pub fn load_word(address: usize) -> Result<u32, Errno> {
    check_word(address)?;
    // SAFETY: an unprivileged load from the user half, checked above.
    to_word(unsafe { mm_user_load(address) })
}

/// Replaces a program's 32-bit word by `new` if it is `expected`. Returns
/// what it was. A full barrier if it was replaced.
///
/// # Errors
/// `EINVAL` if it is not aligned, `EFAULT`.
#[inline]
pub fn compare_exchange_word(
    address: usize,
    expected: u32,
    new: u32,
) -> Result<u32, Errno> {
    check_word(address)?;
    let has_pan = arch::cpu::has_pan().into();
    // SAFETY: the word lies in the user half, checked above, and pages that
    // EL0 may not write are not writable at EL1 either.
    to_word(unsafe {
        mm_user_compare_exchange(address, expected, new, has_pan)
    })
}

#[inline]
fn check_word(address: usize) -> Result<(), Errno> {
    debug_check_no_locks_held();
    if !address.is_multiple_of(size_of::<u32>()) {
        return Err(Errno::EINVAL);
    }
    UserSlice::new(address, size_of::<u32>()).map(drop)
}

#[inline]
fn to_word(result: u64) -> Result<u32, Errno> {
    u32::try_from(result).map_err(|_| Errno::EFAULT)
}
