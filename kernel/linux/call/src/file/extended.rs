//! Extended attributes, of which no file system here has any.
//!
//! The answers are those of Linux for such a file system: lists are empty,
//! everything else is not supported; a path that leads nowhere is told
//! first.

use kernel_abi::{Errno, syscall as number};

use super::{AT_SYMLINK_NOFOLLOW, Args, Caller, Entry, Result, Row, file};
use kernel_files::walk::AT_FDCWD;

/// This family's rows of the table.
pub const CALLS: &[Row] = &[
    (number::SETXATTR, Entry::Plain(by_path)),
    (number::LSETXATTR, Entry::Plain(by_link)),
    (number::FSETXATTR, Entry::Plain(by_descriptor)),
    (number::GETXATTR, Entry::Plain(by_path)),
    (number::LGETXATTR, Entry::Plain(by_link)),
    (number::FGETXATTR, Entry::Plain(by_descriptor)),
    (number::LISTXATTR, Entry::Plain(|args| none(by_path(args)))),
    (number::LLISTXATTR, Entry::Plain(|args| none(by_link(args)))),
    (number::FLISTXATTR, Entry::Plain(|args| none(by_descriptor(args)))),
    (number::REMOVEXATTR, Entry::Plain(by_path)),
    (number::LREMOVEXATTR, Entry::Plain(by_link)),
    (number::FREMOVEXATTR, Entry::Plain(by_descriptor)),
];

fn by_path(args: &Args) -> Result {
    Caller::new()?.find(AT_FDCWD, args.x[0], 0)?;
    Err(Errno::EOPNOTSUPP)
}

fn by_link(args: &Args) -> Result {
    Caller::new()?.find(AT_FDCWD, args.x[0], AT_SYMLINK_NOFOLLOW)?;
    Err(Errno::EOPNOTSUPP)
}

fn by_descriptor(args: &Args) -> Result {
    file(args.int(0))?;
    Err(Errno::EOPNOTSUPP)
}

/// An empty list in place of the refusal.
fn none(answer: Result) -> Result {
    match answer {
        Err(Errno::EOPNOTSUPP) => Ok(0),
        other => other,
    }
}
