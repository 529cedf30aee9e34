//! `/proc/PID`: one inode type for all of it, made anew at each lookup.
//!
//! An inode says only which process, which thread, and which file. Whether
//! the process still lives is found out when something is read, by its number;
//! a directory means the one that had the number when it was looked for.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::inode::{
    CODE_BITS, ID_BITS, Item, NAMES, ProcessInode, Root, Text, decimal,
};
use super::pagemap::Pages;
use super::system;
use super::target::Target;
use super::tree::base;
use kernel_files::attribute::OpenDirectory;
use kernel_files::clock;
use kernel_files::file::File;
use kernel_files::flags::OpenFlags;
use kernel_files::generated::Generated;
use kernel_files::inode::{
    DirectoryEntry, FIRST_ENTRY, FileType, Inode, InodeId, Link, Metadata,
};
use kernel_files::location::Location;
use kernel_process::Process;

impl ProcessInode {
    /// The directory of a process.
    ///
    /// # Errors
    /// `ENOENT` if there is none.
    pub(super) fn directory(process: u32) -> Result<Self, Errno> {
        let target = Target::find(process, None).map_err(gone)?;
        let owner = target.process().map(Arc::downgrade);
        Ok(Self { process, owner, thread: None, item: Item::Top })
    }

    /// Number of the directory of a process.
    pub(super) fn number_of(process: u32) -> u64 {
        let inode =
            Self { process, owner: None, thread: None, item: Item::Top };
        inode.id().number
    }

    fn with(&self, item: Item) -> Self {
        Self { item, ..self.clone() }
    }

    /// The process that it is about: not another one that has its number by
    /// now.
    ///
    /// # Errors
    /// `ESRCH`.
    fn target(&self) -> Result<Target, Errno> {
        let target = Target::find(self.process, None)?;
        let now = target.process().map(Arc::as_ptr);
        match self.owner.as_ref().map(Weak::as_ptr) == now {
            true => Ok(target),
            false => Err(Errno::ESRCH),
        }
    }

    fn threads(&self) -> Result<Vec<u32>, Errno> {
        Ok(self.target().map_err(gone)?.threads())
    }

    fn descriptors(&self) -> Result<Vec<usize>, Errno> {
        let list = |target: &Target| target.files()?.list();
        self.target().and_then(|it| it.look(list)).map_err(gone)
    }

    fn of_thread(&self, thread: u32) -> Self {
        Self { thread: Some(thread), item: Item::Top, ..self.clone() }
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
            Item::Descriptors | Item::DescriptorDetails => {
                let fd = decimal(name).ok_or(Errno::ENOENT)?;
                match self.descriptors()?.contains(&(fd as usize)) {
                    true => Ok(self.with(self.item_of(fd))),
                    false => Err(Errno::ENOENT),
                }
            }
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// What this directory has of a descriptor.
    fn item_of(&self, fd: u32) -> Item {
        match self.item {
            Item::DescriptorDetails => Item::Details(fd),
            _ => Item::Descriptor(fd),
        }
    }

    /// The names in this directory.
    fn names(&self) -> &'static [(&'static str, Item)] {
        let of_processes = if self.thread.is_some() { 2 } else { 0 };
        &NAMES[..NAMES.len() - of_processes]
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
            Item::Descriptors | Item::DescriptorDetails => self
                .descriptors()?
                .iter()
                .map(|fd| (number(*fd as u32), self.item_of(*fd as u32)))
                .map(|((at, name), item)| (at, name, self.with(item)))
                .collect(),
            _ => return Err(Errno::ENOTDIR),
        };
        Ok(entries)
    }

    fn location(&self) -> Result<Location, Errno> {
        let place = |target: &Target| match self.item {
            Item::Program => target.program(),
            Item::WorkingDirectory => Ok(target.context()?.directory()),
            Item::Root => Ok(target.context()?.root()),
            Item::Descriptor(fd) => {
                let file = target.files()?.get(fd as usize);
                Ok(file.map_err(|_| Errno::ENOENT)?.location.clone())
            }
            _ => Err(Errno::EINVAL),
        };
        self.target().and_then(|it| it.look(place)).map_err(gone)
    }

    /// A text of the memory that the process has now; nothing, once it has
    /// other memory, whatever program that is.
    fn open_memory(&self, what: Text) -> Result<Arc<dyn File>, Errno> {
        let (process, thread) = (self.process, self.thread);
        let memory = Target::find(process, thread)?.memory()?;
        let memory = memory.as_deref().map(Arc::downgrade);
        Ok(Generated::of_process(Box::new(move || {
            let target = Target::find(process, thread)?;
            match (&memory, target.memory()?) {
                (Some(then), Some(now))
                    if then.as_ptr() == Arc::as_ptr(&now) =>
                {
                    target.text_of_memory(what, &now)
                }
                _ => Ok(Vec::new()),
            }
        })))
    }
}

