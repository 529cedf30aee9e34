//! Pipes as files: one opened by name, and those without a name.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::Ordering::SeqCst;

use kernel_abi::Errno;
use kernel_abi::stat::{PIPEFS_MAGIC, Statfs};

use super::end::End;
use super::stream::{Pipe, Side};
use crate::OpenFile;
use crate::file::{File, interrupted};
use crate::flags::OpenFlags;
use crate::inode::{FileSystem, FileType, Inode, InodeId, Metadata};
use crate::location::Location;
use crate::mount::{self, Mount};
use crate::room::has_room;

impl Pipe {
    /// Opens a pipe by name; waits for the other end, unless asked not to.
    ///
    /// # Errors
    /// `ENXIO` to write without a reader and without waiting; `ERESTARTSYS`
    /// by a signal.
    pub fn open(
        this: &Arc<Self>,
        flags: OpenFlags,
    ) -> Result<Arc<dyn File>, Errno> {
        let side = match (flags.can_read(), flags.can_write()) {
            (true, true) => Side::Both,
            (true, false) => Side::Read,
            _ => Side::Write,
        };
        let must_wait = !flags.contains(OpenFlags::NON_BLOCKING);
        if side == Side::Write && !must_wait && !this.readers.any() {
            return Err(Errno::ENXIO);
        }
        let end = End::new(this, side);
        let (own, others) = match side {
            Side::Read => (&this.readable, &this.writers),
            Side::Write => (&this.writable, &this.readers),
            Side::Both => return Ok(Arc::new(end)),
        };
        let before = others.ever.load(SeqCst);
        let came = || others.any() || others.ever.load(SeqCst) != before;
        if must_wait {
            own.wait_until("wait_for_partner", || came().then_some(()))
                .map_err(interrupted)?;
        }
        Ok(Arc::new(end))
    }
}

impl Inode for Pipe {
    fn id(&self) -> InodeId {
        InodeId { device: pipe_mount().1, number: self.number }
    }

    fn kind(&self) -> FileType {
        FileType::Fifo
    }

    fn metadata(&self) -> Metadata {
        Metadata::of(self.id(), FileType::Fifo, 0o600, self.created)
    }

    fn nameless(&self) -> Option<String> {
        Some(format!("pipe:[{}]", self.number))
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        let this = self.this.upgrade().ok_or(Errno::ENXIO)?;
        Pipe::open(&this, flags)
    }
}

/// The file system of pipes without a name: in no tree, with no directory
/// that anybody could reach.
struct PipeFs {
    root: Arc<Pipe>,
}

impl FileSystem for PipeFs {
    fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }

    fn kind(&self) -> &'static str {
        "pipefs"
    }

    fn statfs(&self) -> Statfs {
        Statfs { kind: PIPEFS_MAGIC, bsize: 4096, ..Statfs::default() }
    }
}

fn pipe_mount() -> &'static (Arc<Mount>, u64) {
    static MOUNT: spin::Once<(Arc<Mount>, u64)> = spin::Once::new();
    MOUNT.call_once(|| {
        let filesystem = Arc::new(PipeFs { root: Pipe::new() });
        let mount = Mount::detached(filesystem, "none");
        (mount, mount::allocate_device())
    })
}

/// Makes a pipe without a name: the end to read and the end to write.
///
/// # Errors
/// `ENFILE` if memory is short, or the user has too much in pipes.
pub fn open_pair(
    flags: OpenFlags,
) -> Result<(Arc<OpenFile>, Arc<OpenFile>), Errno> {
    if !has_room() {
        return Err(Errno::ENFILE);
    }
    let pipe = Pipe::counted()?;
    let location =
        Location { mount: pipe_mount().0.clone(), inode: pipe.clone() };
    let open = |side, access| {
        let end = Arc::new(End::new(&pipe, side));
        OpenFile::new(location.clone(), end, access)
    };
    let read = open(Side::Read, flags);
    let write = open(Side::Write, flags | OpenFlags::WRITE_ONLY);
    Ok((read, write))
}
