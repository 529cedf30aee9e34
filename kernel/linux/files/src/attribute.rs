//! Trees of attributes: the whole of `/sys`, and the part of `/proc` that is
//! not about processes.
//!
//! An attribute is a file with one value, made when it is read and taken when
//! it is written. Names are added while the kernel runs and never removed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_core::path::{Component, Path};

use super::clock;
use super::file::{Blocking, File, Offset};
use super::flags::OpenFlags;
use super::generated::{Generated, Show, Store};
use super::inode::{
    DirectoryEntry, FIRST_ENTRY, FileType, Inode, InodeId, Link, Metadata,
};
use super::{Input, Output};
use kernel_machine::sync::{Rank, SpinLock, copy_out};

/// Makes the text of an attribute.
pub type ShowFn = fn() -> Result<String, Errno>;
/// Takes what was written to an attribute.
pub type StoreFn = fn(&[u8]) -> Result<(), Errno>;

/// A value that can be read, or written, or both.
#[derive(Clone, Copy)]
pub struct Attribute {
    show: Option<ShowFn>,
    store: Option<StoreFn>,
    /// Root alone may read it.
    is_private: bool,
}

impl Attribute {
    /// An attribute to be read and written.
    pub const fn new(show: ShowFn, store: StoreFn) -> Self {
        Self { show: Some(show), store: Some(store), is_private: false }
    }

    /// An attribute to be read.
    pub const fn read_only(show: ShowFn) -> Self {
        Self { show: Some(show), store: None, is_private: false }
    }

    /// The same for root alone.
    pub const fn private(self) -> Self {
        Self { is_private: true, ..self }
    }

    fn permissions(&self) -> u32 {
        let readers = if self.is_private { 0o400 } else { 0o444 };
        let read = if self.show.is_some() { readers } else { 0 };
        let write = if self.store.is_some() { 0o200 } else { 0 };
        read | write
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        let is_denied = flags.can_read() && self.show.is_none()
            || flags.can_write() && self.store.is_none();
        if is_denied {
            return Err(Errno::EACCES);
        }
        let show = self
            .show
            .map(|show| -> Show { Box::new(move || Ok(show()?.into_bytes())) });
        let store = self.store.map(|store| -> Store {
            // As on Linux, a write of nothing does nothing.
            Box::new(move |text| match text {
                [] => Ok(0),
                _ => store(text).map(|()| text.len()),
            })
        });
        Ok(Generated::new(show, store))
    }
}

type Name = Arc<[u8]>;

enum Body {
    Directory(SpinLock<BTreeMap<Name, Arc<Node>>>),
    Attribute(Attribute),
    Symlink(&'static str),
}

struct Node {
    device: u64,
    number: u64,
    body: Body,
    parent: Weak<Node>,
    this: Weak<Node>,
}

impl Node {
    fn new(device: u64, body: Body, parent: Weak<Node>) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new_cyclic(|this| Self {
            device,
            number: NEXT.fetch_add(1, Relaxed),
            body,
            parent,
            this: this.clone(),
        })
    }

    fn new_directory(device: u64, parent: Weak<Node>) -> Arc<Self> {
        let names = SpinLock::with_rank(Rank::Object, BTreeMap::new());
        Self::new(device, Body::Directory(names), parent)
    }

