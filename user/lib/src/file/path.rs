//! Paths as system calls take them.

use alloc::ffi::CString;

use crate::linux::AT_FDCWD;
use crate::{Errno, Result};

/// Most bytes a path may have, with its zero (`PATH_MAX`).
pub const PATH_MAX: usize = 4096;

/// In place of a directory's descriptor: the working directory.
pub(super) const HERE: usize = AT_FDCWD as usize;

/// A path with the zero byte that system calls want.
pub(crate) fn c_string(path: &str) -> Result<CString> {
    CString::new(path).map_err(|_| Errno::EINVAL)
}
