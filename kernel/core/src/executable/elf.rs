//! What to map where, for an ELF program.
//!
//! ```text
//! first 64 bytes ──Header::parse──> where the table is ──> caller reads it
//! table ──Plan::new──> segments, entry, interpreter (all checked)
//! ```
//!
//! The crate `elf` decodes the fields; what they may be is decided here.

use alloc::vec::Vec;

use elf::abi::{
    EM_AARCH64, ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_INTERP,
    PT_LOAD, PT_PHDR,
};
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};
use kernel_abi::Errno;

use crate::path::PATH_MAX;

#[cfg(test)]
mod tests;

/// Bytes of the file header.
pub const HEADER_SIZE: usize = 64;
/// Bytes of one entry of the segment table (`AT_PHENT`).
pub const ENTRY_SIZE: usize = 56;
/// The table is no longer than this.
pub const MAX_TABLE: usize = 65536;
/// User addresses are below this.
pub const USER_END: u64 = 1 << 48;
const PAGE: u64 = 4096;
const IDENT: usize = 16;

/// The file header, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Where execution starts, relative to the load address.
    pub entry: u64,
    /// Where the segment table is in the file.
    pub table_offset: u64,
    /// Number of its entries (`AT_PHNUM`).
    pub table_count: usize,
    /// Whether the program can be loaded anywhere.
    pub is_relocatable: bool,
}

impl Header {
    /// Decodes and checks the first [`HEADER_SIZE`] bytes of a file.
    ///
    /// # Errors
    /// `ENOEXEC` if this is no program for this machine.
    pub fn parse(head: &[u8]) -> Result<Self, Errno> {
        let head = head.get(..HEADER_SIZE).ok_or(Errno::ENOEXEC)?;
        let header = decode(head).ok_or(Errno::ENOEXEC)?;
        let table_count = usize::from(header.e_phnum);
        let fits = (1..=MAX_TABLE / ENTRY_SIZE).contains(&table_count)
            && usize::from(header.e_phentsize) == ENTRY_SIZE;
        let runs = header.class == Class::ELF64
            && header.e_machine == EM_AARCH64
            && matches!(header.e_type, ET_EXEC | ET_DYN);
        if !fits || !runs {
            return Err(Errno::ENOEXEC);
        }
        Ok(Header {
            entry: header.e_entry,
            table_offset: header.e_phoff,
            table_count,
            is_relocatable: header.e_type == ET_DYN,
        })
    }

    /// Bytes of the segment table.
    pub fn table_size(&self) -> usize {
        self.table_count * ENTRY_SIZE
    }
}

fn decode(head: &[u8]) -> Option<FileHeader<LittleEndian>> {
    let ident = parse_ident(head).ok()?;
    FileHeader::parse_tail(ident, &head[IDENT..]).ok()
}

/// What a segment's pages allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// `PF_R`.
    pub read: bool,
    /// `PF_W`.
    pub write: bool,
    /// `PF_X`.
    pub execute: bool,
}

/// A part of the file to map, followed by zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// First address; as far into its page as `offset` is.
    pub address: u64,
    /// Bytes in memory; not 0.
    pub memory_size: u64,
    /// Bytes in the file, at most `memory_size`.
    pub file_size: u64,
    /// Where they are in the file.
    pub offset: u64,
    /// Rights.
    pub access: Access,
}

impl Segment {
    /// First address of its first page.
    pub fn map_start(&self) -> u64 {
        self.address & !(PAGE - 1)
    }

    /// One past the last address of its last page.
    pub fn map_end(&self) -> u64 {
        (self.address + self.memory_size).next_multiple_of(PAGE)
    }

    /// Where the first page is in the file.
    pub fn map_offset(&self) -> u64 {
        self.offset & !(PAGE - 1)
    }

    /// One past the last address that the file fills; zeros follow.
    pub fn file_end(&self) -> u64 {
        self.address + self.file_size
    }

    /// One past the last page that holds bytes of the file.
    pub fn file_map_end(&self) -> u64 {
        match self.file_size {
            0 => self.map_start(),
            _ => self.file_end().next_multiple_of(PAGE),
        }
    }
}

/// Everything that is needed to load a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// In order of address, no two on the same page; not empty.
    pub segments: Vec<Segment>,
    /// Where execution starts; within a segment.
    pub entry: u64,
    /// Address of the segment table in memory (`AT_PHDR`), 0 if not there.
    pub table_address: u64,
    /// Number of its entries (`AT_PHNUM`).
    pub table_count: usize,
    /// Where in the file the path of the dynamic linker is, with its NUL,
    /// and its length.
    pub interpreter: Option<(u64, usize)>,
    /// Whether it can be loaded anywhere; the addresses start near 0 then.
    pub is_relocatable: bool,
    /// Whether it has code on its stack.
    pub runs_stack: bool,
}

