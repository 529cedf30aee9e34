//! From a name to an inode.
//!
//! The walk keeps a place and the rest of the name. A symbolic link puts its
//! target before the rest; `..` goes up through mounts but not above the
//! process' root; a name that ends in `/` must be a directory.

use alloc::borrow::Cow;
use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::path::{Component, Path};

use super::context::FsContext;
use super::inode::{FileType, Inode, Link};
use super::location::Location;
use super::mount::CHANGES;
use super::open_file::OpenFile;
use super::permission::{self, Authority};
use super::table::FileTable;

mod bounds;
mod last;

pub use bounds::Bounds;
pub use last::{Last, Part};

/// Most symbolic links in one walk; one more is `ELOOP`.
const LINKS_MAX: u32 = 40;

/// Stands for the working directory in place of a descriptor.
pub const AT_FDCWD: i32 = -100;

/// What happens to a symbolic link at the end of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastLink {
    /// It is followed.
    Follow,
    /// It is what was asked for.
    Keep,
}

/// A walk on its way.
pub struct Walk<'a> {
    /// Whose rights count; `None` if all is allowed.
    who: Option<Authority>,
    /// What it does not go above: where it begins, if it must stay inside.
    root: Location,
    bounds: Bounds,
    /// How often names had moved when it began.
    since: u32,
    here: Location,
    rest: Cow<'a, [u8]>,
    links: u32,
}

impl<'a> Walk<'a> {
    /// Starts at `base`, or at the root for an absolute name, whatever `base`
    /// is then, and stays within `bounds`.
    ///
    /// # Errors
    /// `ENOENT` for an empty name, `ENAMETOOLONG`; `EXDEV` for a name that
    /// begins out of bounds.
    pub fn new(
        root: Location,
        base: impl FnOnce() -> Result<Location, Errno>,
        path: &'a [u8],
        bounds: Bounds,
    ) -> Result<Self, Errno> {
        let since = CHANGES.count();
        let is_absolute = Path::new(path)?.is_absolute();
        let is_from_root = is_absolute && !bounds.contains(Bounds::IN_ROOT);
        if is_from_root {
            bounds.check_leave()?;
        }
        let here = if is_from_root { root.clone() } else { base()? };
        let root = if bounds.is_inside() { here.clone() } else { root };
        let (who, rest) = (permission::current(), Cow::Borrowed(path));
        Ok(Self { who, root, bounds, since, here, rest, links: 0 })
    }

    /// Goes on as somebody else than the running process: the rights of `who`
    /// count for each directory.
    pub fn with_rights_of(self, who: Authority) -> Self {
        Self { who: Some(who), ..self }
    }

    /// Goes to the directory in which the last part stands.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`.
    pub fn last(&mut self) -> Result<Last, Errno> {
        loop {
            let text = core::mem::replace(&mut self.rest, Cow::Borrowed(b""));
            if let Some(last) = self.last_of(Path::new(&text)?)? {
                return Ok(last);
            }
        }
    }

    /// As [`Walk::last`]; `None` if a link led elsewhere and `rest` is to be
    /// walked from there.
    fn last_of(&mut self, path: Path<'_>) -> Result<Option<Last>, Errno> {
        let (before, last) = path.split_last();
        let mut steps = path.components();
        for _ in 0..before.count() {
            let Some(step) = steps.next() else { break };
            if self.step(step?, steps.rest())? {
                return Ok(None);
            }
        }
        if !self.here.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        self.check_search()?;
        Ok(Some(Last {
            directory: self.here.clone(),
            name: Part::of(last)?,
            must_be_directory: path.as_bytes().ends_with(b"/"),
        }))
    }

    /// Goes one step; true if that was a link, and `rest` follows it.
    fn step(
        &mut self,
        step: Component<'_>,
        rest: &[u8],
    ) -> Result<bool, Errno> {
        self.check_search()?;
        let name = match step {
            Component::Name(name) => name,
            Component::Parent => {
                self.go_up()?;
                return Ok(false);
            }
        };
        let inode = self.here.inode.lookup(name)?;
        if inode.kind() == FileType::Symlink {
            self.follow(&*inode, rest)?;
            return Ok(true);
        }
        self.enter(inode)?;
        Ok(false)
    }

    /// Fails unless names may be looked for here.
    fn check_search(&self) -> Result<(), Errno> {
        match &self.who {
            Some(who) if self.here.is_directory() => {
                who.check(&*self.here.inode, permission::EXECUTE)
            }
            _ => Ok(()),
        }
    }

    /// Goes to `inode`, found in the directory here.
    ///
    /// # Errors
    /// `EXDEV` out of bounds.
    pub(super) fn enter(&mut self, inode: Arc<dyn Inode>) -> Result<(), Errno> {
        let is_directory = inode.kind() == FileType::Directory;
        let place = self.here.at(inode);
        self.go(if is_directory { place.covered() } else { place })
    }

