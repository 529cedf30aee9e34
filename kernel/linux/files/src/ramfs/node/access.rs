//! A node as the rest of the kernel sees it: inode, open file, pages.

use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;
use core::ops::Range;

use kernel_abi::Errno;

use super::super::data::At;
use super::super::mapping;
use super::super::rename::rename;
use super::super::shared::check_room;
use super::{Attributes, Body, Node};
use crate::buffer::{Input, Output};
use crate::file::{Blocking, File, Offset};
use crate::flags::OpenFlags;
use crate::inode::{
    Change, Decide, DirectoryEntry, Extent, FileType, Inode, InodeId, Link,
    Metadata, NewInode, PERMISSION_MASK, Replace,
};
use crate::pipe::Pipe;
use crate::write_count::WriteCount;
use crate::{clock, device, inotify};
use kernel_machine::mm::{FrameRef, PageSource};

/// The node behind an inode of the same file system.
fn sibling<'a>(
    node: &Node,
    inode: &'a Arc<dyn Inode>,
) -> Result<&'a Node, Errno> {
    let any: &dyn Any = &**inode;
    any.downcast_ref::<Node>()
        .filter(|other| Arc::ptr_eq(&other.shared, &node.shared))
        .ok_or(Errno::EXDEV)
}

impl Attributes {
    fn apply(&mut self, change: &Change) {
        if let Some(permissions) = change.permissions {
            self.permissions = permissions & PERMISSION_MASK;
        }
        self.uid = change.uid.unwrap_or(self.uid);
        self.gid = change.gid.unwrap_or(self.gid);
        self.accessed = change.accessed.unwrap_or(self.accessed);
        self.modified = change.modified.unwrap_or(self.modified);
        self.changed = clock::now_ns();
    }
}

impl Node {
    /// Bytes, and units of 512 of them.
    fn size(&self) -> (u64, u64) {
        match &self.body {
            Body::File(data) => data.size(),
            Body::Symlink(target) => (target.len() as u64, 0),
            _ => (0, 0),
        }
    }

    fn describe(
        &self,
        (size, blocks): (u64, u64),
        attributes: &Attributes,
    ) -> Metadata {
        Metadata {
            id: self.id(),
            kind: self.kind,
            permissions: attributes.permissions,
            links: attributes.links,
            uid: attributes.uid,
            gid: attributes.gid,
            size,
            blocks,
            accessed: attributes.accessed,
            modified: attributes.modified,
            changed: attributes.changed,
        }
    }
}

impl Inode for Node {
    fn id(&self) -> InodeId {
        InodeId { device: self.shared.device, number: self.number }
    }

    fn kind(&self) -> FileType {
        self.kind
    }

    fn metadata(&self) -> Metadata {
        self.describe(self.size(), &self.attributes.lock())
    }

    fn change(&self, change: &Change) -> Result<(), Errno> {
        self.attributes.lock().apply(change);
        Ok(())
    }

