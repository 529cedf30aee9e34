//! Sockets: there are none, and every call says so as Linux would where no
//! protocol is built in.

use kernel_abi::{Errno, syscall as number};

use super::{Args, Entry, Result, Row, file};

/// This family's rows of the table.
pub const CALLS: &[Row] = &[
    (number::SOCKET, Entry::Plain(make)),
    (number::SOCKETPAIR, Entry::Plain(make)),
    (number::BIND, Entry::Plain(not_one)),
    (number::LISTEN, Entry::Plain(not_one)),
    (number::ACCEPT, Entry::Plain(not_one)),
    (number::ACCEPT4, Entry::Plain(not_one)),
    (number::CONNECT, Entry::Plain(not_one)),
    (number::GETSOCKNAME, Entry::Plain(not_one)),
    (number::GETPEERNAME, Entry::Plain(not_one)),
    (number::SENDTO, Entry::Plain(not_one)),
    (number::RECVFROM, Entry::Plain(not_one)),
    (number::SETSOCKOPT, Entry::Plain(not_one)),
    (number::GETSOCKOPT, Entry::Plain(not_one)),
    (number::SHUTDOWN, Entry::Plain(not_one)),
    (number::SENDMSG, Entry::Plain(not_one)),
    (number::RECVMSG, Entry::Plain(not_one)),
];

fn make(_: &Args) -> Result {
    Err(Errno::EAFNOSUPPORT)
}

/// What a descriptor refers to, if it is open, is no socket.
fn not_one(args: &Args) -> Result {
    file(args.int(0))?;
    Err(Errno::ENOTSOCK)
}
