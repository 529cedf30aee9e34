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