    /// Goes where a symbolic link in the directory here leads, as far as
    /// that is not a name; that, and `rest`, are still to be walked then.
    fn follow(&mut self, link: &dyn Inode, rest: &[u8]) -> Result<(), Errno> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Errno::ELOOP);
        }
        let mut target = match link.read_link()? {
            Link::Path(target) => {
                self.bounds.check_link(false)?;
                target
            }
            Link::Location(location) => {
                self.bounds.check_link(true)?;
                self.go(location)?;
                self.rest = Cow::Owned(rest.to_vec());
                return Ok(());
            }
        };
        if Path::new(&target)?.is_absolute() {
            self.go_to_root()?;
        }
        target.extend_from_slice(rest);
        self.rest = Cow::Owned(target);
        Ok(())
    }

    /// True if nothing of the name is left: a link led straight to a place.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn go(&mut self, place: Location) -> Result<(), Errno> {
        self.bounds.check_move(&self.here, &place)?;
        self.here = place;
        Ok(())
    }

    /// Goes up. Where it must stay inside, and something moves meanwhile, what
    /// is above may be outside.
    fn go_up(&mut self) -> Result<(), Errno> {
        if self.here == self.root {
            self.bounds.check_leave()?;
        }
        let above = self.here.parent(&self.root);
        match self.bounds.is_inside() && CHANGES.any_since(self.since) {
            true => Err(Errno::EAGAIN),
            false => self.go(above),
        }
    }

    fn go_to_root(&mut self) -> Result<(), Errno> {
        self.bounds.check_leave()?;
        self.go(self.root.clone())
    }

    /// Where the walk stands.
    pub fn here(&self) -> Location {
        self.here.clone()
    }

    /// Goes to the end.
    ///
    /// # Errors
    /// As [`Walk::last`], and `ENOTDIR` if the name ends in `/` but names
    /// no directory.
    pub fn finish(mut self, last_link: LastLink) -> Result<Location, Errno> {
        loop {
            let last = self.last()?;
            let Some(inode) = last.find()? else {
                if last.name == Part::Up {
                    self.go_up()?;
                }
                return Ok(self.here);
            };
            let must_follow =
                last_link == LastLink::Follow || last.must_be_directory;
            if inode.kind() != FileType::Symlink || !must_follow {
                self.enter(inode)?;
                return self.checked(last.must_be_directory);
            }
            self.follow_last(&*inode, last.must_be_directory)?;
            if self.is_at_end() {
                return self.checked(last.must_be_directory);
            }
        }
    }

    /// Follows a link that ended a name; slashes after it stay.
    ///
    /// # Errors
    /// `ELOOP`, `ENOENT` for an empty link, `ENAMETOOLONG`.
    pub fn follow_last(
        &mut self,
        link: &dyn Inode,
        must_be_directory: bool,
    ) -> Result<(), Errno> {
        self.follow(link, if must_be_directory { b"/" } else { b"" })?;
        if &*self.rest == b"/" {
            self.rest = Cow::Borrowed(b"");
        }
        Ok(())
    }

    fn checked(self, must_be_directory: bool) -> Result<Location, Errno> {
        if must_be_directory && !self.here.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        Ok(self.here)
    }
}

/// Who asks for a name: its tree and its descriptors.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// Root and working directory.
    pub context: &'a FsContext,
    /// Its descriptors, for names relative to one.
    pub table: &'a FileTable,
}

impl Asker<'_> {
    /// The open file of a descriptor.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn file(&self, fd: i32) -> Result<Arc<OpenFile>, Errno> {
        let fd = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
        self.table.get(fd)
    }

    /// What a descriptor, or [`AT_FDCWD`], stands for.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn base(&self, fd: i32) -> Result<Location, Errno> {
        if fd == AT_FDCWD {
            return Ok(self.context.directory());
        }
        Ok(self.file(fd)?.location.clone())
    }

    /// Starts a walk from the directory `fd`.
    ///
    /// # Errors
    /// `ENOENT` for an empty name, `EBADF`.
    pub fn walk<'p>(&self, fd: i32, path: &'p [u8]) -> Result<Walk<'p>, Errno> {
        self.walk_within(fd, path, Bounds::empty())
    }

    /// Starts a walk from the directory `fd` that stays within `bounds`.
    ///
    /// # Errors
    /// As [`Walk::new`], `EBADF`.
    pub fn walk_within<'p>(
        &self,
        fd: i32,
        path: &'p [u8],
        bounds: Bounds,
    ) -> Result<Walk<'p>, Errno> {
        Walk::new(self.context.root(), || self.base(fd), path, bounds)
    }

    /// Walks to the end of a name.
    ///
    /// # Errors
    /// As [`Walk::finish`].
    pub fn find(
        &self,
        fd: i32,
        path: &[u8],
        last_link: LastLink,
    ) -> Result<Location, Errno> {
        self.walk(fd, path)?.finish(last_link)
    }

    /// Walks to the directory of the last part.
    ///
    /// # Errors
    /// As [`Walk::last`].
    pub fn find_last(&self, fd: i32, path: &[u8]) -> Result<Last, Errno> {
        self.walk(fd, path)?.last()
    }
}
