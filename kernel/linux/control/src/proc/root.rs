//! `/proc` itself: the attributes, `self`, and a directory per process.

use alloc::format;
use alloc::sync::Arc;

use kernel_abi::Errno;

use super::inode::{ProcessInode, Root, decimal};
use super::target;
use super::tree::base;
use kernel_files::attribute::OpenDirectory;
use kernel_files::clock;
use kernel_files::file::File;
use kernel_files::flags::OpenFlags;
use kernel_files::inode::{
    DirectoryEntry, FileType, Inode, InodeId, Link, Metadata,
};
use kernel_process::thread_of;
use kernel_task::current;

/// Positions of processes in the directory come after all attributes.
const FIRST_PROCESS: u64 = 1 << 32;

impl Inode for Root {
    fn id(&self) -> InodeId {
        base().tree.root().id()
    }

    fn kind(&self) -> FileType {
        FileType::Directory
    }

    fn metadata(&self) -> Metadata {
        let boot = clock::boot_time_ns();
        Metadata::of(self.id(), FileType::Directory, 0o555, boot)
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        Some(Arc::new(Root))
    }

    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        if let Some(process) = decimal(name) {
            return Ok(Arc::new(ProcessInode::directory(process)?));
        }
        match name {
            b"self" => Ok(Arc::new(Own::Process)),
            b"thread-self" => Ok(Arc::new(Own::Thread)),
            _ => base().tree.root().lookup(name),
        }
    }

    fn read_directory(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        if position < FIRST_PROCESS {
            let mut is_full = false;
            let tree = base().tree.root();
            tree.read_directory(position, &mut |entry| {
                is_full = !visit(entry);
                !is_full
            })?;
            if is_full {
                return Ok(());
            }
        }
        let own = [("self", Own::Process), ("thread-self", Own::Thread)];
        for (at, (name, link)) in (FIRST_PROCESS..).zip(own) {
            let entry = DirectoryEntry {
                name: name.as_bytes(),
                number: link.id().number,
                entry_type: FileType::Symlink.entry_type(),
                next: at + 1,
            };
            if at >= position && !visit(&entry) {
                return Ok(());
            }
        }
        let least = position.saturating_sub(FIRST_PROCESS + 2);
        for process in target::processes() {
            let name = format!("{process}");
            let entry = DirectoryEntry {
                name: name.as_bytes(),
                number: ProcessInode::number_of(process),
                entry_type: FileType::Directory.entry_type(),
                next: FIRST_PROCESS + 2 + u64::from(process) + 1,
            };
            if u64::from(process) >= least && !visit(&entry) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(OpenDirectory))
    }
}

/// The links to the caller's own directories.
#[derive(Clone, Copy)]
enum Own {
    Process,
    Thread,
}

impl Inode for Own {
    fn id(&self) -> InodeId {
        // Numbers of attributes are small, those of processes large.
        let number = FIRST_PROCESS + *self as u64;
        InodeId { device: base().device, number }
    }

    fn kind(&self) -> FileType {
        FileType::Symlink
    }

    fn metadata(&self) -> Metadata {
        let boot = clock::boot_time_ns();
        Metadata::of(self.id(), FileType::Symlink, 0o777, boot)
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        Some(Arc::new(Root))
    }

    fn read_link(&self) -> Result<Link, Errno> {
        let task = current();
        let thread = thread_of(&task).ok_or(Errno::ENOENT)?;
        let (process, thread) = (thread.process.id, thread.id());
        let target = match self {
            Own::Process => format!("{process}"),
            Own::Thread => format!("{process}/task/{thread}"),
        };
        Ok(Link::Path(target.into_bytes()))
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ELOOP)
    }
}
