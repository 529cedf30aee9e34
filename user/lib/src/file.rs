//! File descriptors and paths.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::linux::{self, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_RDONLY};
use crate::syscall::{call2, call3, call4, plain};
use crate::{Errno, Result};

mod name;
mod path;

pub use name::{
    change_mode, link, link_target, make_directory, remove, remove_directory,
    rename, symbolic_link, touch,
};
pub use path::PATH_MAX;
pub(crate) use path::c_string;

use path::HERE;

/// What `newfstatat(2)` gives.
pub type Status = linux::stat;

/// A value that the kernel fills.
///
/// # Safety
/// Every bit pattern must be a valid value.
pub(crate) unsafe trait Plain {}

// SAFETY: integers only.
unsafe impl Plain for linux::stat {}

/// Gives `fill` a zeroed place for a value, and the value if all went well.
#[inline(always)]
pub(crate) fn filled<T: Plain>(
    fill: impl FnOnce(usize) -> Result<usize>,
) -> Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    fill(value.as_mut_ptr() as usize)?;
    // SAFETY: zeroed and perhaps overwritten; any bits are valid (`Plain`).
    Ok(unsafe { value.assume_init() })
}

/// Opens a file; `flags` are Linux's `O_` bits, `mode` is for a new file.
///
/// # Errors
/// Those of `openat(2)`.
pub fn open(path: &str, flags: u32, mode: u32) -> Result<i32> {
    let path = c_string(path)?;
    let (flags, mode) = (flags as usize, mode as usize);
    let address = path.as_ptr() as usize;
    // SAFETY: the path outlives the call.
    let descriptor =
        unsafe { call4(linux::__NR_openat, HERE, address, flags, mode) }?;
    Ok(descriptor as i32)
}

/// Reads at most `buffer.len()` bytes; 0 is the end.
///
/// # Errors
/// Those of `read(2)`.
pub fn read(descriptor: i32, buffer: &mut [u8]) -> Result<usize> {
    let (address, length) = (buffer.as_mut_ptr() as usize, buffer.len());
    // SAFETY: the kernel writes within the buffer, which is borrowed.
    unsafe { call3(linux::__NR_read, descriptor as usize, address, length) }
}

/// Fills `buffer` so many times, each over the last, in one call; the number
/// of bytes read.
///
/// # Errors
/// Those of `readv(2)`: `EINVAL` for more than 1024 times.
pub fn read_over(
    descriptor: i32,
    buffer: &mut [u8],
    times: usize,
) -> Result<usize> {
    let piece = linux::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len() as u64,
    };
    let pieces = vec![piece; times];
    let (number, list) = (linux::__NR_readv, pieces.as_ptr() as usize);
    // SAFETY: the kernel writes within the buffer, which is borrowed, however
    // many pieces name it.
    unsafe { call3(number, descriptor as usize, list, times) }
}

/// Reads at most `buffer.len()` bytes from `offset` on; 0 is the end.
///
/// # Errors
/// Those of `pread(2)`.
pub fn read_at(
    descriptor: i32,
    buffer: &mut [u8],
    offset: usize,
) -> Result<usize> {
    let (address, length) = (buffer.as_mut_ptr() as usize, buffer.len());
    let fd = descriptor as usize;
    // SAFETY: the kernel writes within the buffer, which is borrowed.
    unsafe { call4(linux::__NR_pread64, fd, address, length, offset) }
}

/// Writes at most all of `bytes`, in one call.
///
/// # Errors
/// Those of `write(2)`.
pub fn write(descriptor: i32, bytes: &[u8]) -> Result<usize> {
    let (address, length) = (bytes.as_ptr() as usize, bytes.len());
    // SAFETY: the kernel reads within the slice.
    unsafe { call3(linux::__NR_write, descriptor as usize, address, length) }
}

