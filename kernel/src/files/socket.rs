//! Pairs of connected sockets: two pipes, crossed (`socketpair(2)`,
//! `AF_UNIX`, `SOCK_STREAM`).
//!
//! ```text
//!  one socket                         the other
//!  incoming: end to read  <--- pipe ---  end to write :outgoing
//!  outgoing: end to write  --- pipe ---> end to read  :incoming
//! ```
//!
//! So everything that holds of pipes holds here: waits freeze in place, and
//! memory is bounded. `shutdown` lets go of an end.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_abi::stat::{SOCKFS_MAGIC, Statfs};

use super::buffer::{Input, Output};
use super::clock;
use super::file::{Blocking, File, OpenFile};
use super::flags::{OpenFlags, PollEvents};
use super::inode::{FileSystem, Inode, InodeId, Kind, Metadata};
use super::location::Location;
use super::mount::{self, Mount};
use super::pipe::{End, Pipe};
use crate::mm::frame;
use crate::sync::SpinLock;
use crate::task::PollTable;

/// Who made a pair: what `SO_PEERCRED` tells (process, user, group).
pub type Maker = [u32; 3];

/// One of two connected sockets.
pub struct Socket {
    incoming: SpinLock<Option<Arc<End>>>,
    outgoing: SpinLock<Option<Arc<End>>>,
    /// Who made it.
    pub maker: Maker,
}

/// A direction of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// What the other side sends.
    In,
    /// What this side sends.
    Out,
}

impl Socket {
    fn new(from: &Arc<Pipe>, to: &Arc<Pipe>, maker: Maker) -> Arc<Self> {
        let incoming = Some(Arc::new(End::to_read(from)));
        let outgoing = Some(Arc::new(End::to_write(to)));
        Arc::new(Self {
            incoming: SpinLock::new(incoming),
            outgoing: SpinLock::new(outgoing),
            maker,
        })
    }

    fn end(&self, direction: Direction) -> &SpinLock<Option<Arc<End>>> {
        match direction {
            Direction::In => &self.incoming,
            Direction::Out => &self.outgoing,
        }
    }

    /// Nothing more goes this way.
    pub fn shut(&self, direction: Direction) {
        let end = self.end(direction).lock().take();
        drop(end);
    }

    /// Copies what a read would give, and leaves it there.
    ///
    /// # Errors
    /// As [`File::read`].
    pub fn peek(
        &self,
        bytes: &mut [u8],
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let end = self.incoming.lock().clone();
        end.map_or(Ok(0), |end| end.peek(bytes, blocking))
    }
}

impl File for Socket {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let end = self.incoming.lock().clone();
        end.map_or(Ok(0), |end| end.read(position, output, blocking))
    }

    fn write(
        &self,
        position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let end = self.outgoing.lock().clone();
        end.ok_or(Errno::EPIPE)?.write(position, input, blocking)
    }

    fn poll(&self, mut table: Option<&mut PollTable>) -> PollEvents {
        let mut events = PollEvents::empty();
        // One lock at a time.
        let incoming = self.incoming.lock().clone();
        let outgoing = self.outgoing.lock().clone();
        let is_over = |end: Option<Arc<End>>,
                       events: &mut PollEvents,
                       table: Option<&mut PollTable>,
                       (open, over)| {
            let found = end.map_or(PollEvents::HANG_UP, |it| it.poll(table));
            let over_now =
                found.intersects(PollEvents::HANG_UP | PollEvents::ERROR);
            events.set(over, over_now || found.contains(open));
            over_now
        };
        let readable = (PollEvents::READABLE, PollEvents::READABLE);
        let writable = (PollEvents::WRITABLE, PollEvents::WRITABLE);
        let in_over =
            is_over(incoming, &mut events, table.as_deref_mut(), readable);
        let out_over = is_over(outgoing, &mut events, table, writable);
        events.set(PollEvents::HANG_UP, in_over && out_over);
        events
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        let end = self.incoming.lock().clone();
        end.ok_or(Errno::EINVAL)?.control(request, argument)
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// A socket as an inode: only a number.
struct SocketInode {
    number: u64,
    created: u64,
}

impl SocketInode {
    fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Relaxed);
        Arc::new(Self { number, created: clock::now_ns() })
    }
}

impl Inode for SocketInode {
    fn id(&self) -> InodeId {
        InodeId { device: socket_mount().1, number: self.number }
    }

    fn kind(&self) -> Kind {
        Kind::Socket
    }

    fn metadata(&self) -> Metadata {
        Metadata::of(self.id(), Kind::Socket, 0o777, self.created)
    }

    fn nameless(&self) -> Option<String> {
        Some(format!("socket:[{}]", self.number))
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ENXIO)
    }
}

/// The file system of sockets: in no tree.
struct SocketFs {
    root: Arc<SocketInode>,
}

impl FileSystem for SocketFs {
    fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }

    fn kind(&self) -> &'static str {
        "sockfs"
    }

    fn statfs(&self) -> Statfs {
        Statfs { kind: SOCKFS_MAGIC, bsize: 4096, ..Statfs::default() }
    }
}

fn socket_mount() -> &'static (Arc<Mount>, u64) {
    static MOUNT: spin::Once<(Arc<Mount>, u64)> = spin::Once::new();
    MOUNT.call_once(|| {
        let filesystem = Arc::new(SocketFs { root: SocketInode::new() });
        let mount = Mount::detached(filesystem, "none");
        (mount, mount::allocate_device())
    })
}

/// Makes two connected sockets.
///
/// # Errors
/// `ENFILE` if memory is short.
pub fn open_pair(
    flags: OpenFlags,
    maker: Maker,
) -> Result<[Arc<OpenFile>; 2], Errno> {
    if frame::is_short() {
        return Err(Errno::ENFILE);
    }
    let (one, other) = (Pipe::new(), Pipe::new());
    let open = |from, to| {
        let location = Location {
            mount: socket_mount().0.clone(),
            inode: SocketInode::new(),
        };
        let socket = Socket::new(from, to, maker);
        OpenFile::new(location, socket, flags | OpenFlags::READ_WRITE)
    };
    Ok([open(&one, &other), open(&other, &one)])
}
