//! The file system `devpts`: `/dev/pts`, one device for each pair, and `ptmx`,
//! whose opening makes one. There is one such file system, however often it is
//! mounted; the options of the last mount hold.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::stat::{DEVPTS_MAGIC, Statfs};
use kernel_core::number::parse_decimal;
use kernel_core::path::NAME_MAX;

use super::file::OpenTerminal;
use super::master::Master;
use super::pair::{self, FIRST_NUMBER, Pair};
use super::pairs;
use super::state::Terminal;
use kernel_files::attribute::OpenDirectory;
use kernel_files::file::File;
use kernel_files::inode::{
    Decide, DeviceNumber, DirectoryEntry, FIRST_ENTRY, FileSystem, FileType,
    Inode, InodeId, Metadata,
};
use kernel_files::{OpenFlags, clock, device, mount};

/// `/dev/ptmx`.
const MAKER: DeviceNumber = DeviceNumber::new(5, 2);
const MAKER_NAME: &[u8] = b"ptmx";
const ROOT_NUMBER: u64 = 1;
const MAKER_NUMBER: u64 = 2;

/// Permissions of new pairs (`mode=`).
static PERMISSIONS: AtomicU32 = AtomicU32::new(0o600);
/// Permissions of `ptmx` in here (`ptmxmode=`).
static MAKER_PERMISSIONS: AtomicU32 = AtomicU32::new(0);
/// Group of new pairs (`gid=`); that of who makes one, if this is the highest.
static GROUP: AtomicU32 = AtomicU32::new(u32::MAX);

/// Makes `/dev/ptmx`, `/dev/pts` and the type that is mounted there.
///
/// # Errors
/// `EEXIST` if called twice; `ENOSPC` without memory.
pub(super) fn init() -> Result<(), Errno> {
    device::register("ptmx", MAKER, 0o666, open_maker)?;
    device::make_directory("pts", 0o755)?;
    mount::register_type("devpts", |_, options| {
        set_options(options)?;
        Ok(Arc::new(DevPts))
    });
    Ok(())
}

/// `uid=` means nothing here: a pair is its maker's. So do `max=` and
/// `newinstance`: there is one file system.
fn set_options(options: &[u8]) -> Result<(), Errno> {
    let words = || options.split(|&it| it == b',').filter(|it| !it.is_empty());
    // What is wrong is found before anything is set.
    let settings: Result<Vec<_>, _> = words().map(setting).collect();
    for (place, value) in settings?.into_iter().flatten() {
        place.store(value, Relaxed);
    }
    Ok(())
}

/// What an option sets, and to what; `None` for one that means nothing here.
fn setting(word: &[u8]) -> Result<Option<(&'static AtomicU32, u32)>, Errno> {
    let mut halves = word.splitn(2, |&byte| byte == b'=');
    let (name, value) = (halves.next(), halves.next().unwrap_or(b""));
    let octal = || {
        let is_digit = |byte: &u8| (b'0'..=b'7').contains(byte);
        let is_number = !value.is_empty() && value.iter().all(is_digit);
        let text = core::str::from_utf8(value).ok().filter(|_| is_number);
        let mode = text.and_then(|it| u32::from_str_radix(it, 8).ok());
        mode.filter(|it| *it <= 0o777).ok_or(Errno::EINVAL)
    };
    Ok(match name.unwrap_or(b"") {
        b"mode" => Some((&PERMISSIONS, octal()?)),
        b"ptmxmode" => Some((&MAKER_PERMISSIONS, octal()?)),
        b"gid" => {
            let group = parse_decimal(value).map_err(|_| Errno::EINVAL)?;
            let group = u32::try_from(group).map_err(|_| Errno::EINVAL)?;
            Some((&GROUP, group))
        }
        b"uid" | b"max" | b"newinstance" => None,
        _ => return Err(Errno::EINVAL),
    })
}

