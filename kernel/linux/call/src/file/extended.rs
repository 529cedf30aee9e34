//! Extended attributes, of which no file system here has any.
//!
//! The answers are those of Linux for such a file system: lists are empty,
//! everything else is not supported; a path that leads nowhere is told
//! first.

use kernel_abi::{Errno, syscall as number};

use super::{AT_SYMLINK_NOFOLLOW, Caller, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::walk::AT_FDCWD;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::SETXATTR, Handler::Plain(by_path)),
    (number::LSETXATTR, Handler::Plain(by_link)),
    (number::FSETXATTR, Handler::Plain(by_descriptor)),
    (number::GETXATTR, Handler::Plain(by_path)),
    (number::LGETXATTR, Handler::Plain(by_link)),
    (number::FGETXATTR, Handler::Plain(by_descriptor)),
    (number::LISTXATTR, Handler::Plain(|args| none(by_path(args)))),
    (number::LLISTXATTR, Handler::Plain(|args| none(by_link(args)))),
    (number::FLISTXATTR, Handler::Plain(|args| none(by_descriptor(args)))),
    (number::REMOVEXATTR, Handler::Plain(by_path)),
    (number::LREMOVEXATTR, Handler::Plain(by_link)),
    (number::FREMOVEXATTR, Handler::Plain(by_descriptor)),
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
