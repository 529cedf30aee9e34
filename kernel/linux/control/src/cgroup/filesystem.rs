//! The two file systems: directories are groups.
//!
//! A mount shows a hierarchy that exists whether it is mounted or not; a
//! second mount shows the same. Inodes are made as they are looked up, and
//! name their group by its handle.

use alloc::string::String;
use alloc::sync::{Arc, Weak};

use kernel_abi::Errno;
use kernel_abi::stat::{CGROUP_MAGIC, CGROUP2_MAGIC, Statfs};
use kernel_core::cgroup::attribute::{AttributeTable, DIRECTORY};
use kernel_core::cgroup::{Handle, ROOT_HANDLE, Tree};
use kernel_core::freezer::Hierarchy;
use kernel_core::path::{NAME_MAX, mount_options};

use super::attribute;
use super::file;
use super::forest::forest;
use super::group::Group;
use super::inode::{NUMBERS, inode_id};
use super::row::{self, Row};
use kernel_files::attribute::OpenDirectory;
use kernel_files::file::File;
use kernel_files::flags::OpenFlags;
use kernel_files::inode::{
    Decide, DirectoryEntry, FIRST_ENTRY, FileSystem, FileType, Inode, InodeId,
    Metadata, NewInode, Owners, Replace,
};
use kernel_files::{inotify, mount};
use kernel_machine::sync::{Rank, SpinLock};

/// A hierarchy as it is mounted.
struct CgroupFs(Hierarchy);

/// The mounted ones: cgroup v1's and v2's.
static MOUNTED: SpinLock<[Weak<CgroupFs>; 2]> =
    SpinLock::with_rank(Rank::Process, [const { Weak::new() }; 2]);

/// Position of the first child in a directory.
const FIRST_CHILD: u64 = FIRST_ENTRY + NUMBERS;

/// Whether a hierarchy is in use: mounted, or with groups.
pub(super) fn is_active(hierarchy: Hierarchy) -> bool {
    let mounts = MOUNTED.lock()[hierarchy as usize].strong_count();
    mounts != 0 || forest().tree(hierarchy).count() > 1
}

/// Lets both be mounted.
pub(super) fn register_types() {
    mount::register_type("cgroup", |_, options| {
        check_options(options, &[b"freezer", b"all"])?;
        Ok(filesystem(Hierarchy::V1))
    });
    mount::register_type("cgroup2", |_, options| {
        check_options(options, &[b"nsdelegate"])?;
        Ok(filesystem(Hierarchy::V2))
    });
}

/// There is one controller of cgroup v1; others are unknown.
fn check_options(options: &[u8], known: &[&[u8]]) -> Result<(), Errno> {
    let mut all = mount_options(options);
    match all.all(|(name, value)| value.is_none() && known.contains(&name)) {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

fn filesystem(hierarchy: Hierarchy) -> Arc<dyn FileSystem> {
    let mut mounted = MOUNTED.lock();
    let place = &mut mounted[hierarchy as usize];
    if let Some(filesystem) = place.upgrade() {
        return filesystem;
    }
    let filesystem = Arc::new(CgroupFs(hierarchy));
    *place = Arc::downgrade(&filesystem);
    filesystem
}

impl FileSystem for CgroupFs {
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(Directory { hierarchy: self.0, group: ROOT_HANDLE })
    }

    fn kind(&self) -> &'static str {
        match self.0 {
            Hierarchy::V1 => "cgroup",
            Hierarchy::V2 => "cgroup2",
        }
    }

    fn options(&self) -> String {
        match self.0 {
            Hierarchy::V1 => String::from(",freezer"),
            Hierarchy::V2 => String::new(),
        }
    }

    fn statfs(&self) -> Statfs {
        let kind = match self.0 {
            Hierarchy::V1 => CGROUP_MAGIC,
            Hierarchy::V2 => CGROUP2_MAGIC,
        };
        Statfs {
            kind,
            bsize: 4096,
            frsize: 4096,
            namelen: NAME_MAX as u64,
            ..Statfs::default()
        }
    }
}

/// A group's directory.
pub(super) struct Directory {
    pub(super) hierarchy: Hierarchy,
    pub(super) group: Handle,
}

impl Directory {
    /// Looks for names in the group. Once it was removed, it has none
    /// (SPECIFICATION.md Y2).
    fn with<T>(
        &self,
        look: impl FnOnce(&mut Tree) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let mut forest = forest();
        let tree = forest.tree(self.hierarchy);
        tree.get(self.group).map_err(|_| Errno::ENOENT)?;
        look(tree)
    }

    fn at(&self, group: Handle) -> Arc<dyn Inode> {
        Arc::new(Directory { hierarchy: self.hierarchy, group })
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &'static Row)> {
        row::rows(self.hierarchy, self.group == ROOT_HANDLE)
    }
}

impl Inode for Directory {
    fn id(&self) -> InodeId {
        inode_id(self.hierarchy, self.group.slot, None)
    }

    fn kind(&self) -> FileType {
        FileType::Directory
    }

    fn metadata(&self) -> Metadata {
        directory_metadata(self.id(), forest().tree(self.hierarchy), self.group)
    }