/// Writes all of `bytes`, in as many calls as it takes.
///
/// # Errors
/// Those of `write(2)`; interrupted calls are made again.
pub fn write_all(descriptor: i32, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match write(descriptor, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until the end.
///
/// # Errors
/// Those of `read(2)`.
pub fn read_to_end(descriptor: i32) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        match read(descriptor, &mut buffer)? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// All bytes of a file.
///
/// # Errors
/// Those of `openat(2)` and `read(2)`.
pub fn contents(path: &str) -> Result<Vec<u8>> {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC, 0)?;
    let all = read_to_end(descriptor);
    let _ = close(descriptor);
    all
}

/// All of a file as text; what is not UTF-8 is replaced.
///
/// # Errors
/// As [`contents`].
pub fn text(path: &str) -> Result<String> {
    Ok(String::from_utf8_lossy(&contents(path)?).into_owned())
}

/// Writes `bytes` to an existing file in one call.
///
/// # Errors
/// Those of `openat(2)` and `write(2)`.
pub fn overwrite(path: &str, bytes: &[u8]) -> Result<()> {
    let descriptor = open(path, linux::O_WRONLY | O_CLOEXEC, 0)?;
    let result = write(descriptor, bytes);
    let _ = close(descriptor);
    result.map(drop)
}

/// Closes a descriptor.
///
/// # Errors
/// `EBADF`.
pub fn close(descriptor: i32) -> Result<()> {
    plain(linux::__NR_close, [descriptor as usize]).map(drop)
}

/// Makes `to` mean the same open file as `from`.
///
/// # Errors
/// Those of `dup3(2)`; `EINVAL` if both are the same.
pub fn duplicate(from: i32, to: i32, flags: u32) -> Result<()> {
    let arguments = [from as usize, to as usize, flags as usize];
    plain(linux::__NR_dup3, arguments).map(drop)
}

/// A second descriptor, at least `minimum`, closed by `execve`.
///
/// # Errors
/// Those of `fcntl(2)` with `F_DUPFD_CLOEXEC`.
pub fn duplicate_above(from: i32, minimum: i32) -> Result<i32> {
    let command = linux::F_DUPFD_CLOEXEC as usize;
    let arguments = [from as usize, command, minimum as usize];
    Ok(plain(linux::__NR_fcntl, arguments)? as i32)
}

/// `fcntl(2)` with a command that takes a number.
///
/// # Errors
/// Those of `fcntl(2)`.
pub fn control(descriptor: i32, command: u32, value: usize) -> Result<usize> {
    plain(linux::__NR_fcntl, [descriptor as usize, command as usize, value])
}

/// A pipe: the end to read and the end to write.
///
/// # Errors
/// Those of `pipe2(2)`.
pub fn pipe(flags: u32) -> Result<[i32; 2]> {
    let mut ends = [0i32; 2];
    let address = ends.as_mut_ptr() as usize;
    // SAFETY: the kernel writes two descriptors.
    unsafe { call2(linux::__NR_pipe2, address, flags as usize) }?;
    Ok(ends)
}

/// Moves the file position; `whence` is `SEEK_SET` and so on.
///
/// # Errors
/// Those of `lseek(2)`.
pub fn seek(descriptor: i32, offset: i64, whence: u32) -> Result<u64> {
    let arguments = [descriptor as usize, offset as usize, whence as usize];
    Ok(plain(linux::__NR_lseek, arguments)? as u64)
}

/// Sets a file's length.
///
/// # Errors
/// Those of `ftruncate(2)`.
pub fn truncate(descriptor: i32, length: u64) -> Result<()> {
    plain(linux::__NR_ftruncate, [descriptor as usize, length as usize])
        .map(drop)
}

fn status_at(directory: usize, path: &str, flags: u32) -> Result<Status> {
    let path = c_string(path)?;
    let address = path.as_ptr() as usize;
    filled(|place| {
        let number = linux::__NR_newfstatat;
        // SAFETY: the path outlives the call; `place` has room for a status.
        unsafe { call4(number, directory, address, place, flags as usize) }
    })
}

/// What is known of a path, behind symbolic links.
///
/// # Errors
/// Those of `newfstatat(2)`.
pub fn status(path: &str) -> Result<Status> {
    status_at(HERE, path, 0)
}

/// What is known of a path, or of the symbolic link itself.
///
/// # Errors
/// Those of `newfstatat(2)`.
pub fn link_status(path: &str) -> Result<Status> {
    status_at(HERE, path, AT_SYMLINK_NOFOLLOW)
}

/// What is known of an open file.
///
/// # Errors
/// Those of `newfstatat(2)` with `AT_EMPTY_PATH`.
pub fn descriptor_status(descriptor: i32) -> Result<Status> {
    status_at(descriptor as usize, "", linux::AT_EMPTY_PATH)
}

/// Whether a path leads to something of type `kind` (`S_IFDIR` …).
pub fn is_kind(path: &str, kind: u32) -> bool {
    status(path).is_ok_and(|status| status.st_mode & linux::S_IFMT == kind)
}

/// Whether a path leads to a directory.
pub fn is_directory(path: &str) -> bool {
    is_kind(path, linux::S_IFDIR)
}

/// Whether this process may do `mode` (`R_OK` …) to the path.
pub fn is_allowed(path: &str, mode: u32) -> bool {
    let Ok(path) = c_string(path) else { return false };
    let address = path.as_ptr() as usize;
    // SAFETY: the path outlives the call.
    unsafe { call3(linux::__NR_faccessat, HERE, address, mode as usize) }
        .is_ok()
}

/// Sets the bits that new files do not get; gives the old ones.
pub fn set_creation_mask(mask: u32) -> u32 {
    plain(linux::__NR_umask, [mask as usize]).unwrap_or(0) as u32
}
