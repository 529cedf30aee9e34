//! `/proc/PID`: one inode type for all of it, made anew at each lookup.
//!
//! An inode says only which process, which thread, and which file. Whether
//! the process still lives is found out when something is read.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::root::Root;
use super::system;
use super::{Text, procfs, source};
use crate::attribute::OpenDirectory;
use crate::clock;
use crate::file::File;
use crate::flags::OpenFlags;
use crate::generated::Generated;
use crate::inode::{
    DirectoryEntry, FIRST_ENTRY, FileType, Inode, InodeId, Link, Metadata,
};
use crate::location::Location;

/// Which file of a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    /// The directory itself.
    Top,
    Text(Text),
    Mounts,
    MountDetails,
    WorkingDirectory,
    Root,
    Program,
    /// `fd`
    Descriptors,
    Descriptor(u32),
    /// `task`
    Threads,
}

/// The names in a process' directory. Their places are their positions.
const NAMES: [(&str, Item); 17] = [
    ("cgroup", Item::Text(Text::Groups)),
    ("cmdline", Item::Text(Text::CommandLine)),
    ("comm", Item::Text(Text::Name)),
    ("cwd", Item::WorkingDirectory),
    ("environ", Item::Text(Text::Environment)),
    ("exe", Item::Program),
    ("fd", Item::Descriptors),
    ("limits", Item::Text(Text::Limits)),
    ("maps", Item::Text(Text::Maps)),
    ("mountinfo", Item::MountDetails),
    ("mounts", Item::Mounts),
    ("root", Item::Root),
    ("stat", Item::Text(Text::Stat)),
    ("statm", Item::Text(Text::Statm)),
    ("status", Item::Text(Text::Status)),
    ("wchan", Item::Text(Text::WaitChannel)),
    // Last: it is not there in the directory of a thread.
    ("task", Item::Threads),
];

/// A file about a process or a thread.
#[derive(Clone, Copy)]
pub(super) struct ProcessInode {
    process: u32,
    /// `None` for the process as a whole.
    thread: Option<u32>,
    item: Item,
}

/// Descriptors are numbered from here on.
const FIRST_DESCRIPTOR: u64 = 1024;

impl Item {
    fn code(self) -> u64 {
        match self {
            Item::Top => 0,
            Item::Descriptor(fd) => FIRST_DESCRIPTOR + u64::from(fd),
            item => {
                let place = NAMES.iter().position(|(_, it)| *it == item);
                1 + place.unwrap_or(NAMES.len()) as u64
            }
        }
    }

    fn kind(self) -> FileType {
        match self {
            Item::Top | Item::Descriptors | Item::Threads => {
                FileType::Directory
            }
            Item::Text(_) | Item::Mounts | Item::MountDetails => {
                FileType::Regular
            }
            _ => FileType::Symlink,
        }
    }

    fn permissions(self) -> u32 {
        match self {
            Item::Descriptors => 0o500,
            Item::Top | Item::Threads => 0o555,
            Item::Text(Text::Environment) => 0o400,
            Item::Text(_) | Item::Mounts | Item::MountDetails => 0o444,
            _ => 0o777,
        }
    }
}

impl ProcessInode {
    /// The directory of a process.
    ///
    /// # Errors
    /// `ENOENT` if there is none.
    pub(super) fn directory(process: u32) -> Result<Self, Errno> {
        let inode = Self { process, thread: None, item: Item::Top };
        inode.threads().map(|_| inode)
    }

    /// Number of the directory of a process.
    pub(super) fn number_of(process: u32) -> u64 {
        let inode = Self { process, thread: None, item: Item::Top };
        inode.id().number
    }

    fn with(&self, item: Item) -> Self {
        Self { item, ..*self }
    }

    fn threads(&self) -> Result<Vec<u32>, Errno> {
        source()?.threads(self.process).map_err(gone)
    }

    fn descriptors(&self) -> Result<Vec<usize>, Errno> {
        Ok(source()?.files(self.process).map_err(gone)?.list())
    }

    fn of_thread(&self, thread: u32) -> Self {
        Self { thread: Some(thread), item: Item::Top, ..*self }
    }

    fn find(&self, name: &[u8]) -> Result<Self, Errno> {
        match self.item {
            Item::Top => {
                let names = self.names().iter();
                let mut found = names.filter(|(it, _)| it.as_bytes() == name);
                let (_, item) = found.next().ok_or(Errno::ENOENT)?;
                self.threads()?;
                Ok(self.with(*item))
            }
            Item::Threads => {
                let thread = decimal(name).ok_or(Errno::ENOENT)?;
                match self.threads()?.contains(&thread) {
                    true => Ok(self.of_thread(thread)),
                    false => Err(Errno::ENOENT),
                }
            }
            Item::Descriptors => {
                let fd = decimal(name).ok_or(Errno::ENOENT)?;
                match self.descriptors()?.contains(&(fd as usize)) {
                    true => Ok(self.with(Item::Descriptor(fd))),
                    false => Err(Errno::ENOENT),
                }
            }
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// The names in this directory.
    fn names(&self) -> &'static [(&'static str, Item)] {
        let without_last = NAMES.len() - usize::from(self.thread.is_some());
        &NAMES[..without_last]
    }

