//! What files need before the first program runs.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::flags::OpenFlags;
use super::inode::{DeviceNumber, FileSystem, FileType, NewInode};
use super::location::Location;
use super::mount;
use super::open_file::OpenFile;
use super::ramfs::RamFs;
use super::table::OnExec;
use super::{FileTable, clock, device, initramfs, operation, sys, user_quota};

/// Makes devices and `/sys`, and the root file system with what the
/// archives `images` hold.
///
/// Whatever is wrong with an archive is logged, and what came before stays:
/// the first program may be there nevertheless.
///
/// # Errors
/// `ENOMEM` or `ENOSPC` without memory.
///
/// # Panics
/// If called twice.
pub fn init(entropy: &[u8], images: &[&[u8]]) -> Result<Location, Errno> {
    clock::init();
    device::random::add_entropy(entropy);
    user_quota::init();
    register_types();
    device::init()?;
    sys::init()?;
    let root = mount::set_root(RamFs::new("rootfs"));
    make_first_names(&root)?;
    for image in images {
        if let Err(error) = initramfs::unpack(&root, image) {
            log::error!("initramfs: {error}");
        }
    }
    Ok(root)
}

fn register_types() {
    mount::register_type("ramfs", |_, options| {
        Ok(RamFs::mounted("ramfs", options)?)
    });
    mount::register_type("tmpfs", |_, options| {
        Ok(RamFs::mounted("tmpfs", options)?)
    });
    mount::register_type("devtmpfs", |_, _| Ok(device::devtmpfs()));
    mount::register_type("sysfs", |_, _| Ok(sys::filesystem()));
}

/// What the root has before anything is unpacked, as Linux's has.
fn make_first_names(root: &Location) -> Result<(), Errno> {
    let directory = |bits| NewInode::of_root(FileType::Directory, bits);
    let dev = root.inode.create(b"dev", &directory(0o755))?;
    root.inode.create(b"root", &directory(0o700))?;
    let kind = FileType::Character(DeviceNumber::new(5, 1));
    let console = NewInode::of_root(kind, 0o600);
    dev.create(b"console", &console).map(drop)
}

/// Descriptors of the first program: the console, three times.
///
/// # Errors
/// `ENXIO` without a console.
pub fn first_descriptors() -> Result<Arc<FileTable>, Errno> {
    let root = device::devtmpfs().root();
    let mount = mount::Mount::detached(device::devtmpfs(), "devtmpfs");
    let location = Location { mount, inode: root.lookup(b"console")? };
    let flags = OpenFlags::READ_WRITE;
    let console: Arc<OpenFile> = operation::open_location(location, flags)?;
    let table = FileTable::new();
    for _ in 0..3 {
        table.insert(0, console.clone(), OnExec::Keep)?;
    }
    Ok(table)
}
