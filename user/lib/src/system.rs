//! The system as a whole: name, memory, log, mounts, power, random bytes.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use linux_raw_sys::system::{new_utsname, sysinfo};

use crate::file::{self, c_string};
use crate::linux::{
    __NR_getrandom, __NR_mount, __NR_reboot, __NR_statfs, __NR_sync,
    __NR_sysinfo, __NR_syslog, __NR_umount2, __NR_uname, LINUX_REBOOT_MAGIC1,
    LINUX_REBOOT_MAGIC2, statfs,
};
use crate::syscall::{call1, call2, call3, call5, plain};
use crate::{Errno, Result};

// SAFETY: integers only.
unsafe impl file::Plain for new_utsname {}
// SAFETY: integers only.
unsafe impl file::Plain for statfs {}

/// The words of `uname(2)`.
pub struct Names {
    /// The kernel's name.
    pub system: String,
    /// The machine's name in a network.
    pub node: String,
    /// The kernel's release.
    pub release: String,
    /// The kernel's version: how and when it was built.
    pub version: String,
    /// The kind of machine.
    pub machine: String,
}

fn field(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// Who the system says it is.
///
/// # Errors
/// None that a program can cause.
pub fn names() -> Result<Names> {
    let raw: new_utsname = file::filled(|place| {
        // SAFETY: `place` has room for the names.
        unsafe { call1(__NR_uname, place) }
    })?;
    Ok(Names {
        system: field(&raw.sysname),
        node: field(&raw.nodename),
        release: field(&raw.release),
        version: field(&raw.version),
        machine: field(&raw.machine),
    })
}

/// Figures of `sysinfo(2)`; memory in bytes.
pub struct Figures {
    /// Seconds since the start.
    pub uptime: u64,
    /// Run-queue lengths over 1, 5 and 15 minutes, times 65536.
    pub loads: [u64; 3],
    /// Memory the kernel hands out.
    pub total: u64,
    /// Memory nobody uses.
    pub free: u64,
    /// Processes.
    pub processes: u16,
}

/// How the system is.
///
/// # Errors
/// None that a program can cause.
pub fn figures() -> Result<Figures> {
    let mut raw = MaybeUninit::<sysinfo>::zeroed();
    let place = raw.as_mut_ptr() as usize;
    // SAFETY: `raw` has room for the figures.
    unsafe { call1(__NR_sysinfo, place) }?;
    // SAFETY: zeroed and then filled; integers only.
    let raw = unsafe { raw.assume_init_ref() };
    let unit = u64::from(raw.mem_unit.max(1));
    Ok(Figures {
        uptime: raw.uptime as u64,
        loads: raw.loads,
        total: raw.totalram * unit,
        free: raw.freeram * unit,
        processes: raw.procs,
    })
}

/// The kernel's messages, each with its `<level>`.
///
/// # Errors
/// Those of `syslog(2)`.
pub fn log() -> Result<Vec<u8>> {
    const READ_ALL: usize = 3;
    const SIZE_BUFFER: usize = 10;
    let size = plain(__NR_syslog, [SIZE_BUFFER, 0, 0])?;
    let mut text = alloc::vec![0; size];
    let place = text.as_mut_ptr() as usize;
    // SAFETY: the kernel writes within the buffer.
    let length = unsafe { call3(__NR_syslog, READ_ALL, place, size) }?;
    text.truncate(length);
    Ok(text)
}

/// Mounts a file system.
///
/// # Errors
/// Those of `mount(2)`.
pub fn mount(
    source: &str,
    target: &str,
    kind: &str,
    flags: u32,
    options: &str,
) -> Result<()> {
    let words = [c_string(source)?, c_string(target)?, c_string(kind)?];
    let options = c_string(options)?;
    let [source, target, kind] = words.each_ref().map(|word| word.as_ptr());
    let (source, target, kind) =
        (source as usize, target as usize, kind as usize);
    let data = options.as_ptr() as usize;
    // SAFETY: the strings outlive the call.
    unsafe { call5(__NR_mount, source, target, kind, flags as usize, data) }
        .map(drop)
}

/// Takes a file system away.
///
/// # Errors
/// Those of `umount2(2)`.
pub fn unmount(target: &str, flags: u32) -> Result<()> {
    let target = c_string(target)?;
    let place = target.as_ptr() as usize;
    // SAFETY: the path outlives the call.
    unsafe { call2(__NR_umount2, place, flags as usize) }.map(drop)
}

/// The room of a file system, in bytes.
pub struct Room {
    /// All there is; 0 where files take none.
    pub total: u64,
    /// What nobody uses.
    pub free: u64,
    /// What users without rights can still have.
    pub available: u64,
}

/// How much room the file system of a path has.
///
/// # Errors
/// Those of `statfs(2)`.
pub fn room(path: &str) -> Result<Room> {
    let path = c_string(path)?;
    let raw: statfs = file::filled(|place| {
        let address = path.as_ptr() as usize;
        // SAFETY: the path outlives the call; `place` has room.
        unsafe { call2(__NR_statfs, address, place) }
    })?;
    let bytes = |blocks: i64| blocks as u64 * raw.f_bsize as u64;
    Ok(Room {
        total: bytes(raw.f_blocks),
        free: bytes(raw.f_bfree),
        available: bytes(raw.f_bavail),
    })
}

/// Writes back what file systems hold.
pub fn synchronize() {
    // It cannot fail.
    let _ = plain(__NR_sync, []);
}

/// Ends or restarts the machine (`LINUX_REBOOT_CMD_`…).
///
/// # Errors
/// Those of `reboot(2)`.
pub fn reboot(command: u32) -> Result<()> {
    let magic = [LINUX_REBOOT_MAGIC1 as usize, LINUX_REBOOT_MAGIC2 as usize];
    let arguments = [magic[0], magic[1], command as usize, 0];
    plain(__NR_reboot, arguments).map(drop)
}

/// Fills a buffer with random bytes.
///
/// # Errors
/// Those of `getrandom(2)`; `EIO` if the kernel gave fewer.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    let (place, length) = (buffer.as_mut_ptr() as usize, buffer.len());
    // SAFETY: the kernel writes within the buffer.
    let count = unsafe { call3(__NR_getrandom, place, length, 0) }?;
    if count == length { Ok(()) } else { Err(Errno::EIO) }
}
