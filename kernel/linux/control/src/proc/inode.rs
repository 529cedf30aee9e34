//! What an inode of `/proc` says: which process, which thread, which file.

use alloc::sync::Weak;

use kernel_files::FileType;
use kernel_files::table::LIMIT;
use kernel_process::Process;
use kernel_task::table::ID_LIMIT;

/// The top directory. Its number is that of the attributes' tree.
pub(super) struct Root;

/// A text about a thread, by the name of its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Text {
    /// `stat`
    Stat,
    /// `statm`
    Statm,
    /// `status`
    Status,
    /// `cmdline`: arguments, each with a NUL.
    CommandLine,
    /// `comm`: the name, with a newline.
    Name,
    /// `environ`
    Environment,
    /// `wchan`: where it sleeps, or `0`.
    WaitChannel,
    /// `maps`
    Maps,
    /// `smaps`: the same, with what of each region is in memory.
    DetailedMaps,
    /// `smaps_rollup`: the sums of that.
    MapSums,
    /// `auxv`: what the program was told at its start.
    Auxiliary,
    /// `limits`
    Limits,
    /// `cgroup`
    Groups,
}

/// Which file of a process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// The directory itself.
    Top,
    Text(Text),
    Mounts,
    MountDetails,
    /// `timerslack_ns`
    TimerSlack,
    WorkingDirectory,
    Root,
    Program,
    /// `fd`
    Descriptors,
    Descriptor(u32),
    /// `fdinfo`
    DescriptorDetails,
    /// One file of it.
    Details(u32),
    /// `pagemap`
    Pages,
    /// `task`
    Threads,
}

/// The names in a process's directory. Their places are their positions.
pub(super) const NAMES: [(&str, Item); 23] = [
    ("auxv", Item::Text(Text::Auxiliary)),
    ("cgroup", Item::Text(Text::Groups)),
    ("cmdline", Item::Text(Text::CommandLine)),
    ("comm", Item::Text(Text::Name)),
    ("cwd", Item::WorkingDirectory),
    ("environ", Item::Text(Text::Environment)),
    ("exe", Item::Program),
    ("fd", Item::Descriptors),
    ("fdinfo", Item::DescriptorDetails),
    ("limits", Item::Text(Text::Limits)),
    ("maps", Item::Text(Text::Maps)),
    ("mountinfo", Item::MountDetails),
    ("mounts", Item::Mounts),
    ("pagemap", Item::Pages),
    ("root", Item::Root),
    ("smaps", Item::Text(Text::DetailedMaps)),
    ("smaps_rollup", Item::Text(Text::MapSums)),
    ("stat", Item::Text(Text::Stat)),
    ("statm", Item::Text(Text::Statm)),
    ("status", Item::Text(Text::Status)),
    ("wchan", Item::Text(Text::WaitChannel)),
    // These are last: they are not there in the directory of a thread.
    ("timerslack_ns", Item::TimerSlack),
    ("task", Item::Threads),
];

/// A file about a process or a thread.
#[derive(Clone)]
pub(super) struct ProcessInode {
    pub(super) process: u32,
    /// Whose number that was when the directory was looked for; `None` for a
    /// kernel thread.
    pub(super) owner: Option<Weak<Process>>,
    /// `None` for the process as a whole.
    pub(super) thread: Option<u32>,
    pub(super) item: Item,
}

/// Descriptors are numbered from here on.
const FIRST_DESCRIPTOR: u64 = 1024;
/// And what is told of them from here on.
const FIRST_DETAILS: u64 = FIRST_DESCRIPTOR + LIMIT as u64;
/// A number has so many bits for which file of a thread it is.
pub(super) const CODE_BITS: u32 = 22;
/// And so many for the number of a task.
pub(super) const ID_BITS: u32 = 20;

const _: () = assert!(ID_LIMIT <= 1 << ID_BITS);
const _: () = assert!(FIRST_DETAILS + LIMIT as u64 <= 1 << CODE_BITS);

impl Item {
    pub(super) fn code(self) -> u64 {
        match self {
            Item::Top => 0,
            Item::Descriptor(fd) => FIRST_DESCRIPTOR + u64::from(fd),
            Item::Details(fd) => FIRST_DETAILS + u64::from(fd),
            item => {
                let place = NAMES.iter().position(|(_, it)| *it == item);
                1 + place.unwrap_or(NAMES.len()) as u64
            }
        }
    }

    pub(super) fn kind(self) -> FileType {
        match self {
            Item::Top
            | Item::Descriptors
            | Item::DescriptorDetails
            | Item::Threads => FileType::Directory,
            Item::Text(_)
            | Item::Mounts
            | Item::MountDetails
            | Item::Details(_)
            | Item::Pages
            | Item::TimerSlack => FileType::Regular,
            _ => FileType::Symlink,
        }
    }

    pub(super) fn permissions(self) -> u32 {
        match self {
            Item::Descriptors => 0o500,
            // They are for who may look, which is asked at each use.
            Item::DescriptorDetails => 0o555,
            Item::Top | Item::Threads => 0o555,
            Item::Text(Text::Environment | Text::Auxiliary) => 0o400,
            Item::Pages | Item::Details(_) => 0o400,
            Item::TimerSlack => 0o666,
            Item::Text(_) | Item::Mounts | Item::MountDetails => 0o444,
            _ => 0o777,
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
