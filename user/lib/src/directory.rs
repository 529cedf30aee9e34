//! Directories: the working one, and what one holds.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Result;
use crate::file::{self, PATH_MAX, c_string};
use crate::linux::{
    __NR_chdir, __NR_chroot, __NR_getcwd, __NR_getdents64, O_CLOEXEC,
    O_DIRECTORY, O_RDONLY,
};
use crate::syscall::{call1, call2, call3};

/// One name in a directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The number of the file in its file system.
    pub inode: u64,
    /// Linux's `DT_` value.
    pub kind: u8,
    /// The name, without the directory.
    pub name: String,
}

/// Moves to another working directory.
///
/// # Errors
/// Those of `chdir(2)`.
pub fn change(path: &str) -> Result<()> {
    let path = c_string(path)?;
    // SAFETY: the path outlives the call.
    unsafe { call1(__NR_chdir, path.as_ptr() as usize) }.map(drop)
}

/// Makes a directory the root of this process.
///
/// # Errors
/// Those of `chroot(2)`.
pub fn change_root(path: &str) -> Result<()> {
    let path = c_string(path)?;
    // SAFETY: the path outlives the call.
    unsafe { call1(__NR_chroot, path.as_ptr() as usize) }.map(drop)
}

/// The path of the working directory.
///
/// # Errors
/// Those of `getcwd(2)`.
pub fn current() -> Result<String> {
    let mut buffer = [0u8; PATH_MAX];
    let place = buffer.as_mut_ptr() as usize;
    // SAFETY: the kernel writes within the buffer.
    let length = unsafe { call2(__NR_getcwd, place, PATH_MAX) }?;
    let text = &buffer[..length.saturating_sub(1)];
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// All names of a directory but `.` and `..`, in the file system's order.
///
/// # Errors
/// Those of `openat(2)` and `getdents64(2)`.
pub fn entries(path: &str) -> Result<Vec<Entry>> {
    let descriptor = file::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)?;
    let mut found = Vec::new();
    let mut buffer = [0u8; 2048];
    let result = loop {
        match read(descriptor, &mut buffer) {
            Ok(0) => break Ok(found),
            Ok(length) => found.extend(records(&buffer[..length])),
            Err(error) => break Err(error),
        }
    };
    let _ = file::close(descriptor);
    result.map(|mut found: Vec<Entry>| {
        found.retain(|entry| entry.name != "." && entry.name != "..");
        found
    })
}

/// Reads records into the buffer; gives how many bytes, 0 at the end.
///
/// # Errors
/// Those of `getdents64(2)`.
pub fn read(descriptor: i32, buffer: &mut [u8]) -> Result<usize> {
    let (place, length) = (buffer.as_mut_ptr() as usize, buffer.len());
    // SAFETY: the kernel writes within the buffer.
    unsafe { call3(__NR_getdents64, descriptor as usize, place, length) }
}

/// Takes `struct linux_dirent64` records apart: inode, offset, length of the
/// record, type, name with a zero.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = Entry> {
    core::iter::from_fn(move || {
        let (entry, length) = record(bytes)?;
        bytes = bytes.get(length..)?;
        Some(entry)
    })
}

fn record(bytes: &[u8]) -> Option<(Entry, usize)> {
    const NAME: usize = 19;
    let inode = u64::from_ne_bytes(bytes.get(..8)?.try_into().ok()?);
    let length = u16::from_ne_bytes(bytes.get(16..18)?.try_into().ok()?);
    let kind = *bytes.get(18)?;
    let name = bytes.get(NAME..length as usize)?;
    let name = name.split(|&byte| byte == 0).next()?;
    let name = String::from_utf8_lossy(name).into_owned();
    Some((Entry { inode, kind, name }, length as usize))
}