    fn change_by(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        let size = self.size();
        let mut attributes = self.attributes.lock();
        let change = decide(&self.describe(size, &attributes))?;
        attributes.apply(&change);
        Ok(())
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        if !self.has_parent() {
            return None;
        }
        Some(self.parent_node()?)
    }

    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Ok(self.directory()?.get(name)?)
    }

    fn create(
        &self,
        name: &[u8],
        new: &NewInode<'_>,
    ) -> Result<Arc<dyn Inode>, Errno> {
        let directory = self.directory()?;
        let _changes = self.shared.changes.lock();
        directory.check_free(name)?;
        let charge = self.shared.charge(new)?;
        let node = Node::new(&self.shared, charge, new);
        node.set_parent(&self.this()?);
        directory.insert(name, node.clone());
        self.names_changed(i32::from(node.is_directory()));
        Ok(node)
    }

    fn link(&self, name: &[u8], target: &Arc<dyn Inode>) -> Result<(), Errno> {
        let node = sibling(self, target)?.this()?;
        if node.is_directory() {
            return Err(Errno::EPERM);
        }
        let directory = self.directory()?;
        let _changes = self.shared.changes.lock();
        directory.check_free(name)?;
        check_room()?;
        let this = self.this()?;
        if node.has_parent() {
            self.shared.charge_name()?;
        } else if !node.take_first_name() {
            return Err(Errno::ENOENT);
        }
        node.linked(&this, 1);
        directory.insert(name, node);
        self.names_changed(0);
        Ok(())
    }

    fn unlink(&self, name: &[u8]) -> Result<(), Errno> {
        let directory = self.directory()?;
        let changes = self.shared.changes.lock();
        let node = directory.get(name)?;
        if node.is_directory() {
            return Err(Errno::EISDIR);
        }
        directory.remove(name);
        node.unlinked();
        self.names_changed(0);
        // The file may end with `node`, which takes long if it is large.
        drop(changes);
        Ok(())
    }

    fn remove_directory(&self, name: &[u8]) -> Result<(), Errno> {
        let directory = self.directory()?;
        let _changes = self.shared.changes.lock();
        let node = directory.get(name)?;
        node.directory()?.retire()?;
        directory.remove(name);
        node.unlinked();
        self.names_changed(-1);
        Ok(())
    }

    fn rename(
        &self,
        name: &[u8],
        directory: &Arc<dyn Inode>,
        new_name: &[u8],
        replace: Replace,
    ) -> Result<(), Errno> {
        let from = self.this()?;
        let to = sibling(self, directory)?.this()?;
        let changes = self.shared.changes.lock();
        let replaced = rename(&from, name, &to, new_name, replace)?;
        // The file there may end, which takes long if it is large.
        drop(changes);
        drop(replaced);
        Ok(())
    }

    fn read_link(&self) -> Result<Link, Errno> {
        match &self.body {
            Body::Symlink(target) => Ok(Link::Path(target.to_vec())),
            _ => Err(Errno::EINVAL),
        }
    }

    fn read_directory(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        self.directory()?.visit(position, |name, node, next| {
            let entry_type = node.kind.entry_type();
            visit(&DirectoryEntry {
                name,
                number: node.number,
                entry_type,
                next,
            })
        });
        Ok(())
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        match (&self.body, self.kind) {
            (Body::Fifo(pipe), _) => Pipe::open(pipe, flags),
            (_, FileType::Character(number)) => device::open(number, flags),
            (Body::Special, _) => Err(Errno::ENXIO),
            _ => Ok(self.this()?),
        }
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        let forget = |first| mapping::forget_pages(self, first);
        self.data()?.truncate(size, forget)?;
        self.contents_changed();
        Ok(())
    }

    fn ends_watches(&self) -> bool {
        true
    }

    fn find_extent(&self, from: u64, wanted: Extent) -> Result<u64, Errno> {
        match &self.body {
            Body::File(data) => data.find_extent(from, wanted),
            _ => Err(Errno::ENXIO),
        }
    }

    fn punch(&self, range: Range<u64>) -> Result<(), Errno> {
        let is_empty = range.is_empty();
        self.data()?.punch(range)?;
        if !is_empty {
            self.contents_changed();
        }
        Ok(())
    }

    fn allocate(
        &self,
        range: Range<u64>,
        keeps_size: bool,
    ) -> Result<(), Errno> {
        self.data()?.allocate(range, keeps_size)?;
        self.contents_changed();
        Ok(())
    }

    fn create_nameless(
        &self,
        new: &NewInode<'_>,
        is_linkable: bool,
    ) -> Result<Arc<dyn Inode>, Errno> {
        self.directory()?;
        let charge = self.shared.charge(new)?;
        let node = Node::new(&self.shared, charge, new);
        node.nameless(is_linkable);
        Ok(node)
    }

    fn pages(&self) -> Option<Arc<dyn PageSource>> {
        self.data().ok()?;
        Some(self.this.upgrade()?)
    }

    fn shared_pages(
        &self,
        _may_write: bool,
    ) -> Result<Arc<dyn PageSource>, Errno> {
        self.data().map_err(|_| Errno::ENODEV)?.share()?;
        Ok(self.this()?)
    }

    fn write_count(&self) -> Option<&WriteCount> {
        matches!(self.body, Body::File(_)).then_some(&self.write_count)
    }
}

impl Drop for Node {
    /// Whoever watched it is told that it is gone; that of a file system that
    /// goes as a whole is not.
    fn drop(&mut self) {
        if inotify::is_used() && !self.has_parent() {
            inotify::forget(self.id());
        }
    }
}

impl File for Node {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.data()?.read(position, output)
    }

    fn write(
        &self,
        position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Ok(self.write_at(At::Position(position), input)?.0)
    }

    fn append(
        &self,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<(usize, u64), Errno> {
        self.write_at(At::End, input)
    }

    fn offset(&self) -> Offset {
        Offset::InTurn
    }
}

impl PageSource for Node {
    fn page(&self, index: usize) -> Result<FrameRef, Errno> {
        self.data()?.page(index as u64)
    }

    fn present_page(&self, index: usize) -> Option<FrameRef> {
        self.data().ok()?.present_page(index as u64)
    }

    fn name(&self) -> String {
        self.path().unwrap_or_else(|| String::from("(deleted)"))
    }

    fn inode(&self) -> u64 {
        self.number
    }
}