    fn names(&self) -> Result<&SpinLock<BTreeMap<Name, Arc<Node>>>, Errno> {
        match &self.body {
            Body::Directory(names) => Ok(names),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// The directory `name` in this one, made if it is not there.
    fn subdirectory(&self, name: &[u8]) -> Result<Arc<Node>, Errno> {
        let mut names = self.names()?.lock();
        if let Some(node) = names.get(name) {
            return Ok(node.clone());
        }
        let node = Node::new_directory(self.device, self.this.clone());
        names.insert(name.into(), node.clone());
        Ok(node)
    }
}

impl Node {
    /// The directory `path` below this one, made on the way.
    fn walk(self: &Arc<Self>, path: &str) -> Result<Arc<Node>, Errno> {
        let mut node = self.clone();
        if path.is_empty() {
            return Ok(node);
        }
        for step in Path::new(path.as_bytes())?.components() {
            match step? {
                Component::Name(name) => node = node.subdirectory(name)?,
                Component::Parent => return Err(Errno::EINVAL),
            }
        }
        Ok(node)
    }
}

/// A tree of attributes.
#[derive(Clone)]
pub struct Tree {
    root: Arc<Node>,
}

impl Tree {
    /// An empty tree on `device`.
    pub fn new(device: u64) -> Self {
        Self { root: Node::new_directory(device, Weak::new()) }
    }

    /// Its top directory.
    pub fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }

    /// Makes the directory `path`, and those on the way.
    ///
    /// # Errors
    /// `ENOTDIR` if part of the way is none.
    pub fn make_directory(&self, path: &str) -> Result<(), Errno> {
        self.root.walk(path).map(drop)
    }

    /// Adds an attribute, and the directories on the way.
    ///
    /// # Errors
    /// `EEXIST` if the name is taken, `ENOTDIR` if part of the way is no
    /// directory.
    pub fn add(&self, path: &str, attribute: Attribute) -> Result<(), Errno> {
        self.insert(path, Body::Attribute(attribute))
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// As [`Tree::add`].
    pub fn add_link(
        &self,
        path: &str,
        target: &'static str,
    ) -> Result<(), Errno> {
        self.insert(path, Body::Symlink(target))
    }

    fn insert(&self, path: &str, body: Body) -> Result<(), Errno> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.root.walk(directory)?;
        let node = Node::new(self.root.device, body, directory.this.clone());
        let mut names = directory.names()?.lock();
        if names.contains_key(name.as_bytes()) {
            return Err(Errno::EEXIST);
        }
        names.insert(name.as_bytes().into(), node);
        Ok(())
    }
}

impl Inode for Node {
    fn id(&self) -> InodeId {
        InodeId { device: self.device, number: self.number }
    }

    fn kind(&self) -> FileType {
        match self.body {
            Body::Directory(_) => FileType::Directory,
            Body::Attribute(_) => FileType::Regular,
            Body::Symlink(_) => FileType::Symlink,
        }
    }

    fn metadata(&self) -> Metadata {
        let (permissions, size) = match &self.body {
            Body::Directory(_) => (0o755, 0),
            Body::Attribute(it) => (it.permissions(), 0),
            Body::Symlink(target) => (0o777, target.len() as u64),
        };
        let boot = clock::boot_time_ns();
        let metadata = Metadata::of(self.id(), self.kind(), permissions, boot);
        Metadata { size, ..metadata }
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        match self.parent.upgrade() {
            Some(parent) => Some(parent),
            None => Some(self.this.upgrade()?),
        }
    }

    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        let node = self.names()?.lock().get(name).cloned();
        Ok(node.ok_or(Errno::ENOENT)?)
    }

    fn read_directory(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let names = self.names()?;
        // Names are never removed, and numbers grow: a number serves as the
        // position.
        let mut nodes: Vec<(Name, Arc<Node>)> = copy_out(|nodes| {
            let names = names.lock();
            if names.len() <= nodes.capacity() {
                let all = names.iter();
                nodes.extend(all.map(|(name, it)| (name.clone(), it.clone())));
            }
            names.len()
        });
        nodes.retain(|(_, node)| node.number + FIRST_ENTRY >= position);
        nodes.sort_by_key(|(_, node)| node.number);
        for (name, node) in nodes {
            let entry = DirectoryEntry {
                name: &name,
                number: node.number,
                entry_type: node.kind().entry_type(),
                next: node.number + FIRST_ENTRY + 1,
            };
            if !visit(&entry) {
                break;
            }
        }
        Ok(())
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        match &self.body {
            Body::Attribute(attribute) => attribute.open(flags),
            Body::Directory(_) => Ok(Arc::new(OpenDirectory)),
            Body::Symlink(_) => Err(Errno::ELOOP),
        }
    }

    fn read_link(&self) -> Result<Link, Errno> {
        match self.body {
            Body::Symlink(target) => Ok(Link::Path(target.into())),
            _ => Err(Errno::EINVAL),
        }
    }

    fn truncate(&self, _size: u64) -> Result<(), Errno> {
        // `>` in a shell cuts first; an attribute has nothing to cut.
        Ok(())
    }
}

/// An open directory of a file system whose directories hold no bytes.
pub struct OpenDirectory;

impl File for OpenDirectory {
    fn read(
        &self,
        _position: u64,
        _output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Err(Errno::EISDIR)
    }

    fn write(
        &self,
        _position: u64,
        _input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Err(Errno::EISDIR)
    }

    fn offset(&self) -> Offset {
        Offset::InTurn
    }
}
