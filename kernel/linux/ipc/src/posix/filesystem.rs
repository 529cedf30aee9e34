//! The file system `mqueue`: one directory, in which everybody may make
//! queues and nobody takes away those of others.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::ipc::MqAttr;
use kernel_abi::stat::{MQUEUE_MAGIC, Statfs};
use kernel_core::capability::Capability;
use kernel_core::path::NAME_MAX;
use kernel_files::attribute::OpenDirectory;
use kernel_files::file::File;
use kernel_files::inode::{
    DirectoryEntry, FIRST_ENTRY, FileSystem, FileType, Inode, InodeId,
    Metadata, NewInode,
};
use kernel_files::mount::Mount;
use kernel_files::{OpenFlags, clock};
use kernel_machine::sync::{Rank, SpinLock, copy_out};

use super::queue::{self, Queue, device};
use crate::caller::Caller;
use crate::room::check_room;
use crate::setting;

/// Everybody writes; names belong to the owners of what they name.
const PERMISSIONS: u32 = 0o1777;

type Named = (Arc<[u8]>, Arc<Queue>);

/// All queues with a name, in the order of the names.
static NAMES: SpinLock<Vec<Named>> =
    SpinLock::with_rank(Rank::Object, Vec::new());

/// Where the queue with this name stands, or would.
fn search(names: &[Named], name: &[u8]) -> Result<usize, usize> {
    names.binary_search_by(|it| (*it.0).cmp(name))
}

/// The one that there is.
pub(super) fn instance() -> Arc<dyn FileSystem> {
    static ONE: spin::Once<Arc<MessageFs>> = spin::Once::new();
    ONE.call_once(|| Arc::new(MessageFs)).clone()
}

/// The mount through which `mq_open` finds queues.
pub(super) fn kernel_mount() -> &'static Arc<Mount> {
    static MOUNT: spin::Once<Arc<Mount>> = spin::Once::new();
    MOUNT.call_once(|| Mount::detached(instance(), "mqueue"))
}

struct MessageFs;

impl FileSystem for MessageFs {
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(Root)
    }

    fn kind(&self) -> &'static str {
        "mqueue"
    }

    fn statfs(&self) -> Statfs {
        Statfs {
            kind: MQUEUE_MAGIC,
            bsize: 4096,
            frsize: 4096,
            namelen: NAME_MAX as u64,
            ..Statfs::default()
        }
    }
}

/// The directory.
pub(super) struct Root;

impl Root {
    /// The queue with this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<Arc<Queue>> {
        let names = NAMES.lock();
        let place = search(&names, name).ok()?;
        Some(names[place].1.clone())
    }

    /// Takes the name of a queue away. False if that is not its name.
    pub(super) fn remove(&self, name: &[u8], queue: &Arc<Queue>) -> bool {
        let mut names = NAMES.lock();
        let found = search(&names, name).ok();
        let found = found.filter(|at| Arc::ptr_eq(&names[*at].1, queue));
        let gone = found.map(|at| names.remove(at));
        drop(names);
        gone.inspect(|it| it.1.unlinked()).is_some()
    }

    /// Gives a queue its name.
    ///
    /// # Errors
    /// `EEXIST`.
    pub(super) fn insert(
        &self,
        name: &[u8],
        queue: Arc<Queue>,
    ) -> Result<(), Errno> {
        let named = (Arc::from(name), queue);
        let mut names = NAMES.lock();
        match search(&names, name) {
            Ok(_) => Err(Errno::EEXIST),
            Err(place) => {
                names.insert(place, named);
                Ok(())
            }
        }
    }
}

/// Makes a queue.
pub(super) fn make(
    name: &[u8],
    new: &NewInode<'_>,
    shape: Option<&MqAttr>,
) -> Result<Arc<Queue>, Errno> {
    let caller = Caller::new();
    let limits = setting::posix();
    let may_more = caller.has(Capability::SYS_RESOURCE);
    if queue::count() as u64 >= limits.queues_max && !may_more {
        return Err(Errno::ENOSPC);
    }
    let shape = limits.shape(shape, may_more)?;
    check_room(0)?;
    let process = &kernel_process::current().process;
    let bytes = process.take_message_bytes(shape.cost())?;
    let queue = Queue::new(shape, new, bytes, Arc::new(Root));
    Root.insert(name, queue.clone())?;
    Ok(queue)
}

impl Inode for Root {
    fn id(&self) -> InodeId {
        InodeId { device: device(), number: 1 }
    }

    fn kind(&self) -> FileType {
        FileType::Directory
    }

    fn metadata(&self) -> Metadata {
        let boot = clock::boot_time_ns();
        Metadata::of(self.id(), FileType::Directory, PERMISSIONS, boot)
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        Some(Arc::new(Root))
    }

    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Ok(self.find(name).ok_or(Errno::ENOENT)?)
    }

    fn create(
        &self,
        name: &[u8],
        new: &NewInode<'_>,
    ) -> Result<Arc<dyn Inode>, Errno> {
        match new.kind {
            FileType::Regular => Ok(make(name, new, None)?),
            _ => Err(Errno::EPERM),
        }
    }

    fn unlink(&self, name: &[u8]) -> Result<(), Errno> {
        let queue = self.find(name).ok_or(Errno::ENOENT)?;
        let is_removed = self.remove(name, &queue);
        is_removed.then_some(()).ok_or(Errno::ENOENT)
    }

    fn read_directory(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        // Numbers of queues grow, so they serve as positions.
        let mut all: Vec<(Arc<[u8]>, u64)> = copy_out(|room| {
            let names = NAMES.lock();
            if names.len() <= room.capacity() {
                let numbers = names
                    .iter()
                    .map(|(name, queue)| (name.clone(), queue.id().number));
                room.extend(numbers);
            }
            names.len()
        });
        all.retain(|(_, number)| number + FIRST_ENTRY >= position);
        all.sort_by_key(|(_, number)| *number);
        for (name, number) in all {
            let entry = DirectoryEntry {
                name: &name,
                number,
                entry_type: FileType::Regular.entry_type(),
                next: number + FIRST_ENTRY + 1,
            };
            if !visit(&entry) {
                break;
            }
        }
        Ok(())
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(OpenDirectory))
    }
}
