//! Sockets: connected pairs (`AF_UNIX`, `SOCK_STREAM`). Every other kind is
//! refused as Linux does where no protocol is built in.

use kernel_abi::system::Iovec;
use kernel_abi::{Errno, syscall as number};

use super::descriptor::insert_pair;
use super::transfer::{finish_write, pieces_at};
use super::{Checked, check_flags, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::file::{Blocking, File};
use kernel_files::socket::{self, Direction, Socket};
use kernel_files::{FileType, Input, OpenFile, OpenFlags, Output};
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::SOCKET, Handler::Plain(|_| Err(Errno::EAFNOSUPPORT))),
    (number::SOCKETPAIR, Handler::Plain(socketpair)),
    (number::BIND, Handler::Plain(connected)),
    (number::LISTEN, Handler::Plain(connected)),
    (number::ACCEPT, Handler::Plain(connected)),
    (number::ACCEPT4, Handler::Plain(connected)),
    (number::CONNECT, Handler::Plain(connect)),
    (number::GETSOCKNAME, Handler::Plain(name)),
    (number::GETPEERNAME, Handler::Plain(name)),
    (number::SENDTO, Handler::Plain(sendto)),
    (number::RECVFROM, Handler::Plain(recvfrom)),
    (number::SETSOCKOPT, Handler::Plain(setsockopt)),
    (number::GETSOCKOPT, Handler::Plain(getsockopt)),
    (number::SHUTDOWN, Handler::Plain(shutdown)),
    (number::SENDMSG, Handler::Plain(sendmsg)),
    (number::RECVMSG, Handler::Plain(recvmsg)),
];

const AF_UNIX: u32 = 1;
const SOCK_STREAM: u32 = 1;
const MSG_PEEK: u32 = 0x2;
const MSG_DONTWAIT: u32 = 0x40;
const MSG_WAITALL: u32 = 0x100;
const MSG_NOSIGNAL: u32 = 0x4000;
const MSG_CMSG_CLOEXEC: u32 = 0x4000_0000;
const RECEIVE_FLAGS: u32 =
    MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL | MSG_CMSG_CLOEXEC;

fn socketpair(args: &Args) -> Result {
    let known = OpenFlags::CLOSE_ON_EXEC | OpenFlags::NON_BLOCKING;
    let (kind, flags) =
        (args.word(1) & 0xf, OpenFlags::from_bits_retain(args.word(1) & !0xf));
    if args.word(0) != AF_UNIX {
        return Err(Errno::EAFNOSUPPORT);
    }
    check_flags(flags.bits(), known.bits())?;
    if args.word(2) > AF_UNIX {
        return Err(Errno::EPROTONOSUPPORT);
    }
    if kind != SOCK_STREAM {
        return Err(Errno::ESOCKTNOSUPPORT);
    }
    let process = &current().process;
    let maker = {
        let credentials = process.credentials.lock();
        let (user, group) = (credentials.user, credentials.group);
        [process.id, user.effective, group.effective]
    };
    let pair = socket::open_pair(flags, maker)?;
    insert_pair(pair, flags, args.x[3])
}

/// The open file of a descriptor, if that is a socket.
fn open_socket(args: &Args) -> Checked<alloc::sync::Arc<OpenFile>> {
    let file = file(args.int(0))?;
    match file.inode().kind() {
        FileType::Socket => Ok(file),
        _ => Err(Errno::ENOTSOCK),
    }
}

/// What cannot be done with a socket that is connected.
fn connected(args: &Args) -> Result {
    open_socket(args)?;
    Err(Errno::EINVAL)
}

fn connect(args: &Args) -> Result {
    open_socket(args)?;
    Err(Errno::EISCONN)
}

/// The address of a pair's socket is its family alone.
fn name(args: &Args) -> Result {
    open_socket(args)?;
    write_counted(args.x[1], args.x[2], &(AF_UNIX as u16).to_ne_bytes())
}

/// Stores what fits of `bytes`, and their number where the room stood.
fn write_counted(place: usize, length: usize, bytes: &[u8]) -> Result {
    let room: i32 = user::read_value(length)?;
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    let size = room.min(bytes.len());
    UserSlice::new(place, size)?.write(0, &bytes[..size])?;
    user::write_value(length, &(bytes.len() as u32)).map(|()| 0)
}

fn blocking(flags: u32, file: &OpenFile) -> Blocking {
    let must_not = flags & MSG_DONTWAIT != 0
        || file.flags().contains(OpenFlags::NON_BLOCKING);
    if must_not { Blocking::Fail } else { Blocking::Sleep }
}

fn send(file: &OpenFile, mut input: Input<'_>, flags: u32) -> Result {
    check_flags(flags, MSG_DONTWAIT | MSG_NOSIGNAL)?;
    let socket = file.downcast::<Socket>()?;
    let result = socket.write(0, &mut input, blocking(flags, file));
    match flags & MSG_NOSIGNAL {
        0 => finish_write(result),
        _ => result,
    }
}

