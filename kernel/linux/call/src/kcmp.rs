//! `kcmp(2)`.

use core::cmp::Ordering;

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_process::kcmp::{self, Kind};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[(number::KCMP, Handler::Plain(call))];

/// Who waits for what in an `epoll` is not compared: `EOPNOTSUPP`, as on a
/// Linux without it.
fn call(args: &Args) -> Result {
    let [_, _, _, one, other, _] = args.x;
    let kind = match args.word(2) {
        0 => Kind::File([one, other]),
        1 => Kind::Memory,
        2 => Kind::Files,
        3 => Kind::Directories,
        4 => Kind::Handlers,
        5 => Kind::Nothing,
        6 => Kind::Undo,
        7 => return Err(Errno::EOPNOTSUPP),
        _ => return Err(Errno::EINVAL),
    };
    Ok(match kcmp::compare([args.word(0), args.word(1)], kind)? {
        Ordering::Equal => 0,
        Ordering::Less => 1,
        Ordering::Greater => 2,
    })
}