    fn change_by(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        let mut forest = forest();
        let tree = forest.tree(self.hierarchy);
        let now = directory_metadata(self.id(), tree, self.group);
        let change = decide(&now)?;
        let table = &mut tree.get_mut(self.group)?.attributes;
        attribute::change(table, DIRECTORY, &now, &change);
        Ok(())
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        let parent = self.with(|tree| tree.parent(self.group)).ok()?;
        Some(self.at(parent))
    }

    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        let row = self.rows().find(|(_, row)| row.name.as_bytes() == name);
        if let Some((index, row)) = row {
            self.with(|_| Ok(()))?;
            let (hierarchy, group) = (self.hierarchy, self.group);
            return Ok(Arc::new(GroupInode { hierarchy, group, index, row }));
        }
        Ok(self.at(self.with(|tree| tree.find(self.group, name))?))
    }

    fn create(
        &self,
        name: &[u8],
        new: &NewInode<'_>,
    ) -> Result<Arc<dyn Inode>, Errno> {
        if new.kind != FileType::Directory {
            return Err(match new.kind {
                FileType::Regular => Errno::EACCES,
                _ => Errno::EPERM,
            });
        }
        if self.rows().any(|(_, row)| row.name.as_bytes() == name) {
            return Err(Errno::EEXIST);
        }
        let Owners { uid, gid } = new.owners;
        let attributes = AttributeTable::new([uid, gid], new.permissions);
        let made = forest().make(self.hierarchy, self.group, name, attributes);
        Ok(self.at(made.map_err(no_name)?))
    }

    fn remove_directory(&self, name: &[u8]) -> Result<(), Errno> {
        if self.rows().any(|(_, row)| row.name.as_bytes() == name) {
            return Err(Errno::ENOTDIR);
        }
        let removed = forest().remove(self.hierarchy, self.group, name);
        let slot = removed.map_err(no_name)?;
        for (index, _) in row::rows(self.hierarchy, false) {
            inotify::forget(inode_id(self.hierarchy, slot, Some(index)));
        }
        Ok(())
    }

    fn rename(
        &self,
        name: &[u8],
        directory: &Arc<dyn Inode>,
        new_name: &[u8],
        _replace: Replace,
    ) -> Result<(), Errno> {
        if self.hierarchy == Hierarchy::V2 {
            return Err(Errno::EPERM);
        }
        if self.rows().any(|(_, row)| row.name.as_bytes() == name) {
            return Err(Errno::ENOTDIR);
        }
        if self.rows().any(|(_, row)| row.name.as_bytes() == new_name) {
            return Err(Errno::EEXIST);
        }
        let any: &dyn core::any::Any = &**directory;
        let to = any.downcast_ref::<Directory>().ok_or(Errno::EXDEV)?;
        if to.hierarchy != self.hierarchy {
            return Err(Errno::EXDEV);
        }
        self.with(|tree| tree.rename(self.group, name, to.group, new_name))
    }

    fn read_directory(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        for (index, row) in self.rows() {
            let at = FIRST_ENTRY + index as u64;
            let id = inode_id(self.hierarchy, self.group.slot, Some(index));
            let entry = DirectoryEntry {
                name: row.name.as_bytes(),
                number: id.number,
                entry_type: FileType::Regular.entry_type(),
                next: at + 1,
            };
            if at >= position && !visit(&entry) {
                return Ok(());
            }
        }
        let least = position.saturating_sub(FIRST_CHILD);
        self.with(|tree| {
            for (slot, group) in tree.children(self.group, least)? {
                let id = inode_id(self.hierarchy, slot, None);
                let entry = DirectoryEntry {
                    name: group.name(),
                    number: id.number,
                    entry_type: FileType::Directory.entry_type(),
                    next: FIRST_CHILD + Tree::number(group) + 1,
                };
                if !visit(&entry) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(OpenDirectory))
    }
}

/// There are no names in a group that was removed.
fn no_name(error: Errno) -> Errno {
    if error == Errno::ENODEV { Errno::ENOENT } else { error }
}

/// What `stat` tells of a group's directory, also once that was removed.
fn directory_metadata(id: InodeId, tree: &Tree, group: Handle) -> Metadata {
    let none = AttributeTable::default();
    let found = tree.get(group);
    let table = found.as_ref().map_or(&none, |group| &group.attributes);
    let attributes = table.get(DIRECTORY, 0);
    let children = tree.children(group, 0).map_or(0, Iterator::count);
    let metadata = attribute::metadata(id, FileType::Directory, attributes);
    Metadata { links: 2 + children as u32, ..metadata }
}

/// A file of a group.
struct GroupInode {
    hierarchy: Hierarchy,
    group: Handle,
    index: usize,
    row: &'static Row,
}

impl GroupInode {
    fn metadata_in(&self, tree: &Tree) -> Metadata {
        let none = AttributeTable::default();
        let found = tree.get(self.group);
        let table = found.as_ref().map_or(&none, |group| &group.attributes);
        let attributes = table.get(self.index, self.row.permissions.into());
        attribute::metadata(self.id(), FileType::Regular, attributes)
    }
}

impl Inode for GroupInode {
    fn id(&self) -> InodeId {
        inode_id(self.hierarchy, self.group.slot, Some(self.index))
    }

    fn kind(&self) -> FileType {
        FileType::Regular
    }

    fn metadata(&self) -> Metadata {
        self.metadata_in(forest().tree(self.hierarchy))
    }

    fn change_by(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        let mut forest = forest();
        let tree = forest.tree(self.hierarchy);
        let now = self.metadata_in(tree);
        let change = decide(&now)?;
        let table = &mut tree.get_mut(self.group)?.attributes;
        attribute::change(table, self.index, &now, &change);
        Ok(())
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        let (hierarchy, group) = (self.hierarchy, self.group);
        Some(Arc::new(Directory { hierarchy, group }))
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        forest().tree(self.hierarchy).get(self.group)?;
        let (hierarchy, handle) = (self.hierarchy, self.group);
        Ok(file::open(Group { hierarchy, handle }, &self.row.content))
    }

    fn truncate(&self, _size: u64) -> Result<(), Errno> {
        // `>` in a shell cuts first; there is nothing to cut.
        Ok(())
    }
}
