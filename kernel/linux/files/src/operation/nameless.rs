//! Files without a name (`O_TMPFILE`).

use kernel_abi::Errno;

use crate::flags::OpenFlags;
use crate::inode::{FileType, NewInode};
use crate::location::Location;
use crate::permission;

/// Makes a file in the file system of `directory`. It may get a name by
/// `linkat`, unless it is to stay alone ([`OpenFlags::EXCLUSIVE`]).
///
/// # Errors
/// `EINVAL` for a file that its maker could not write; `ENOTDIR`, `EROFS`,
/// `EACCES`, `EOPNOTSUPP`, `ENOSPC`.
pub(super) fn make(
    directory: &Location,
    flags: OpenFlags,
    permissions: u32,
) -> Result<Location, Errno> {
    if !flags.can_write() {
        return Err(Errno::EINVAL);
    }
    if !directory.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    directory.check_writable()?;
    permission::check_name(&*directory.inode, None)?;
    let kind = FileType::Regular;
    let new = permission::maker()
        .born(&*directory.inode, &NewInode::of_root(kind, permissions));
    let is_linkable = !flags.contains(OpenFlags::EXCLUSIVE);
    let inode = directory.inode.create_nameless(&new, is_linkable)?;
    Ok(directory.at(inode))
}
