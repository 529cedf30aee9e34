//! Open files that no name leads to: `anon_inode:[eventfd]` and the like.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::stat::{ANON_INODE_MAGIC, Statfs};

use super::clock;
use super::file::File;
use super::flags::OpenFlags;
use super::inode::{FileSystem, FileType, Inode, InodeId, Metadata};
use super::location::Location;
use super::mount::{self, Mount};
use super::open_file::OpenFile;
use super::room::has_room;

/// The inode of all files of one kind.
struct Anonymous {
    kind: &'static str,
}

impl Inode for Anonymous {
    fn id(&self) -> InodeId {
        InodeId { device: anonymous_mount().1, number: 1 }
    }

    fn kind(&self) -> FileType {
        FileType::Regular
    }

    fn metadata(&self) -> Metadata {
        let boot = clock::boot_time_ns();
        Metadata::of(self.id(), FileType::Regular, 0o600, boot)
    }

    fn nameless(&self) -> Option<String> {
        Some(format!("anon_inode:{}", self.kind))
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ENXIO)
    }
}

impl FileSystem for Anonymous {
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(Anonymous { kind: self.kind })
    }

    fn kind(&self) -> &'static str {
        "anon_inodefs"
    }

    fn statfs(&self) -> Statfs {
        Statfs { kind: ANON_INODE_MAGIC, bsize: 4096, ..Statfs::default() }
    }
}

fn anonymous_mount() -> &'static (Arc<Mount>, u64) {
    static MOUNT: spin::Once<(Arc<Mount>, u64)> = spin::Once::new();
    MOUNT.call_once(|| {
        let filesystem = Arc::new(Anonymous { kind: "" });
        let mount = Mount::detached(filesystem, "none");
        (mount, mount::allocate_device())
    })
}

/// Opens `file` for reading and writing. `/proc/PID/fd` shows `kind`.
///
/// # Errors
/// `ENFILE` if memory is short.
pub fn open(
    kind: &'static str,
    file: Arc<dyn File>,
    flags: OpenFlags,
) -> Result<Arc<OpenFile>, Errno> {
    if !has_room() {
        return Err(Errno::ENFILE);
    }
    let mount = anonymous_mount().0.clone();
    let location = Location { mount, inode: Arc::new(Anonymous { kind }) };
    Ok(OpenFile::new(location, file, flags | OpenFlags::READ_WRITE))
}
