//! Mounts: which file system lies over which directory.
//!
//! One table maps a directory, as (mount, inode), to the mount that covers it;
//! a second mount on the same name covers the root of the first. A mount is
//! busy while somebody else holds a [`Location`] in it, which its reference
//! count tells.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use bitflags::bitflags;
use kernel_abi::Errno;
use kernel_abi::stat::device_number;

use super::inode::{FileSystem, FileType, Inode, InodeId, Location};
use kernel_core::path::Changes;
use kernel_machine::sync::{Rank, SpinLock, copy_out};

mod watch;

pub use super::inode::Mount;
pub use watch::Watch;

use watch::changed;

bitflags! {
    /// How a mount restricts what it shows (Linux `MS_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MountFlags: u32 {
        /// Nothing can be changed.
        const READ_ONLY = 1;
        /// Set-id bits have no effect.
        const NO_SUID = 2;
        /// Device files cannot be opened.
        const NO_DEVICES = 4;
        /// Programs cannot be run.
        const NO_EXEC = 8;
        /// Change the flags of an existing mount.
        const REMOUNT = 32;
        /// Show a directory in a second place.
        const BIND = 4096;
    }
}

/// What a mount keeps of its flags.
const LASTING: MountFlags = MountFlags::READ_ONLY
    .union(MountFlags::NO_SUID)
    .union(MountFlags::NO_DEVICES)
    .union(MountFlags::NO_EXEC);

impl Mount {
    fn new(
        root: Arc<dyn Inode>,
        filesystem: Arc<dyn FileSystem>,
        source: String,
        flags: MountFlags,
        place: Option<Location>,
    ) -> Arc<Self> {
        static NEXT_ID: AtomicU32 = AtomicU32::new(1);
        Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Relaxed),
            filesystem,
            root,
            flags: AtomicU32::new((flags & LASTING).bits()),
            source,
            place,
            is_attached: AtomicBool::new(true),
        })
    }

    /// A mount in no tree, for inodes without a name (pipes), or the root of
    /// everything.
    pub fn detached(
        filesystem: Arc<dyn FileSystem>,
        source: &str,
    ) -> Arc<Self> {
        let root = filesystem.root();
        let flags = MountFlags::empty();
        Self::new(root, filesystem, source.into(), flags, None)
    }

    /// Its top directory.
    pub fn root(self: &Arc<Self>) -> Location {
        Location { mount: self.clone(), inode: self.root.clone() }
    }

    /// True for its top directory.
    pub(super) fn has_root(&self, inode: &dyn Inode) -> bool {
        inode.id() == self.root.id()
    }

    /// The directory that it covers, as long as it is part of the tree.
    pub fn place(&self) -> Option<&Location> {
        let is_attached = self.is_attached.load(Relaxed);
        self.place.as_ref().filter(|_| is_attached)
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it restricts.
    pub fn flags(&self) -> MountFlags {
        MountFlags::from_bits_retain(self.flags.load(Relaxed))
    }
}

impl Drop for Mount {
    /// Gives up the mounts below one by one: a mount that dropped the one it
    /// covers, which drops its own, would use stack for each.
    fn drop(&mut self) {
        let mut next = self.place.take();
        while let Some(place) = next {
            let below = Arc::into_inner(place.mount);
            next = below.and_then(|mut mount| mount.place.take());
        }
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.mount.id() == other.mount.id()
            && self.inode.id() == other.inode.id()
    }
}

impl Location {
    /// Another inode of the same mount.
    pub fn at(&self, inode: Arc<dyn Inode>) -> Self {
        Self { mount: self.mount.clone(), inode }
    }

    /// True for a directory.
    pub fn is_directory(&self) -> bool {
        self.inode.kind() == FileType::Directory
    }

    /// Fails if nothing may be changed through this mount.
    ///
    /// # Errors
    /// `EROFS`.
    pub fn check_writable(&self) -> Result<(), Errno> {
        match self.mount.flags().contains(MountFlags::READ_ONLY) {
            true => Err(Errno::EROFS),
            false => Ok(()),
        }
    }

    /// True for the top of its mount.
    pub(super) fn is_mount_root(&self) -> bool {
        self.mount.has_root(&*self.inode)
    }
}

type Point = (u32, InodeId);
type Covers = BTreeMap<Point, Arc<Mount>>;

static COVERS: SpinLock<Covers> =
    SpinLock::with_rank(Rank::Process, BTreeMap::new());
/// Counts what may make `..` lead elsewhere: names that move, and mounts.
pub(super) static CHANGES: Changes = Changes::new();
static ROOT: spin::Once<Arc<Mount>> = spin::Once::new();

fn point(location: &Location) -> Point {
    (location.mount.id, location.inode.id())
}

pub(super) fn find(location: &Location) -> Option<Arc<Mount>> {
    COVERS.lock().get(&point(location)).cloned()
}

/// Makes `filesystem` the root of everything, once.
pub fn set_root(filesystem: Arc<dyn FileSystem>) -> Location {
    ROOT.call_once(|| Mount::detached(filesystem, "rootfs")).root()
}

/// Mounts `filesystem` over the directory `place`.
///
/// # Errors
/// `ENOTDIR`; `EBUSY` if the same file system is there already.
pub fn mount(
    filesystem: Arc<dyn FileSystem>,
    source: &str,
    flags: MountFlags,
    place: Location,
) -> Result<(), Errno> {
    if Arc::ptr_eq(&filesystem, &place.mount.filesystem)
        && place.is_mount_root()
        && place.mount.place.is_some()
    {
        return Err(Errno::EBUSY);
    }
    let root = filesystem.root();
    attach(root, filesystem, source.into(), flags, place)
}

