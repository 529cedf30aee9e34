//! Files in `/proc` about the system as a whole: memory, mounts, groups. What
//! system calls know of names and limits is added by them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;

use kernel_abi::Errno;
use kernel_abi::stat::device_parts;
use kernel_core::procfmt::memory::Meminfo;
use kernel_core::procfmt::slab::{self, Cache};
use kernel_core::procfmt::system::{Mount, MountDetails};
use kernel_core::schedule::policy::ROUND_ROBIN_NS;
use kernel_core::schedule::throttle::{PERIOD_NS, RUNTIME_NS};

use super::tree::base;
use crate::cgroup;
use kernel_files::attribute::{Attribute, ShowFn};
use kernel_files::device::random;
use kernel_files::location::Location;
use kernel_files::mount::{self, MountFlags};
use kernel_files::ramfs;
use kernel_machine::mm::stack::{self, STACK_SIZE};
use kernel_machine::mm::{AddressSpace, Observed, PAGE_SIZE, frame, heap};
use kernel_task::table;

/// What the boot loader passed.
static COMMAND_LINE: spin::Once<&'static str> = spin::Once::new();

pub(super) fn init(command_line: &'static str) -> Result<(), Errno> {
    COMMAND_LINE.call_once(|| command_line);
    let tree = &base().tree;
    let files: [(&str, ShowFn); 14] = [
        ("cgroups", cgroup::controllers),
        ("cmdline", show_command_line),
        ("filesystems", filesystems),
        ("meminfo", memory),
        ("swaps", || Ok(String::from(SWAPS))),
        ("tty/drivers", || Ok(String::from(TTY_DRIVERS))),
        ("vmstat", virtual_memory),
        ("sys/kernel/sched_rr_timeslice_ms", || milli(ROUND_ROBIN_NS)),
        ("sys/kernel/sched_rt_period_us", || micro(PERIOD_NS)),
        ("sys/kernel/sched_rt_runtime_us", || micro(RUNTIME_NS)),
        ("sys/kernel/random/boot_id", boot_id),
        ("sys/kernel/random/uuid", || Ok(uuid())),
        ("sys/kernel/random/entropy_avail", entropy),
        ("sys/kernel/random/poolsize", entropy),
    ];
    for (path, show) in files {
        tree.add(path, Attribute::read_only(show))?;
    }
    tree.add("slabinfo", Attribute::read_only(objects).private())?;
    tree.add_link("mounts", "self/mounts")?;
    tree.add_link("mountinfo", "self/mountinfo")
}

fn milli(ns: u64) -> Result<String, Errno> {
    Ok(format!("{}\n", ns / 1_000_000))
}

fn micro(ns: u64) -> Result<String, Errno> {
    Ok(format!("{}\n", ns / 1000))
}

/// Nothing is ever swapped.
const SWAPS: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

/// By this, `ps` finds the name of a terminal from its number.
const TTY_DRIVERS: &str = "\
/dev/tty             /dev/tty        5       0 system:/dev/tty
/dev/console         /dev/console    5       1 system:console
ttyAMA               /dev/ttyAMA   204 64-77 serial
";

/// The counters of Linux that mean something here.
fn virtual_memory() -> Result<String, Errno> {
    let frames = frame::stats();
    let (spaces, _) = spaces();
    let tables: usize = spaces.values().map(|it| it.table_pages()).sum();
    let resident: usize = spaces.values().map(|it| it.resident_pages()).sum();
    Ok(format!(
        "nr_free_pages {}\nnr_anon_pages {}\nnr_file_pages {}\n\
        nr_page_table_pages {tables}\npgpgin 0\npgpgout 0\n\
        pswpin 0\npswpout 0\n",
        frames.free,
        resident - tables,
        ramfs::pages(),
    ))
}

fn show_command_line() -> Result<String, Errno> {
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
    let (spaces, users) = spaces();
    let sum = |count: fn(&AddressSpace) -> usize| {
        kib(spaces.values().map(|space| count(space)).sum())
    };
    let page_tables = sum(AddressSpace::table_pages);
    let meminfo = Meminfo {
        total: kib(frames.total),
        free: kib(frames.free),
        available: kib(available),
        cached: kib(ramfs::pages()),
        anonymous: sum(AddressSpace::resident_pages) - page_tables,
        heap: heap::stats().mapped as u64 / 1024,
        kernel_stacks: (users * STACK_SIZE) as u64 / 1024,
        page_tables,
        ..Meminfo::default()
    };
    let mut text = Vec::new();
    meminfo.render(&mut text);
    to_string(text)
}

/// All memories of user programs, each once, and the number of tasks.
fn spaces() -> (BTreeMap<usize, Observed>, usize) {
    let tasks = table::all();
    let spaces = tasks.iter().filter_map(|task| task.space());
    let by_address = |space: Arc<AddressSpace>| {
        (Arc::as_ptr(&space).addr(), Observed::from(space))
    };
    (spaces.map(by_address).collect(), tasks.len())
}

/// What the kernel has for itself, piece by piece: what is in use, and what
/// it keeps for the next time.
fn objects() -> Result<String, Errno> {
    // All figures are taken first: the text is made of such objects.
    let heap = heap::class_stats();
    let (large, (used, mapped)) = (heap::large_pages(), stack::stats());
    let mut text = Vec::new();
    slab::render_header(&mut text);
    for objects in heap {
        let (used, total) = (objects.used, objects.total);
        let (size, slabs) = (objects.size, objects.frames);
        let (name, per_slab) = (format!("kmalloc-{size}"), PAGE_SIZE / size);
        Cache { name: &name, used, total, size, per_slab, slabs }
            .render(&mut text);
    }
    let whole = [
        ("kmalloc-large", large, large, PAGE_SIZE),
        ("kernel_stack", used, mapped, STACK_SIZE),
    ];
    for (name, used, total, size) in whole {
        let slabs = total;
        Cache { name, used, total, size, per_slab: 1, slabs }.render(&mut text);
    }
    to_string(text)
}

fn to_string(text: Vec<u8>) -> Result<String, Errno> {
    String::from_utf8(text).map_err(|_| Errno::EIO)
}

fn entropy() -> Result<String, Errno> {
    Ok(format!("{}\n", random::ENTROPY_BITS))
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

/// The mounts below `root`, as `/proc/PID/mountinfo` lists them.
pub(super) fn mount_details(root: &Location) -> Vec<u8> {
    let mut text = Vec::new();
    for top in mount::list() {
        let Ok(path) = top.path(root) else { continue };
        let parent = top.mount.place().map_or(0, |place| place.mount.id());
        let device = device_parts(top.inode.id().device);
        let options = options(top.mount.flags());
        let line = MountDetails {
            id: top.mount.id(),
            parent,
            device,
            target: &path,
            options: options.as_bytes(),
            kind: top.mount.filesystem.kind().as_bytes(),
            source: top.mount.source.as_bytes(),
        };
        line.render(&mut text);
    }
    text
}

/// The mounts below `root`, as `/proc/PID/mounts` lists them.
pub(super) fn mounts(root: &Location) -> Vec<u8> {
    let mut text = Vec::new();
    for top in mount::list() {
        // A mount whose place has lost its name is in nobody's tree.
        let Ok(path) = top.path(root) else { continue };
        let mut options = options(top.mount.flags());
        options += &top.mount.filesystem.options();
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