impl Plan {
    /// Decodes and checks the segment table of a file of `file_size` bytes.
    ///
    /// # Errors
    /// `ENOEXEC` if the table makes no sense, `ENOMEM`.
    pub fn new(
        header: &Header,
        table: &[u8],
        file_size: u64,
    ) -> Result<Self, Errno> {
        let table = table.get(..header.table_size()).ok_or(Errno::ENOEXEC)?;
        let mut plan = Plan {
            segments: Vec::new(),
            entry: header.entry,
            table_address: 0,
            table_count: header.table_count,
            interpreter: None,
            is_relocatable: header.is_relocatable,
            runs_stack: false,
        };
        let entries = SegmentTable::new(LittleEndian, Class::ELF64, table);
        for entry in entries.iter() {
            plan.add(&entry, file_size)?;
        }
        plan.finish(header)?;
        Ok(plan)
    }

    fn add(
        &mut self,
        entry: &ProgramHeader,
        file_size: u64,
    ) -> Result<(), Errno> {
        match entry.p_type {
            PT_LOAD if entry.p_memsz != 0 => {
                let segment =
                    checked(entry, file_size).ok_or(Errno::ENOEXEC)?;
                self.segments.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                self.segments.push(segment);
            }
            PT_INTERP if self.interpreter.is_none() => {
                let length = entry.p_filesz as usize;
                let end = entry.p_offset.checked_add(entry.p_filesz);
                let fits = end.is_some_and(|end| end <= file_size);
                if !fits || !(2..=PATH_MAX).contains(&length) {
                    return Err(Errno::ENOEXEC);
                }
                self.interpreter = Some((entry.p_offset, length));
            }
            PT_PHDR => self.table_address = entry.p_vaddr,
            PT_GNU_STACK => self.runs_stack = entry.p_flags & PF_X != 0,
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, header: &Header) -> Result<(), Errno> {
        let pairs = self.segments.windows(2);
        let mut pairs = pairs.map(|pair| (&pair[0], &pair[1]));
        let ordered = pairs.all(|(a, b)| a.map_end() <= b.map_start());
        let entry = self.entry;
        if !ordered || !self.segments.iter().any(|s| covers(s, entry, 1)) {
            return Err(Errno::ENOEXEC);
        }
        let size = header.table_size() as u64;
        let named = self.table_address;
        if !self.segments.iter().any(|s| covers(s, named, size)) {
            self.table_address = self.find_table(header).unwrap_or(0);
        }
        Ok(())
    }

    /// The address at which a segment happens to map the table.
    fn find_table(&self, header: &Header) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let into = header.table_offset.checked_sub(segment.offset)?;
            let end = into.checked_add(header.table_size() as u64)?;
            (end <= segment.file_size).then_some(segment.address + into)
        })
    }

    /// First address of the first page.
    pub fn start(&self) -> u64 {
        self.segments.first().map_or(0, Segment::map_start)
    }

    /// One past the last page; the heap starts here.
    pub fn end(&self) -> u64 {
        self.segments.last().map_or(0, Segment::map_end)
    }

    /// Moves a relocatable program up by `bias`, a multiple of the page size.
    ///
    /// # Errors
    /// `ENOEXEC` if it would end beyond the user addresses.
    pub fn relocate(&mut self, bias: u64) -> Result<(), Errno> {
        match self.end().checked_add(bias) {
            Some(end) if end <= USER_END => {}
            _ => return Err(Errno::ENOEXEC),
        }
        for segment in &mut self.segments {
            segment.address += bias;
        }
        self.entry += bias;
        if self.table_address != 0 {
            self.table_address += bias;
        }
        Ok(())
    }
}

fn covers(segment: &Segment, address: u64, size: u64) -> bool {
    let into = address.checked_sub(segment.address);
    let end = into.and_then(|into| into.checked_add(size));
    end.is_some_and(|end| end <= segment.memory_size)
}

fn checked(entry: &ProgramHeader, file_size: u64) -> Option<Segment> {
    let memory_end = entry.p_vaddr.checked_add(entry.p_memsz)?;
    let file_end = entry.p_offset.checked_add(entry.p_filesz)?;
    let congruent = entry.p_vaddr % PAGE == entry.p_offset % PAGE;
    let sound = memory_end <= USER_END - PAGE
        && file_end <= file_size
        && entry.p_filesz <= entry.p_memsz
        && (congruent || entry.p_filesz == 0);
    let has = |flag| entry.p_flags & flag != 0;
    sound.then(|| Segment {
        address: entry.p_vaddr,
        memory_size: entry.p_memsz,
        file_size: entry.p_filesz,
        offset: entry.p_offset,
        access: Access {
            read: has(PF_R),
            write: has(PF_W),
            execute: has(PF_X),
        },
    })
}