/// Shows the directory `from` also at `place`.
///
/// # Errors
/// `ENOTDIR`.
pub fn bind(
    from: &Location,
    flags: MountFlags,
    place: Location,
) -> Result<(), Errno> {
    let filesystem = from.mount.filesystem.clone();
    let source = from.mount.source.clone();
    attach(from.inode.clone(), filesystem, source, flags, place)
}

fn attach(
    root: Arc<dyn Inode>,
    filesystem: Arc<dyn FileSystem>,
    source: String,
    flags: MountFlags,
    place: Location,
) -> Result<(), Errno> {
    if root.kind() != FileType::Directory || !place.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    let point = point(&place);
    let mount = Mount::new(root, filesystem, source, flags, Some(place));
    let mut covers = COVERS.lock();
    if covers.contains_key(&point) {
        // Somebody was faster; the caller's walk ended below that mount.
        drop(covers);
        return Err(Errno::EBUSY);
    }
    CHANGES.make(|| covers.insert(point, mount));
    drop(covers);
    changed();
    Ok(())
}

/// Changes the flags of the mount whose top `location` is, and the options of
/// its file system, unless only this mount of it is meant ([`MountFlags::BIND`]).
///
/// # Errors
/// `EINVAL` if it is no mount's top, or for the options.
pub fn remount(
    location: &Location,
    flags: MountFlags,
    options: &[u8],
) -> Result<(), Errno> {
    if !location.is_mount_root() {
        return Err(Errno::EINVAL);
    }
    if !flags.contains(MountFlags::BIND) {
        location.mount.filesystem.change_options(options)?;
    }
    location.mount.flags.store((flags & LASTING).bits(), Relaxed);
    Ok(())
}

/// How `umount2` treats a mount in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unmount {
    /// It fails with `EBUSY`.
    IfIdle,
    /// The mount leaves the tree, with those below it, and ends once nobody
    /// uses it (Linux `MNT_DETACH`).
    Detach,
}

/// Takes away the mount whose top `location` is.
///
/// # Errors
/// `EINVAL` if it is no mount's top; `EBUSY` if it is in use or the root.
pub fn unmount(location: Location, how: Unmount) -> Result<(), Errno> {
    if !location.is_mount_root() {
        return Err(Errno::EINVAL);
    }
    let mount = location.mount;
    drop(location.inode);
    let place = mount.place.as_ref().ok_or(Errno::EBUSY)?;
    let point = point(place);
    let mut covers = COVERS.lock();
    let is_here = covers.get(&point).is_some_and(|it| it.id == mount.id);
    if !is_here {
        return Err(Errno::EINVAL);
    }
    // The table and this function hold one reference each. Under the lock
    // only a holder of a third could make a fourth.
    if how == Unmount::IfIdle && Arc::strong_count(&mount) > 2 {
        return Err(Errno::EBUSY);
    }
    let removed = CHANGES.make(|| remove_tree(&mut covers, point));
    drop(covers);
    for mount in &removed {
        mount.is_attached.store(false, Relaxed);
    }
    changed();
    Ok(())
}

/// Takes the mount at `top` and all mounts below it out of the table.
fn remove_tree(covers: &mut Covers, top: Point) -> Vec<Arc<Mount>> {
    let mut removed: Vec<_> = covers.remove(&top).into_iter().collect();
    let mut next = 0;
    while next < removed.len() {
        let id = removed[next].id;
        let last = InodeId { device: u64::MAX, number: u64::MAX };
        let first = InodeId { device: 0, number: 0 };
        while let Some(point) =
            covers.range((id, first)..=(id, last)).map(|it| *it.0).next()
        {
            removed.extend(covers.remove(&point));
        }
        next += 1;
    }
    removed
}

/// All mounts with a name, in the order they were made.
pub fn list() -> Vec<Location> {
    let mut mounts = copy_out(|mounts| {
        let covers = COVERS.lock();
        if covers.len() < mounts.capacity() {
            mounts.extend(covers.values().cloned());
            mounts.extend(ROOT.get().cloned());
        }
        covers.len() + 1
    });
    mounts.sort_by_key(|mount| mount.id);
    mounts.iter().map(Mount::root).collect()
}

/// A device number for a file system that lies on no device.
pub fn allocate_device() -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    device_number(0, NEXT.fetch_add(1, Relaxed))
}

/// Makes a file system: gets the source and the options of the mount call.
pub type MakeFileSystem =
    fn(source: &[u8], options: &[u8]) -> Result<Arc<dyn FileSystem>, Errno>;

static TYPES: SpinLock<Vec<(&str, MakeFileSystem)>> =
    SpinLock::with_rank(Rank::Process, Vec::new());

/// Adds a type that can be mounted.
pub fn register_type(name: &'static str, make: MakeFileSystem) {
    TYPES.lock().push((name, make));
}

/// Finds a type by name.
///
/// # Errors
/// `ENODEV` if there is none.
pub fn find_type(name: &[u8]) -> Result<MakeFileSystem, Errno> {
    let types = TYPES.lock();
    let found = types.iter().find(|(known, _)| known.as_bytes() == name);
    found.map(|(_, make)| *make).ok_or(Errno::ENODEV)
}

/// The names of all types.
pub fn type_names() -> Vec<&'static str> {
    copy_out(|names| {
        let types = TYPES.lock();
        if types.len() <= names.capacity() {
            names.extend(types.iter().map(|(name, _)| *name));
        }
        types.len()
    })
}
