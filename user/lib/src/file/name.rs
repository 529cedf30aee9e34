//! Names: made, removed, moved, linked.

use alloc::string::String;

use super::path::{HERE, PATH_MAX, c_string};
use crate::Result;
use crate::linux::{self, AT_REMOVEDIR};
use crate::syscall::{call3, call4, call5};

/// One call that takes a path and a number.
fn at(number: u32, path: &str, value: usize) -> Result<()> {
    let path = c_string(path)?;
    let address = path.as_ptr() as usize;
    // SAFETY: the path outlives the call, which only reads it.
    unsafe { call3(number, HERE, address, value) }.map(drop)
}

/// Makes a directory.
///
/// # Errors
/// Those of `mkdirat(2)`.
pub fn make_directory(path: &str, mode: u32) -> Result<()> {
    at(linux::__NR_mkdirat, path, mode as usize)
}

/// Removes a name that is not a directory's.
///
/// # Errors
/// Those of `unlinkat(2)`.
pub fn remove(path: &str) -> Result<()> {
    at(linux::__NR_unlinkat, path, 0)
}

/// Removes an empty directory.
///
/// # Errors
/// Those of `unlinkat(2)` with `AT_REMOVEDIR`.
pub fn remove_directory(path: &str) -> Result<()> {
    at(linux::__NR_unlinkat, path, AT_REMOVEDIR as usize)
}

/// Changes permission bits.
///
/// # Errors
/// Those of `fchmodat(2)`.
pub fn change_mode(path: &str, mode: u32) -> Result<()> {
    at(linux::__NR_fchmodat, path, mode as usize)
}

/// Gives a file another name, in place of what had it.
///
/// # Errors
/// Those of `renameat2(2)`.
pub fn rename(from: &str, to: &str, flags: u32) -> Result<()> {
    let (from, to) = (c_string(from)?, c_string(to)?);
    let (from_address, to_address) =
        (from.as_ptr() as usize, to.as_ptr() as usize);
    let number = linux::__NR_renameat2;
    let flags = flags as usize;
    // SAFETY: both paths outlive the call.
    unsafe { call5(number, HERE, from_address, HERE, to_address, flags) }
        .map(drop)
}

/// Makes a symbolic link at `path` that says `target`.
///
/// # Errors
/// Those of `symlinkat(2)`.
pub fn symbolic_link(target: &str, path: &str) -> Result<()> {
    let (target, path) = (c_string(target)?, c_string(path)?);
    let (target_address, path_address) =
        (target.as_ptr() as usize, path.as_ptr() as usize);
    let number = linux::__NR_symlinkat;
    // SAFETY: both strings outlive the call.
    unsafe { call3(number, target_address, HERE, path_address) }.map(drop)
}

/// Gives a file a second name.
///
/// # Errors
/// Those of `linkat(2)`.
pub fn link(from: &str, to: &str) -> Result<()> {
    let (from, to) = (c_string(from)?, c_string(to)?);
    let (from_address, to_address) =
        (from.as_ptr() as usize, to.as_ptr() as usize);
    let number = linux::__NR_linkat;
    // SAFETY: both paths outlive the call.
    unsafe { call5(number, HERE, from_address, HERE, to_address, 0) }.map(drop)
}

/// What a symbolic link says.
///
/// # Errors
/// Those of `readlinkat(2)`.
pub fn link_target(path: &str) -> Result<String> {
    let path = c_string(path)?;
    let mut buffer = [0u8; PATH_MAX];
    let (address, place) =
        (path.as_ptr() as usize, buffer.as_mut_ptr() as usize);
    let number = linux::__NR_readlinkat;
    // SAFETY: the path outlives the call, which writes within the buffer.
    let length = unsafe { call4(number, HERE, address, place, PATH_MAX) }?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// Sets a file's times to now.
///
/// # Errors
/// Those of `utimensat(2)`.
pub fn touch(path: &str) -> Result<()> {
    let path = c_string(path)?;
    let address = path.as_ptr() as usize;
    // SAFETY: the path outlives the call; no times are passed.
    unsafe { call4(linux::__NR_utimensat, HERE, address, 0, 0) }.map(drop)
}
