//! What a program finds on its stack.
//!
//! ```text
//! top      8 zero bytes
//!          path of the program             AT_EXECFN
//!          strings of the environment      /proc/PID/environ
//!          strings of the arguments        /proc/PID/cmdline
//!          "aarch64", 16 random bytes      AT_PLATFORM, AT_RANDOM
//!          (up to 15 bytes of alignment)
//!          auxiliary vector, AT_NULL
//!          environment pointers, NULL
//!          argument pointers, NULL
//! sp ────> argument count
//! ```
//!
//! Layout: *System V ABI*, chapter on process initialisation, and Linux's
//! `create_elf_tables`.

use alloc::vec::Vec;
use core::ops::Range;

use kernel_abi::Errno;

#[cfg(test)]
mod tests;

/// No string is longer than this, its NUL included (Linux's
/// `MAX_ARG_STRLEN`).
pub const MAX_STRING: usize = 131_072;
const PLATFORM: &[u8] = b"aarch64";
const ALIGNMENT: u64 = 16;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident $value:literal)*) => {
        $($(#[$doc])* pub const $name: u64 = $value;)*
    };
}

keys! {
    /// End of the auxiliary vector.
    AT_NULL 0
    /// Address of the segment table.
    AT_PHDR 3
    /// Size of its entries.
    AT_PHENT 4
    /// Number of its entries.
    AT_PHNUM 5
    /// Size of a page.
    AT_PAGESZ 6
    /// Where the dynamic linker is loaded, or 0.
    AT_BASE 7
    /// 0.
    AT_FLAGS 8
    /// Where the program starts.
    AT_ENTRY 9
    /// Real user id.
    AT_UID 11
    /// Effective user id.
    AT_EUID 12
    /// Real group id.
    AT_GID 13
    /// Effective group id.
    AT_EGID 14
    /// Address of the machine's name.
    AT_PLATFORM 15
    /// Features of the processor.
    AT_HWCAP 16
    /// Ticks in a second of `times`: 100.
    AT_CLKTCK 17
    /// Whether the program gains rights by its file's owner.
    AT_SECURE 23
    /// Address of 16 random bytes.
    AT_RANDOM 25
    /// More features of the processor.
    AT_HWCAP2 26
    /// Address of the program's path.
    AT_EXECFN 31
    /// Least size of a signal stack.
    AT_MINSIGSTKSZ 51
}

/// What goes onto the stack. `S` holds a string without its NUL.
#[derive(Clone, Copy, Debug)]
pub struct StackRequest<'a, S> {
    /// One past the highest address; rounded down to 16.
    pub top: u64,
    /// The image is no larger than this.
    pub limit: usize,
    /// `argv`.
    pub arguments: &'a [S],
    /// `envp`.
    pub environment: &'a [S],
    /// Path of the program.
    pub path: &'a [u8],
    /// Random bytes for the C library's canary.
    pub random: [u8; 16],
    /// `AT_*` and values; `AT_RANDOM`, `AT_EXECFN`, `AT_PLATFORM` and
    /// `AT_NULL` are added.
    pub auxiliary: &'a [(u64, u64)],
    /// Called now and then: all strings may be many.
    pub pause: fn(),
}

/// Strings that are laid out between two pauses.
const PIECE: usize = 1024;

/// The bytes from the stack pointer to the top, and where things are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackImage {
    /// Initial stack pointer, a multiple of 16; the bytes go here.
    pub sp: u64,
    /// Up to the top.
    pub bytes: Vec<u8>,
    /// Addresses of the arguments' strings.
    pub arguments: Range<u64>,
    /// Addresses of the environment's strings.
    pub environment: Range<u64>,
    /// Addresses of the auxiliary vector, `AT_NULL` included.
    pub auxiliary: Range<u64>,
}

/// Addresses, from high to low.
struct Layout {
    top: u64,
    path: u64,
    environment: u64,
    arguments: u64,
    platform: u64,
    random: u64,
    sp: u64,
}

