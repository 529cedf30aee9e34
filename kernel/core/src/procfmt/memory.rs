//! `/proc/PID/maps`, `/proc/PID/statm` and `/proc/meminfo`.

use alloc::vec::Vec;

use super::{escape, text};

#[cfg(test)]
mod tests;

/// Names in `maps` start in this column.
const NAME_COLUMN: usize = 73;

/// One line of `/proc/PID/maps`.
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'a> {
    /// First address.
    pub start: u64,
    /// One past the last address.
    pub end: u64,
    /// Read, write, execute.
    pub access: [bool; 3],
    /// Shared with others after a `fork`.
    pub is_shared: bool,
    /// Where in the file it starts, in bytes.
    pub offset: u64,
    /// Major and minor number of the file's device.
    pub device: (u32, u32),
    /// Inode, or 0.
    pub inode: u64,
    /// Path, or a name such as `[heap]`, or nothing.
    pub name: &'a [u8],
}

impl Mapping<'_> {
    /// Most bytes of a line but for its name, of which a byte may become
    /// four.
    pub const MOST: usize = 160;

    /// The line.
    pub fn render(&self, out: &mut Vec<u8>) {
        let line = out.len();
        let letter = |index: usize| match self.access[index] {
            true => ['r', 'w', 'x'][index],
            false => '-',
        };
        text!(out, "{:08x}-{:08x} ", self.start, self.end);
        text!(out, "{}{}{}", letter(0), letter(1), letter(2));
        text!(out, "{} ", if self.is_shared { 's' } else { 'p' });
        let (major, minor) = self.device;
        text!(out, "{:08x} {major:02x}:{minor:02x} ", self.offset);
        text!(out, "{} ", self.inode);
        if !self.name.is_empty() {
            let written = out.len() - line;
            let blanks = NAME_COLUMN.saturating_sub(written).max(1);
            out.resize(out.len() + blanks, b' ');
            escape(out, self.name, b"\n");
        }
        out.push(b'\n');
    }
}

/// What of a mapping is in memory, in KiB; pairs are of pages as they were and
/// of changed ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presence {
    /// In memory.
    pub resident: u64,
    /// Of what several have, a part.
    pub share: u64,
    /// What others have, too.
    pub shared: [u64; 2],
    /// What nobody else has.
    pub private: [u64; 2],
    /// The process's own.
    pub anonymous: u64,
    /// What is to stay.
    pub locked: u64,
}

impl Presence {
    /// Most bytes of the lines, with those of [`VmFlags`].
    pub const MOST: usize = 1024;

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.resident += other.resident;
        self.share += other.share;
        for at in 0..2 {
            self.shared[at] += other.shared[at];
            self.private[at] += other.private[at];
        }
        self.anonymous += other.anonymous;
        self.locked += other.locked;
    }

    /// The lines; of one mapping, which has a size, there are more.
    pub fn render(&self, size: Option<u64>, out: &mut Vec<u8>) {
        let mut line = |name: &str, value: u64| {
            text!(out, "{name:<16}{value:8} kB\n");
        };
        if let Some(size) = size {
            line("Size:", size);
            line("KernelPageSize:", 4);
            line("MMUPageSize:", 4);
        }
        line("Rss:", self.resident);
        line("Pss:", self.share);
        line("Shared_Clean:", self.shared[0]);
        line("Shared_Dirty:", self.shared[1]);
        line("Private_Clean:", self.private[0]);
        line("Private_Dirty:", self.private[1]);
        line("Referenced:", self.resident);
        line("Anonymous:", self.anonymous);
        for name in [
            "LazyFree:",
            "AnonHugePages:",
            "ShmemPmdMapped:",
            "FilePmdMapped:",
            "Shared_Hugetlb:",
            "Private_Hugetlb:",
            "Swap:",
            "SwapPss:",
        ] {
            line(name, 0);
        }
        line("Locked:", self.locked);
        if size.is_some() {
            text!(out, "THPeligible:    0\n");
        }
    }
}

/// What is known of a mapping, as `smaps` shows it in pairs of letters.
#[derive(Clone, Copy, Debug, Default)]
pub struct VmFlags {
    /// Read, write, execute.
    pub access: [bool; 3],
    /// Shared with others.
    pub is_shared: bool,
    /// It may be made writable.
    pub may_write: bool,
    /// A stack.
    pub grows_down: bool,
    /// To stay in memory.
    pub is_locked: bool,
    /// Children do not have it.
    pub no_fork: bool,
    /// Not for core dumps.
    pub no_dump: bool,
    /// Children find zeros there.
    pub wipes_on_fork: bool,
}

impl VmFlags {
    /// The line.
    pub fn render(&self, out: &mut Vec<u8>) {
        let [read, write, execute] = self.access;
        text!(out, "VmFlags: ");
        for (is_set, letters) in [
            (read, "rd"),
            (write, "wr"),
            (execute, "ex"),
            (self.is_shared, "sh"),
            (true, "mr"),
            (self.may_write, "mw"),
            (true, "me"),
            (self.is_shared && self.may_write, "ms"),
            (self.grows_down, "gd"),
            (self.is_locked, "lo"),
            (self.no_fork, "dc"),
            (!self.is_shared, "ac"),
            (self.wipes_on_fork, "wf"),
            (self.no_dump, "dd"),
        ] {
            if is_set {
                text!(out, "{letters} ");
            }
        }
        out.push(b'\n');
    }
}

/// `/proc/PID/statm`, in pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statm {
    /// Address space.
    pub size: u64,
    /// Resident.
    pub resident: u64,
    /// Resident, of files and shared.
    pub shared: u64,
    /// Code.
    pub code: u64,
    /// Data and stack.
    pub data: u64,
}

impl Statm {
    /// The line.
    pub fn render(&self, out: &mut Vec<u8>) {
        text!(out, "{} {} ", self.size, self.resident);
        text!(out, "{} {} 0 {} 0\n", self.shared, self.code, self.data);
    }
}

/// `/proc/meminfo`, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meminfo {
    /// Memory that the kernel manages.
    pub total: u64,
    /// Memory that nothing uses.
    pub free: u64,
    /// What programs could still get.
    pub available: u64,
    /// Data of files.
    pub cached: u64,
    /// Anonymous memory that is mapped.
    pub anonymous: u64,
    /// Data of files that is mapped.
    pub mapped: u64,
    /// Shared anonymous memory.
    pub shared: u64,
    /// The kernel's heap.
    pub heap: u64,
    /// Stacks of the kernel.
    pub kernel_stacks: u64,
    /// Page tables.
    pub page_tables: u64,
}

impl Meminfo {
    /// The file.
    pub fn render(&self, out: &mut Vec<u8>) {
        for (name, value) in [
            ("MemTotal:", self.total),
            ("MemFree:", self.free),
            ("MemAvailable:", self.available),
            ("Buffers:", 0),
            ("Cached:", self.cached),
            ("SwapCached:", 0),
            ("Active:", self.anonymous),
            ("Inactive:", self.cached),
            ("SwapTotal:", 0),
            ("SwapFree:", 0),
            ("Dirty:", 0),
            ("Writeback:", 0),
            ("AnonPages:", self.anonymous),
            ("Mapped:", self.mapped),
            ("Shmem:", self.shared),
            ("KReclaimable:", 0),
            ("Slab:", self.heap),
            ("SReclaimable:", 0),
            ("SUnreclaim:", self.heap),
            ("KernelStack:", self.kernel_stacks),
            ("PageTables:", self.page_tables),
        ] {
            text!(out, "{name:<16}{value:8} kB\n");
        }
    }
}
