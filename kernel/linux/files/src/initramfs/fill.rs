//! Makes files out of an archive's entries.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::time::NS_PER_S;
use kernel_core::cpio::{ArchiveMember, Sink};
use kernel_core::path::PATH_MAX;

use crate::buffer::Input;
use crate::file::{Blocking, File};
use crate::flags::OpenFlags;
use crate::inode::{Change, DeviceNumber, FileType, Inode, NewInode};
use crate::location::Location;
use crate::walk::{Bounds, Last, LastLink, Part, Walk};

/// Identity of a file with several names: device and inode in the archive.
type Identity = ((u32, u32), u32);

/// What the data of the current entry is for.
enum Target {
    /// Nothing: a directory, a device, or a file that could not be made.
    Nothing,
    /// A plain file, and where its next byte goes.
    File { file: Arc<dyn File>, position: u64, inode: Arc<dyn Inode> },
    /// The target of a symbolic link with this name.
    Link { name: Vec<u8>, target: Vec<u8>, left: usize, change: Change },
}

/// Makes files. The first error is kept, and what it concerned left out.
pub(super) struct Filler {
    root: Location,
    target: Target,
    /// Time of the current file, set once it is complete.
    modified: u64,
    linked: BTreeMap<Identity, Arc<dyn Inode>>,
    error: Option<Errno>,
}

impl Filler {
    pub(super) fn new(root: Location) -> Self {
        Self {
            root,
            target: Target::Nothing,
            modified: 0,
            linked: BTreeMap::new(),
            error: None,
        }
    }

    /// Completes the last file.
    ///
    /// # Errors
    /// The first error of all.
    pub(super) fn finish(&mut self) -> Result<(), Errno> {
        self.complete();
        self.error.map_or(Ok(()), Err)
    }

    fn note(&mut self, result: Result<(), Errno>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }

    /// Writing the data changed the time of a file.
    fn complete(&mut self) {
        let target = core::mem::replace(&mut self.target, Target::Nothing);
        if let Target::File { inode, .. } = target {
            let modified = Some(self.modified);
            let change = Change { modified, ..Change::default() };
            self.note(inode.change(&change));
        }
    }

    fn walk<'a>(&self, name: &'a [u8]) -> Result<Walk<'a>, Errno> {
        let root = self.root.clone();
        Walk::new(root.clone(), || Ok(root), name, Bounds::empty())
    }

    fn begin(&mut self, entry: &ArchiveMember<'_>) -> Result<(), Errno> {
        let (major, minor) = entry.rdevice;
        let device = DeviceNumber::new(major, minor);
        let kind =
            FileType::from_mode(entry.mode, device).ok_or(Errno::EINVAL)?;
        self.modified = u64::from(entry.mtime) * NS_PER_S;
        match kind {
            FileType::Symlink => self.begin_link(entry),
            FileType::Directory => self.make_directory(entry),
            FileType::Regular => self.begin_file(entry),
            kind => self.make(entry, kind).map(drop),
        }
    }

    fn change(&self, entry: &ArchiveMember<'_>) -> Change {
        Change {
            permissions: Some(entry.mode),
            uid: Some(entry.uid),
            gid: Some(entry.gid),
            modified: Some(self.modified),
            accessed: Some(self.modified),
            ..Change::default()
        }
    }

    fn make_directory(
        &mut self,
        entry: &ArchiveMember<'_>,
    ) -> Result<(), Errno> {
        let found = self.walk(entry.name)?.finish(LastLink::Follow);
        match found {
            Ok(place) if place.is_directory() => {
                place.inode.change(&self.change(entry))
            }
            _ => self.make(entry, FileType::Directory).map(drop),
        }
    }

    fn begin_link(&mut self, entry: &ArchiveMember<'_>) -> Result<(), Errno> {
        let left = entry.size as usize;
        if left == 0 || left >= PATH_MAX {
            return Err(Errno::EINVAL);
        }
        let (name, change) = (entry.name.to_vec(), self.change(entry));
        let target = Vec::with_capacity(left);
        self.target = Target::Link { name, target, left, change };
        Ok(())
    }

    fn begin_file(&mut self, entry: &ArchiveMember<'_>) -> Result<(), Errno> {
        let identity = (entry.device, entry.inode);
        let known = self.linked.get(&identity).filter(|_| entry.nlink > 1);
        let inode = match known.cloned() {
            Some(inode) => {
                let (last, name) = self.free_name(entry.name)?;
                last.directory.inode.link(&name, &inode)?;
                inode
            }
            None => self.make(entry, FileType::Regular)?,
        };
        if entry.nlink > 1 {
            self.linked.insert(identity, inode.clone());
        }
        if entry.size > 0 {
            let file = inode.open(OpenFlags::WRITE_ONLY)?;
            self.target = Target::File { file, position: 0, inode };
        }
        Ok(())
    }

    fn make(
        &self,
        entry: &ArchiveMember<'_>,
        kind: FileType,
    ) -> Result<Arc<dyn Inode>, Errno> {
        let (last, name) = self.free_name(entry.name)?;
        let permissions = entry.mode;
        let new = NewInode::of_root(kind, permissions);
        let inode = last.directory.inode.create(&name, &new)?;
        inode.change(&self.change(entry))?;
        Ok(inode)
    }

    /// The place of a name, with nothing in it.
    fn free_name(&self, name: &[u8]) -> Result<(Last, Vec<u8>), Errno> {
        let last = self.walk(name)?.last()?;
        let Part::Name(name) = last.name.clone() else {
            return Err(Errno::EEXIST);
        };
        if let Ok(old) = last.directory.inode.lookup(&name) {
            match old.kind() {
                FileType::Directory => {
                    last.directory.inode.remove_directory(&name)?;
                }
                _ => last.directory.inode.unlink(&name)?,
            }
        }
        Ok((last, name))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        match &mut self.target {
            Target::Nothing => Ok(()),
            Target::File { file, position, .. } => {
                let mut input = Input::kernel(bytes);
                let count =
                    file.write(*position, &mut input, Blocking::Fail)?;
                *position += count as u64;
                (count == bytes.len()).then_some(()).ok_or(Errno::ENOSPC)
            }
            Target::Link { target, left, .. } => {
                target.extend_from_slice(bytes);
                *left -= bytes.len();
                if *left == 0 { self.make_link() } else { Ok(()) }
            }
        }
    }

    fn make_link(&mut self) -> Result<(), Errno> {
        let link = core::mem::replace(&mut self.target, Target::Nothing);
        let Target::Link { name, target, change, .. } = link else {
            return Ok(());
        };
        let (last, name) = self.free_name(&name)?;
        let kind = FileType::Symlink;
        let target = &target[..];
        let new = NewInode { target, ..NewInode::of_root(kind, 0o777) };
        let inode = last.directory.inode.create(&name, &new)?;
        inode.change(&Change { permissions: None, ..change })
    }
}

impl Sink for Filler {
    fn entry(&mut self, entry: &ArchiveMember<'_>) {
        self.complete();
        let result = self.begin(entry);
        self.note(result);
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Err(error) = self.write(bytes) {
            // The rest of the file would come to a wrong place.
            self.target = Target::Nothing;
            self.note(Err(error));
        }
    }

    fn skipped(&mut self, at: usize) {
        self.complete();
        log::error!("initramfs: name too long at byte {at}, left out");
    }
}