impl<S: AsRef<[u8]>> StackRequest<'_, S> {
    /// Lays everything out.
    ///
    /// # Errors
    /// `E2BIG` if it does not fit the limit or a string is too long,
    /// `ENOMEM`.
    pub fn build(&self) -> Result<StackImage, Errno> {
        let layout = self.layout().ok_or(Errno::E2BIG)?;
        let size = usize::try_from(layout.top - layout.sp);
        let size = size.map_err(|_| Errno::E2BIG)?;
        if size > self.limit {
            return Err(Errno::E2BIG);
        }
        (self.pause)();
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(size, 0);
        let mut image = StackImage {
            sp: layout.sp,
            bytes,
            arguments: layout.arguments..layout.environment,
            environment: layout.environment..layout.path,
            auxiliary: 0..0,
        };
        (self.pause)();
        self.fill(&layout, &mut image);
        Ok(image)
    }

    fn layout(&self) -> Option<Layout> {
        let top = self.top & !(ALIGNMENT - 1);
        let path = top.checked_sub(8 + 1 + self.path.len() as u64)?;
        let environment = path.checked_sub(sizes(self.environment)?)?;
        let arguments = environment.checked_sub(sizes(self.arguments)?)?;
        let platform = arguments.checked_sub(PLATFORM.len() as u64 + 1)?;
        let random = platform.checked_sub(16)? & !(ALIGNMENT - 1);
        let pointers = self.arguments.len() + self.environment.len() + 3;
        let pairs = self.auxiliary.len() + 4;
        let words = (pointers + 2 * pairs) as u64;
        let sp = random.checked_sub(8 * words)? & !(ALIGNMENT - 1);
        Some(Layout { top, path, environment, arguments, platform, random, sp })
    }

    fn fill(&self, layout: &Layout, image: &mut StackImage) {
        let mut words = Writer { image, at: layout.sp, pause: self.pause };
        words.word(self.arguments.len() as u64);
        words.pointers(self.arguments, layout.arguments);
        words.pointers(self.environment, layout.environment);
        let start = words.at;
        for &(key, value) in self.auxiliary {
            words.pair(key, value);
        }
        words.pair(AT_RANDOM, layout.random);
        words.pair(AT_EXECFN, layout.path);
        words.pair(AT_PLATFORM, layout.platform);
        words.pair(AT_NULL, 0);
        let end = words.at;
        words.at = layout.random;
        words.raw(&self.random);
        words.at = layout.platform;
        words.raw(PLATFORM);
        words.at = layout.arguments;
        words.strings(self.arguments);
        words.strings(self.environment);
        words.raw(self.path);
        image.auxiliary = start..end;
    }
}

/// Bytes of all strings with their NULs.
fn sizes<S: AsRef<[u8]>>(strings: &[S]) -> Option<u64> {
    strings.iter().try_fold(0_u64, |sum, string| {
        let size = string.as_ref().len() + 1;
        (size <= MAX_STRING).then(|| sum.checked_add(size as u64))?
    })
}

/// Writes at addresses within the image, which is zero at first.
struct Writer<'a> {
    image: &'a mut StackImage,
    at: u64,
    pause: fn(),
}

impl Writer<'_> {
    fn raw(&mut self, bytes: &[u8]) {
        let start = (self.at - self.image.sp) as usize;
        self.image.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len() as u64;
    }

    fn word(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    fn pair(&mut self, key: u64, value: u64) {
        self.word(key);
        self.word(value);
    }

    /// Pointers to strings that lie one after another from `address`.
    fn pointers<S: AsRef<[u8]>>(&mut self, strings: &[S], address: u64) {
        let mut address = address;
        for piece in strings.chunks(PIECE) {
            for string in piece {
                self.word(address);
                address += string.as_ref().len() as u64 + 1;
            }
            (self.pause)();
        }
        self.word(0);
    }

    fn strings<S: AsRef<[u8]>>(&mut self, strings: &[S]) {
        for piece in strings.chunks(PIECE) {
            for string in piece {
                self.raw(string.as_ref());
                self.at += 1;
            }
            (self.pause)();
        }
    }
}