/// Makes a pair, and opens the end of its maker.
fn open_maker(_flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    let group = Some(GROUP.load(Relaxed)).filter(|it| *it != u32::MAX);
    let made = pairs::make(PERMISSIONS.load(Relaxed), group)?;
    Ok(Arc::new(Master(made)))
}

struct DevPts;

impl FileSystem for DevPts {
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(Root)
    }

    fn kind(&self) -> &'static str {
        "devpts"
    }

    fn statfs(&self) -> Statfs {
        Statfs {
            kind: DEVPTS_MAGIC,
            bsize: 4096,
            frsize: 4096,
            namelen: NAME_MAX as u64,
            ..Statfs::default()
        }
    }
}

fn id(number: u64) -> InodeId {
    InodeId { device: pair::device(), number }
}

/// The directory.
struct Root;

impl Inode for Root {
    fn id(&self) -> InodeId {
        id(ROOT_NUMBER)
    }

    fn kind(&self) -> FileType {
        FileType::Directory
    }

    fn metadata(&self) -> Metadata {
        let boot = clock::boot_time_ns();
        Metadata::of(self.id(), FileType::Directory, 0o755, boot)
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        Some(Arc::new(Root))
    }

    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        if name == MAKER_NAME {
            return Ok(Arc::new(Maker));
        }
        let index = parse_decimal(name).map_err(|_| Errno::ENOENT)?;
        let index = u32::try_from(index).map_err(|_| Errno::ENOENT)?;
        let terminal = pairs::find(index).ok_or(Errno::ENOENT)?;
        // A number has one name: without zeros before it.
        match index.to_string().as_bytes() == name {
            true => Ok(Arc::new(Slave(terminal))),
            false => Err(Errno::ENOENT),
        }
    }

    fn read_directory(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let pairs = pairs::all();
        let indices = pairs.iter().filter_map(|it| Some(it.pair()?.index));
        let numbered =
            indices.map(|at| (u64::from(at) + FIRST_NUMBER, name_of(at)));
        let maker = (MAKER_NUMBER, MAKER_NAME.to_vec());
        let entries = core::iter::once(maker).chain(numbered);
        for (number, name) in entries {
            let place = number - MAKER_NUMBER + FIRST_ENTRY;
            let entry = DirectoryEntry {
                name: &name,
                number,
                entry_type: FileType::Character(MAKER).entry_type(),
                next: place + 1,
            };
            if place >= position && !visit(&entry) {
                break;
            }
        }
        Ok(())
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(OpenDirectory))
    }
}

fn name_of(index: u32) -> Vec<u8> {
    index.to_string().into_bytes()
}

/// What makes pairs, in here.
struct Maker;

impl Inode for Maker {
    fn id(&self) -> InodeId {
        id(MAKER_NUMBER)
    }

    fn kind(&self) -> FileType {
        FileType::Character(MAKER)
    }

    fn metadata(&self) -> Metadata {
        let permissions = MAKER_PERMISSIONS.load(Relaxed);
        let boot = clock::boot_time_ns();
        Metadata::of(self.id(), self.kind(), permissions, boot)
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        Some(Arc::new(Root))
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        open_maker(flags)
    }
}

/// The terminal of a pair.
struct Slave(Arc<Terminal>);

impl Inode for Slave {
    fn id(&self) -> InodeId {
        self.metadata().id
    }

    fn kind(&self) -> FileType {
        FileType::Character(self.0.number)
    }

    fn metadata(&self) -> Metadata {
        self.0.pair().map(Pair::metadata).unwrap_or_else(|| Root.metadata())
    }

    fn change_by(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        self.0.pair().ok_or(Errno::EPERM)?.change(decide)
    }

    fn parent(&self) -> Option<Arc<dyn Inode>> {
        (!self.0.is_hung_up()).then(|| Arc::new(Root) as Arc<dyn Inode>)
    }

    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        if self.0.is_locked() || self.0.is_hung_up() {
            return Err(Errno::EIO);
        }
        self.0.offer_to_opener(flags);
        Ok(OpenTerminal::open(self.0.clone(), flags))
    }
}
