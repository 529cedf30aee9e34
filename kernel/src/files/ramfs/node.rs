//! An inode of the RAM file system.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use kernel_abi::Errno;

use super::data::{At, Data};
use super::directory::Directory;
use super::{Shared, check_room};
use crate::files::buffer::{Input, Output};
use crate::files::file::{Blocking, File, Offset, OpenFlags};
use crate::files::inode::{
    Change, Entry, Inode, InodeId, Kind, Link, Metadata, NewInode,
    PERMISSION_MASK, Replace,
};
use crate::files::pipe::Pipe;
use crate::files::{clock, device};
use crate::mm::{FrameRef, PageSource};
use crate::sync::SpinLock;

enum Body {
    File(Data),
    Directory(Directory),
    Symlink(Box<[u8]>),
    Fifo(Arc<Pipe>),
    /// Devices and sockets: only the kind counts.
    Special,
}

struct Attributes {
    permissions: u32,
    links: u32,
    uid: u32,
    gid: u32,
    accessed: u64,
    modified: u64,
    changed: u64,
    /// The directory in which it was last linked.
    parent: Weak<Node>,
}

/// An inode.
pub struct Node {
    pub(super) shared: Arc<Shared>,
    number: u64,
    kind: Kind,
    body: Body,
    attributes: SpinLock<Attributes>,
    /// Itself, to hand out counted references.
    this: Weak<Node>,
}

impl Node {
    /// A node without a name.
    pub(super) fn new(shared: &Arc<Shared>, new: &NewInode<'_>) -> Arc<Self> {
        let now = clock::now_ns();
        let attributes = Attributes {
            permissions: new.permissions & PERMISSION_MASK,
            links: if new.kind == Kind::Directory { 2 } else { 1 },
            uid: 0,
            gid: 0,
            accessed: now,
            modified: now,
            changed: now,
            parent: Weak::new(),
        };
        let body = match new.kind {
            Kind::Regular => Body::File(Data::new()),
            Kind::Directory => Body::Directory(Directory::new()),
            Kind::Symlink => Body::Symlink(new.target.into()),
            Kind::Fifo => Body::Fifo(Pipe::new()),
            _ => Body::Special,
        };
        Arc::new_cyclic(|this| Self {
            shared: shared.clone(),
            number: shared.allocate_number(),
            kind: new.kind,
            body,
            attributes: SpinLock::new(attributes),
            this: this.clone(),
        })
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn directory(&self) -> Result<&Directory, Errno> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn data(&self) -> Result<&Data, Errno> {
        match &self.body {
            Body::File(data) => Ok(data),
            Body::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    /// A counted reference to itself.
    pub(super) fn this(&self) -> Result<Arc<Node>, Errno> {
        self.this.upgrade().ok_or(Errno::ENOENT)
    }

    pub(super) fn set_parent(&self, parent: &Arc<Node>) {
        self.attributes.lock().parent = Arc::downgrade(parent);
    }

    pub(super) fn parent_node(&self) -> Option<Arc<Node>> {
        self.attributes.lock().parent.upgrade()
    }

    /// Notes that it has `added` more names, and where.
    pub(super) fn linked(&self, parent: &Arc<Node>, added: u32) {
        let mut attributes = self.attributes.lock();
        attributes.links += added;
        attributes.changed = clock::now_ns();
        attributes.parent = Arc::downgrade(parent);
    }

    /// Notes that one of its names is gone; for a directory, the only one.
    pub(super) fn unlinked(&self) {
        let mut attributes = self.attributes.lock();
        let gone = if self.kind == Kind::Directory { 2 } else { 1 };
        attributes.links = attributes.links.saturating_sub(gone);
        attributes.changed = clock::now_ns();
        if attributes.links == 0 {
            attributes.parent = Weak::new();
        }
    }

    /// Notes a change of a directory, with `added` more subdirectories.
    pub(super) fn names_changed(&self, added: i32) {
        let now = clock::now_ns();
        let mut attributes = self.attributes.lock();
        attributes.links = attributes.links.saturating_add_signed(added);
        (attributes.modified, attributes.changed) = (now, now);
    }

    fn contents_changed(&self) {
        self.names_changed(0);
    }

    /// A directory's nodes, which leave it.
    pub(super) fn take_children(&self) -> Vec<Arc<Node>> {
        match &self.body {
            Body::Directory(directory) => directory.take_all(),
            _ => Vec::new(),
        }
    }

    /// Its name within the file system; `None` if it has none any more.
    fn path(&self) -> Option<String> {
        let mut path = String::new();
        let mut number = self.number;
        let mut above = self.parent_node()?;
        loop {
            let name = above.directory().ok()?.name_of(number)?;
            path = format!("/{}{path}", String::from_utf8_lossy(&name));
            let next = above.parent_node()?;
            if Arc::ptr_eq(&next, &above) {
                return Some(path);
            }
            number = above.number;
            above = next;
        }
    }

    fn has_parent(&self) -> bool {
        self.attributes.lock().links > 0
    }

    fn write_at(
        &self,
        at: At,
        input: &mut Input<'_>,
    ) -> Result<(usize, u64), Errno> {
        let result = self.data()?.write(at, input)?;
        self.contents_changed();
        Ok(result)
    }
}

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

impl Inode for Node {
    fn id(&self) -> InodeId {
        InodeId { device: self.shared.device, number: self.number }
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn metadata(&self) -> Metadata {
        let (size, blocks) = match &self.body {
            Body::File(data) => data.size(),
            Body::Symlink(target) => (target.len() as u64, 0),
            _ => (0, 0),
        };
        let attributes = self.attributes.lock();
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

    fn change(&self, change: &Change) -> Result<(), Errno> {
        let mut attributes = self.attributes.lock();
        if let Some(permissions) = change.permissions {
            attributes.permissions = permissions & PERMISSION_MASK;
        }
        attributes.uid = change.uid.unwrap_or(attributes.uid);
        attributes.gid = change.gid.unwrap_or(attributes.gid);
        attributes.accessed = change.accessed.unwrap_or(attributes.accessed);
        attributes.modified = change.modified.unwrap_or(attributes.modified);
        attributes.changed = clock::now_ns();
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
        check_room()?;
        let node = Node::new(&self.shared, new);
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
        if !node.has_parent() {
            return Err(Errno::ENOENT);
        }
        check_room()?;
        node.linked(&self.this()?, 1);
        directory.insert(name, node);
        self.names_changed(0);
        Ok(())
    }

    fn unlink(&self, name: &[u8]) -> Result<(), Errno> {
        let directory = self.directory()?;
        let _changes = self.shared.changes.lock();
        let node = directory.get(name)?;
        if node.is_directory() {
            return Err(Errno::EISDIR);
        }
        directory.remove(name);
        node.unlinked();
        self.names_changed(0);
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
        let _changes = self.shared.changes.lock();
        super::directory::rename(&from, name, &to, new_name, replace)
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
        visit: &mut dyn FnMut(&Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        self.directory()?.visit(position, visit);
        Ok(())
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        match (&self.body, self.kind) {
            (Body::Fifo(pipe), _) => Pipe::open(pipe, flags),
            (_, Kind::Character(number)) => device::open(number, flags),
            (Body::Special, _) => Err(Errno::ENXIO),
            _ => Ok(self.this()?),
        }
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        self.data()?.truncate(size)?;
        self.contents_changed();
        Ok(())
    }

    fn pages(&self) -> Option<Arc<dyn PageSource>> {
        self.data().ok()?;
        Some(self.this.upgrade()?)
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
