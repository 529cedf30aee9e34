//! The kernel as a file, before it is an image.
use elf::ElfBytes;
use elf::endian::LittleEndian;

/// Everything starts on a page of this many bytes.
pub const PAGE: usize = 4096;

/// A parsed kernel.
pub type Kernel<'a> = ElfBytes<'a, LittleEndian>;