/// The process that the directory of a process in `/proc` is about, dead or
/// alive; `None` for any other inode.
pub fn process_of(
    inode: &Arc<dyn Inode>,
) -> Option<Result<Arc<Process>, Errno>> {
    let any: &dyn core::any::Any = &**inode;
    let inode = any.downcast_ref::<ProcessInode>()?;
    (inode.item == Item::Top && inode.thread.is_none())
        .then(|| inode.owner.as_ref().and_then(Weak::upgrade))
        .map(|process| process.ok_or(Errno::ESRCH))
}

/// No such process means no such file.
fn gone(error: Errno) -> Errno {
    if error == Errno::ESRCH { Errno::ENOENT } else { error }
}

impl Inode for ProcessInode {
    fn id(&self) -> InodeId {
        let thread = u64::from(self.thread.unwrap_or(0));
        let number = 1 << 62
            | u64::from(self.process) << (CODE_BITS + ID_BITS)
            | thread << CODE_BITS
            | self.item.code();
        InodeId { device: base().device, number }
    }

    fn kind(&self) -> FileType {
        self.item.kind()
    }

    fn metadata(&self) -> Metadata {
        let permissions = self.item.permissions();
        let now = clock::now_ns();
        let metadata = Metadata::of(self.id(), self.kind(), permissions, now);
        let is_open = matches!(self.item, Item::Top | Item::Threads);
        let owner = self.target().map(|target| target.owner(is_open));
        let (uid, gid) = owner.unwrap_or((0, 0));
        Metadata { uid, gid, ..metadata }
    }

    fn is_own(&self) -> bool {
        matches!(self.item, Item::Descriptors | Item::Details(_))
            && self.target().is_ok_and(|target| target.is_own())
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        let up = match (self.item, self.thread) {
            (Item::Top, None) => return Some(Arc::new(Root)),
            (Item::Top, Some(_)) => {
                Self { thread: None, item: Item::Threads, ..self.clone() }
            }
            (Item::Descriptor(_), _) => self.with(Item::Descriptors),
            (Item::Details(_), _) => self.with(Item::DescriptorDetails),
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
        let is_slack = self.item == Item::TimerSlack;
        if self.kind() == FileType::Regular && flags.can_write() && !is_slack {
            return Err(Errno::EACCES);
        }
        match self.item {
            Item::Text(
                what @ (Text::Environment
                | Text::Maps
                | Text::DetailedMaps
                | Text::MapSums
                | Text::Auxiliary),
            ) => self.open_memory(what),
            Item::Pages => {
                let memory = Target::find(process, thread)?.memory()?;
                let memory = memory.as_deref().map(Arc::downgrade);
                Ok(Arc::new(Pages { process, thread, memory }))
            }
            Item::Details(fd) => {
                Ok(Generated::of_process(Box::new(move || {
                    let of = |target: &Target| target.descriptor_details(fd);
                    Target::find(process, None)?.look(of)
                })))
            }
            Item::Text(what) => {
                Ok(Generated::of_process(Box::new(move || {
                    Target::find(process, thread)?.text(what)
                })))
            }
            Item::Mounts => Ok(Generated::of_mounts(Box::new(move || {
                let context = Target::find(process, None)?.context()?;
                Ok(system::mounts(&context.root()))
            }))),
            Item::MountDetails => {
                Ok(Generated::of_mounts(Box::new(move || {
                    let context = Target::find(process, None)?.context()?;
                    Ok(system::mount_details(&context.root()))
                })))
            }
            Item::TimerSlack => Ok(Generated::new(
                Some(Box::new(move || {
                    Target::find(process, thread)?.timer_slack()
                })),
                Some(Box::new(move |text| {
                    Target::find(process, thread)?.set_timer_slack(text)
                })),
            )),
            _ if self.kind() == FileType::Directory => {
                Ok(Arc::new(OpenDirectory))
            }
            _ => Err(Errno::ELOOP),
        }
    }
}
