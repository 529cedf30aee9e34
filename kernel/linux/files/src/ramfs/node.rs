//! An inode of the RAM file system.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::capability::Capability;
use kernel_core::path::PATH_MAX;

use super::data::{At, Data};
use super::directory::Directory;
use super::shared::{Charge, Shared};
use crate::buffer::Input;
use crate::clock;
use crate::inode::{FileType, NewInode, PERMISSION_MASK};
use crate::permission::{self, without_rights};
use crate::pipe::Pipe;
use crate::write_count::WriteCount;
use kernel_machine::sync::SpinLock;

mod access;

/// Stands for a name of more than `PATH_MAX` bytes.
const TOO_LONG: &str = "(too long)";

enum Body {
    File(Data),
    Directory(Directory<Node>),
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
    /// It has no name yet, and may get its first one.
    is_linkable: bool,
}

/// An inode.
pub struct Node {
    pub(super) shared: Arc<Shared>,
    _charge: Charge,
    number: u64,
    kind: FileType,
    body: Body,
    write_count: WriteCount,
    attributes: SpinLock<Attributes>,
    /// Itself, to hand out counted references.
    this: Weak<Node>,
}

impl Node {
    /// A node without a name.
    pub(super) fn new(
        shared: &Arc<Shared>,
        charge: Charge,
        new: &NewInode<'_>,
    ) -> Arc<Self> {
        let now = clock::now_ns();
        let attributes = Attributes {
            permissions: new.permissions & PERMISSION_MASK,
            links: if new.kind == FileType::Directory { 2 } else { 1 },
            uid: new.owners.uid,
            gid: new.owners.gid,
            accessed: now,
            modified: now,
            changed: now,
            parent: Weak::new(),
            is_linkable: false,
        };
        let body = match new.kind {
            FileType::Regular => Body::File(Data::new(shared)),
            FileType::Directory => Body::Directory(Directory::new()),
            FileType::Symlink => Body::Symlink(new.target.into()),
            FileType::Fifo => Body::Fifo(Pipe::new()),
            _ => Body::Special,
        };
        Arc::new_cyclic(|this| Self {
            shared: shared.clone(),
            _charge: charge,
            number: shared.allocate_number(),
            kind: new.kind,
            body,
            write_count: WriteCount::default(),
            attributes: SpinLock::new(attributes),
            this: this.clone(),
        })
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    pub(super) fn directory(&self) -> Result<&Directory<Node>, Errno> {
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

    /// Makes a plain file longer.
    pub(super) fn set_size(&self, size: u64) -> Result<(), Errno> {
        self.data()?.set_size(size)
    }

    /// True for a plain file that was ever mapped to be shared.
    pub(super) fn is_shared(&self) -> bool {
        self.data().is_ok_and(Data::is_shared)
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

    /// Notes that it has no name, though it is new.
    pub(super) fn nameless(&self, is_linkable: bool) {
        let mut attributes = self.attributes.lock();
        attributes.links = 0;
        attributes.is_linkable = is_linkable;
    }

    /// True once for a node that has no name yet and may get its first one,
    /// which costs nothing beside the node itself.
    pub(super) fn take_first_name(&self) -> bool {
        let mut attributes = self.attributes.lock();
        core::mem::take(&mut attributes.is_linkable)
    }

    /// Notes that one of its names is gone; for a directory, the only one.
    /// Its first name costs nothing beside the node itself.
    pub(super) fn unlinked(&self) {
        let mut attributes = self.attributes.lock();
        let gone = if self.kind == FileType::Directory { 2 } else { 1 };
        attributes.links = attributes.links.saturating_sub(gone);
        attributes.changed = clock::now_ns();
        if attributes.links == 0 {
            attributes.parent = Weak::new();
        } else {
            self.shared.inodes.give(1);
        }
    }

    /// Notes a change of a directory, with `added` more subdirectories.
    pub(super) fn names_changed(&self, added: i32) {
        let now = clock::now_ns();
        let mut attributes = self.attributes.lock();
        attributes.links = attributes.links.saturating_add_signed(added);
        (attributes.modified, attributes.changed) = (now, now);
    }

    /// Notes that contents were written or cut. A program that somebody
    /// changes who may not do everything gives no rights any more; while it
    /// may be written it does not run.
    fn contents_changed(&self) {
        let now = clock::now_ns();
        let mut attributes = self.attributes.lock();
        (attributes.modified, attributes.changed) = (now, now);
        let bits = attributes.permissions;
        drop(attributes);
        if without_rights(bits) != bits
            && !permission::has_any(Capability::FSETID)
        {
            let mut attributes = self.attributes.lock();
            attributes.permissions = without_rights(attributes.permissions);
        }
    }

    /// A directory's nodes, which leave it.
    pub(super) fn take_children(&self) -> Vec<Arc<Node>> {
        match &self.body {
            Body::Directory(directory) => directory.take_all(),
            _ => Vec::new(),
        }
    }

    /// Its name within the file system; `None` if it has none any more,
    /// [`TOO_LONG`] if it has one that no call could give.
    fn path(&self) -> Option<String> {
        // Names come last one first, each reversed, and are turned at the
        // end: no quadratic copying.
        let mut reversed = Vec::new();
        let mut number = self.number;
        let mut above = self.parent_node()?;
        loop {
            let name = above
                .directory()
                .ok()?
                .name_of(|node| node.number == number)?;
            if reversed.len() + name.len() + 2 > PATH_MAX {
                return Some(String::from(TOO_LONG));
            }
            reversed.extend(name.iter().rev());
            reversed.push(b'/');
            let next = above.parent_node()?;
            if Arc::ptr_eq(&next, &above) {
                reversed.reverse();
                return Some(String::from_utf8_lossy(&reversed).into_owned());
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