    /// Positions, names and inodes of the entries.
    fn entries(&self) -> Result<Vec<(u64, Box<str>, Self)>, Errno> {
        let number = |number: u32| {
            let name = format!("{number}").into_boxed_str();
            (FIRST_ENTRY + u64::from(number), name)
        };
        let entries = match self.item {
            Item::Top => (FIRST_ENTRY..)
                .zip(self.names())
                .map(|(at, (name, item))| (at, (*name).into(), *item))
                .map(|(at, name, item)| (at, name, self.with(item)))
                .collect(),
            Item::Threads => (self.threads()?.iter())
                .map(|thread| (number(*thread), self.of_thread(*thread)))
                .map(|((at, name), inode)| (at, name, inode))
                .collect(),
            Item::Descriptors => (self.descriptors()?.iter())
                .map(|fd| (number(*fd as u32), Item::Descriptor(*fd as u32)))
                .map(|((at, name), item)| (at, name, self.with(item)))
                .collect(),
            _ => return Err(Errno::ENOTDIR),
        };
        Ok(entries)
    }

    fn location(&self) -> Result<Location, Errno> {
        let source = source()?;
        let place = match self.item {
            Item::Program => source.program(self.process),
            Item::WorkingDirectory => {
                source.context(self.process).map(|it| it.directory())
            }
            Item::Root => source.context(self.process).map(|it| it.root()),
            Item::Descriptor(fd) => {
                let files = source.files(self.process).map_err(gone)?;
                let file = files.get(fd as usize);
                return Ok(file.map_err(|_| Errno::ENOENT)?.location.clone());
            }
            _ => return Err(Errno::EINVAL),
        };
        place.map_err(gone)
    }
}

/// No such process means no such file.
fn gone(error: Errno) -> Errno {
    if error == Errno::ESRCH { Errno::ENOENT } else { error }
}

impl Inode for ProcessInode {
    fn id(&self) -> InodeId {
        let thread = u64::from(self.thread.unwrap_or(0));
        let number = 1 << 62
            | u64::from(self.process) << 34
            | thread << 12
            | self.item.code();
        InodeId { device: procfs().device, number }
    }

    fn kind(&self) -> FileType {
        self.item.kind()
    }

    fn metadata(&self) -> Metadata {
        let permissions = self.item.permissions();
        let now = clock::now_ns();
        let metadata = Metadata::of(self.id(), self.kind(), permissions, now);
        let owner = source().map(|source| source.owner(self.process));
        let (uid, gid) = owner.unwrap_or((0, 0));
        Metadata { uid, gid, ..metadata }
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        let up = match (self.item, self.thread) {
            (Item::Top, None) => return Some(Arc::new(Root)),
            (Item::Top, Some(_)) => {
                Self { thread: None, item: Item::Threads, ..*self }
            }
            (Item::Descriptor(_), _) => self.with(Item::Descriptors),
            _ => self.with(Item::Top),
        };
        Some(Arc::new(up))
    }

    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Ok(Arc::new(self.find(name)?))
    }

    fn read_directory(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        for (at, name, inode) in self.entries()? {
            let entry = DirectoryEntry {
                name: name.as_bytes(),
                number: inode.id().number,
                entry_type: inode.kind().entry_type(),
                next: at + 1,
            };
            if at >= position && !visit(&entry) {
                break;
            }
        }
        Ok(())
    }

    fn read_link(&self) -> Result<Link, Errno> {
        self.location().map(Link::Location)
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        let (process, thread) = (self.process, self.thread);
        if self.kind() == FileType::Regular && flags.can_write() {
            return Err(Errno::EACCES);
        }
        match self.item {
            Item::Text(what) => Ok(Generated::reading(Box::new(move || {
                source()?.text(process, thread, what)
            }))),
            Item::Mounts => Ok(Generated::reading(Box::new(move || {
                let context = source()?.context(process)?;
                Ok(system::mounts(&context.root()))
            }))),
            Item::MountDetails => Ok(Generated::reading(Box::new(move || {
                let context = source()?.context(process)?;
                Ok(system::mount_details(&context.root()))
            }))),
            _ if self.kind() == FileType::Directory => {
                Ok(Arc::new(OpenDirectory))
            }
            _ => Err(Errno::ELOOP),
        }
    }
}

/// A number as directories name it: decimal, without leading zeros.
pub(super) fn decimal(name: &[u8]) -> Option<u32> {
    let has_leading_zero = name.len() > 1 && name.starts_with(b"0");
    let is_plain = name.iter().all(u8::is_ascii_digit) && !has_leading_zero;
    let text = core::str::from_utf8(name).ok().filter(|_| is_plain);
    text?.parse().ok()
}