fn receive(file: &OpenFile, output: &mut Output<'_>, flags: u32) -> Result {
    check_flags(flags, RECEIVE_FLAGS)?;
    let socket = file.downcast::<Socket>()?;
    let blocking = blocking(flags, file);
    if flags & MSG_PEEK != 0 {
        let mut bytes = alloc::vec![0; output.remaining().min(4096)];
        let count = socket.peek(&mut bytes, blocking)?;
        return output.put(&bytes[..count]).map(|()| count);
    }
    loop {
        let before = output.done();
        match socket.read(0, output, blocking) {
            Ok(_) => {}
            Err(error) => return output.short(error),
        }
        let is_done = flags & MSG_WAITALL == 0
            || output.remaining() == 0
            || output.done() == before;
        if is_done {
            return Ok(output.done());
        }
    }
}

fn sendto(args: &Args) -> Result {
    let file = open_socket(args)?;
    if args.x[4] != 0 {
        return Err(Errno::EISCONN);
    }
    let slice =
        UserSlice::new(args.x[1], args.x[2].min(super::transfer::MOST))?;
    send(&file, Input::user(slice), args.word(3))
}

fn recvfrom(args: &Args) -> Result {
    let file = open_socket(args)?;
    let slice =
        UserSlice::new(args.x[1], args.x[2].min(super::transfer::MOST))?;
    let count = receive(&file, &mut Output::user(slice), args.word(3))?;
    if args.x[4] != 0 && args.x[5] != 0 {
        user::write_value(args.x[5], &0_u32)?;
    }
    Ok(count)
}

/// `struct msghdr`: where its words stand.
struct Message {
    /// Of the name.
    name: u64,
    /// Pieces of the message.
    pieces: (usize, usize),
    /// Bytes of ancillary data.
    ancillary: u64,
}

/// Offsets in `struct msghdr` of what a receive writes: length of the name,
/// of the ancillary data, and flags.
const NAME_LENGTH: usize = 8;
const ANCILLARY_LENGTH: usize = 40;
const FLAGS: usize = 48;

impl Message {
    fn read(address: usize) -> Checked<Self> {
        let words: [u64; 7] = user::read_value(address)?;
        let [name, _, pieces, count, _, ancillary, _] = words;
        const { assert!(size_of::<Iovec>() == 16) };
        let pieces = (pieces as usize, count as usize);
        Ok(Self { name, pieces, ancillary })
    }
}

/// Descriptors cannot be sent: a message with them is refused.
fn sendmsg(args: &Args) -> Result {
    let file = open_socket(args)?;
    let message = Message::read(args.x[1])?;
    if message.name != 0 {
        return Err(Errno::EISCONN);
    }
    if message.ancillary != 0 {
        return Err(Errno::EINVAL);
    }
    let pieces = pieces_at(message.pieces.0, message.pieces.1)?;
    send(&file, Input::vector(&pieces), args.word(2))
}

fn recvmsg(args: &Args) -> Result {
    let file = open_socket(args)?;
    let message = Message::read(args.x[1])?;
    let pieces = pieces_at(message.pieces.0, message.pieces.1)?;
    let mut output = Output::vector(&pieces);
    let count = receive(&file, &mut output, args.word(2))?;
    let place = |offset| args.x[1].wrapping_add(offset);
    user::write_value(place(NAME_LENGTH), &0_u32)?;
    user::write_value(place(ANCILLARY_LENGTH), &0_u64)?;
    user::write_value(place(FLAGS), &0_u32)?;
    Ok(count)
}

const SOL_SOCKET: u32 = 1;
const SO_TYPE: u32 = 3;
const SO_ERROR: u32 = 4;
const SO_PEERCRED: u32 = 17;
const SO_ACCEPTCONN: u32 = 30;
const SO_PROTOCOL: u32 = 38;
const SO_DOMAIN: u32 = 39;

fn getsockopt(args: &Args) -> Result {
    let file = open_socket(args)?;
    if args.word(1) != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP);
    }
    let value = match args.word(2) {
        SO_TYPE => SOCK_STREAM,
        SO_DOMAIN => AF_UNIX,
        SO_ERROR | SO_ACCEPTCONN | SO_PROTOCOL => 0,
        SO_PEERCRED => {
            let maker = file.downcast::<Socket>()?.maker;
            let bytes = maker.map(u32::to_ne_bytes);
            return write_counted(args.x[3], args.x[4], bytes.as_flattened());
        }
        _ => return Err(Errno::ENOPROTOOPT),
    };
    write_counted(args.x[3], args.x[4], &value.to_ne_bytes())
}

/// Nothing about a pair can be set.
fn setsockopt(args: &Args) -> Result {
    open_socket(args)?;
    Err(Errno::ENOPROTOOPT)
}

fn shutdown(args: &Args) -> Result {
    let file = open_socket(args)?;
    let ways: &[Direction] = match args.word(1) {
        0 => &[Direction::In],
        1 => &[Direction::Out],
        2 => &[Direction::In, Direction::Out],
        _ => return Err(Errno::EINVAL),
    };
    let socket = file.downcast::<Socket>()?;
    ways.iter().for_each(|way| socket.shut(*way));
    Ok(0)
}
