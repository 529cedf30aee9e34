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
//! memory is bounded. `shutdown` shuts an end.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_abi::stat::{SOCKFS_MAGIC, Statfs};

use super::buffer::{Input, Output};
use super::clock;
use super::file::{Blocking, File};
use super::flags::{OpenFlags, PollEvents};
use super::inode::{FileSystem, FileType, Inode, InodeId, Metadata};
use super::location::Location;
use super::mount::{self, Mount};
use super::open_file::OpenFile;
use super::pipe::{End, Pipe};
use super::room::has_room;
use kernel_task::PollTable;

/// Who made a pair: what `SO_PEERCRED` tells (process, user, group).
pub type Maker = [u32; 3];

/// One of two connected sockets.
pub struct Socket {
    incoming: End,
    outgoing: End,
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
        let (incoming, outgoing) = (End::to_read(from), End::to_write(to));
        Arc::new(Self { incoming, outgoing, maker })
    }

    /// Nothing more goes this way; who waits for it learns of that.
    pub fn shut(&self, direction: Direction) {
        match direction {
            Direction::In => self.incoming.shut(),
            Direction::Out => self.outgoing.shut(),
        }
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
        self.incoming.peek(bytes, blocking)
    }
}

impl File for Socket {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.incoming.read(position, output, blocking)
    }

    fn write(
        &self,
        position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.outgoing.write(position, input, blocking)
    }

    fn poll(&self, mut table: Option<&mut PollTable>) -> PollEvents {
        let incoming = self.incoming.poll(table.as_deref_mut());
        let outgoing = self.outgoing.poll(table);
        let in_over = incoming.contains(PollEvents::HANG_UP);
        let out_over = outgoing.contains(PollEvents::ERROR);
        let mut events = (incoming | outgoing)
            & (PollEvents::READABLE | PollEvents::WRITABLE);
        // Whoever tries then does not wait: it learns of the end.
        if in_over {
            events |= PollEvents::READABLE;
        }
        if out_over {
            events |= PollEvents::WRITABLE;
        }
        events.set(PollEvents::HANG_UP, in_over && out_over);
        events
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        self.incoming.control(request, argument)
    }

    fn held(&self) -> usize {
        self.incoming.held() + self.outgoing.held()
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

    fn kind(&self) -> FileType {
        FileType::Socket
    }

    fn metadata(&self) -> Metadata {
        Metadata::of(self.id(), FileType::Socket, 0o777, self.created)
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
    if !has_room() {
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
