//! Files in `/proc` about the system as a whole, as far as this layer knows
//! it. Schedulers, clocks and interrupts are added by who knows them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use kernel_abi::Errno;
use kernel_core::procfmt::memory::Meminfo;
use kernel_core::procfmt::system::Mount;

use crate::files::attribute::{Attribute, ShowFn, Tree};
use crate::files::device::random;
use crate::files::location::Location;
use crate::files::mount::{self, MountFlags};
use crate::mm::frame;

/// What the boot loader passed.
static COMMAND_LINE: spin::Once<&'static str> = spin::Once::new();

/// Sets what `/proc/cmdline` shows, once.
pub fn set_command_line(text: &'static str) {
    COMMAND_LINE.call_once(|| text);
}

pub(super) fn init(tree: &Tree) -> Result<(), Errno> {
    let files: [(&str, ShowFn); 5] = [
        ("cmdline", command_line),
        ("filesystems", filesystems),
        ("meminfo", memory),
        ("sys/kernel/random/boot_id", boot_id),
        ("sys/kernel/random/uuid", || Ok(uuid())),
    ];
    for (path, show) in files {
        tree.add(path, Attribute::read_only(show))?;
    }
    tree.add_link("mounts", "self/mounts")
}

fn command_line() -> Result<String, Errno> {
    let text = COMMAND_LINE.get().copied().unwrap_or_default();
    Ok(format!("{text}\n"))
}

fn filesystems() -> Result<String, Errno> {
    let names = mount::type_names();
    Ok(names.iter().map(|name| format!("nodev\t{name}\n")).collect())
}

fn memory() -> Result<String, Errno> {
    let frames = frame::stats();
    let kib = |count: usize| count as u64 * 4;
    let available = frames.free.saturating_sub(frames.reserve);
    let meminfo = Meminfo {
        total: kib(frames.total),
        free: kib(frames.free),
        available: kib(available),
        ..Meminfo::default()
    };
    let mut text = Vec::new();
    meminfo.render(&mut text);
    to_string(text)
}

fn to_string(text: Vec<u8>) -> Result<String, Errno> {
    String::from_utf8(text).map_err(|_| Errno::EIO)
}

fn boot_id() -> Result<String, Errno> {
    static BOOT_ID: spin::Once<String> = spin::Once::new();
    Ok(BOOT_ID.call_once(uuid).clone())
}

/// A random UUID (version 4) and a newline.
fn uuid() -> String {
    let mut bytes = [0; 16];
    random::fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text + "\n"
}

/// The mounts below `root`, as `/proc/PID/mounts` lists them.
pub(super) fn mounts(root: &Location) -> Vec<u8> {
    let mut text = Vec::new();
    for top in mount::list() {
        // A mount whose place has lost its name is in nobody's tree.
        let Ok(path) = top.path(root) else { continue };
        let mut options = options(top.mount.flags());
        options += top.mount.filesystem.options();
        let line = Mount {
            source: top.mount.source.as_bytes(),
            target: &path,
            kind: top.mount.filesystem.kind().as_bytes(),
            options: options.as_bytes(),
        };
        line.render(&mut text);
    }
    text
}

fn options(flags: MountFlags) -> String {
    let mut text = String::from("rw");
    if flags.contains(MountFlags::READ_ONLY) {
        text = String::from("ro");
    }
    let names = [
        (MountFlags::NO_SUID, ",nosuid"),
        (MountFlags::NO_DEVICES, ",nodev"),
        (MountFlags::NO_EXEC, ",noexec"),
    ];
    for (flag, name) in names {
        if flags.contains(flag) {
            text += name;
        }
    }
    text
}
