//! Reads a flattened device tree that may be wrong or hostile.
//!
//! A boot loader hands over a blob: a header, a list of memory reservations,
//! the *structure block* (tokens: node begins, property, node ends) and the
//! *strings block* (names of properties). [`DeviceTree::new`] walks the whole
//! structure block once and refuses a blob that leaves its bounds, does not
//! nest, or nests too deep. Everything after that reads only what was
//! checked, and still answers `None` instead of indexing.
//!
//! Why not the `fdt` crate: `kernel/decisions/0003-device-tree.md`. The unit
//! tests compare this reader with it, node by node, on real trees.
//!
//! Devicetree Specification 0.4, chapter 5. Read next: `node.rs` (nodes and
//! properties), then `machine.rs` (what the kernel takes from the tree).

mod console;
mod list;
mod machine;
mod node;
#[cfg(test)]
pub(crate) mod real;
mod small;
mod span;
#[cfg(test)]
mod tests;
mod token;
#[cfg(test)]
pub(crate) mod writer;

pub use console::{Console, SerialKind};
pub use list::List;
pub use machine::{
    Conduit, Cpu, Device, Gic, Machine, MachineError, Reservation,
};
pub use node::{Bus, Node};
pub use small::StatusLight;
pub use span::Span;

use token::{Token, Tokens};

/// Deepest nesting that is accepted; real trees stay below ten.
pub const MAX_DEPTH: usize = 24;
/// Largest blob that is accepted, in bytes; as Linux on arm64.
pub const MAX_SIZE: usize = 2 << 20;
/// Bytes of the header.
pub const HEADER_SIZE: usize = 40;

const MAGIC: u32 = 0xd00d_feed;

/// Why a blob is refused. Offsets are in bytes from the structure block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The first word is this, not the magic number of a device tree.
    BadMagic(u32),
    /// The header says this size: below its own or above [`MAX_SIZE`], or
    /// more than the bytes at hand.
    BadSize(u32),
    /// Readers of version 17 cannot read it: oldest compatible version.
    BadVersion(u32),
    /// This part lies outside the blob or is not aligned.
    BadBlock(&'static str),
    /// An unknown token, a property outside its place, or a cut-off one.
    BadToken(usize),
    /// A name without end or with characters that are not printable ASCII.
    BadName(usize),
    /// Nodes nest deeper than [`MAX_DEPTH`].
    TooDeep(usize),
    /// Nodes do not nest as one tree.
    NotATree(usize),
}

impl core::fmt::Display for TreeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            TreeError::BadMagic(word) => write!(f, "bad magic {word:#010x}"),
            TreeError::BadSize(size) => write!(f, "bad size {size:#x}"),
            TreeError::BadVersion(version) => {
                write!(f, "version {version} is not readable")
            }
            TreeError::BadBlock(what) => {
                write!(f, "{what} block outside the blob")
            }
            TreeError::BadToken(at) => write!(f, "bad token at {at:#x}"),
            TreeError::BadName(at) => write!(f, "bad name at {at:#x}"),
            TreeError::TooDeep(at) => write!(f, "too deep at {at:#x}"),
            TreeError::NotATree(at) => write!(f, "not a tree at {at:#x}"),
        }
    }
}

/// A checked device tree.
#[derive(Clone, Copy)]
pub struct DeviceTree<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
    reservations: &'a [u8],
    used_size: usize,
}

impl<'a> DeviceTree<'a> {
    /// The size in bytes that the header claims, for a caller that has only
    /// the first [`HEADER_SIZE`] bytes yet.
    ///
    /// # Errors
    /// `BadMagic`, `BadSize`: not a device tree, or one out of bounds.
    pub fn claimed_size(header: &[u8]) -> Result<usize, TreeError> {
        let magic = word(header, 0).ok_or(TreeError::BadSize(0))?;
        if magic != MAGIC {
            return Err(TreeError::BadMagic(magic));
        }
        let size = word(header, 4).ok_or(TreeError::BadSize(0))?;
        if !(HEADER_SIZE..=MAX_SIZE).contains(&(size as usize)) {
            return Err(TreeError::BadSize(size));
        }
        Ok(size as usize)
    }

    /// Checks a blob from its header to its last token.
    ///
    /// # Errors
    /// What is wrong first, see [`TreeError`].
    pub fn new(blob: &'a [u8]) -> Result<Self, TreeError> {
        let size = Self::claimed_size(blob)?;
        let blob = blob.get(..size).ok_or(TreeError::BadSize(size as u32))?;
        let field = |index: usize| word(blob, index * 4).unwrap_or(0) as usize;
        if field(6) > 17 || field(5) < 17 {
            return Err(TreeError::BadVersion(field(6) as u32));
        }
        let structure = block(blob, field(2), field(9), "structure")?;
        let strings = block(blob, field(3), field(8), "strings")?;
        let reserved = field(4);
        let reservations = blob
            .get(reserved..)
            .filter(|_| reserved >= HEADER_SIZE)
            .ok_or(TreeError::BadBlock("reservation"))?;
        if field(2) % 4 != 0 {
            return Err(TreeError::BadBlock("structure"));
        }
        let ends = [field(2) + structure.len(), field(3) + strings.len()];
        let used_size = ends.into_iter().max().unwrap_or(size);
        let tree = DeviceTree { structure, strings, reservations, used_size };
        tree.check_nesting()?;
        Ok(tree)
    }

    /// Bytes from the start of the blob that hold anything: QEMU pads its
    /// tree to 1 MiB. The reservation list precedes the other blocks.
    pub fn used_size(&self) -> usize {
        self.used_size
    }

    /// The node `/`.
    pub fn root(&self) -> Node<'a> {
        Node::first(*self)
    }

    /// The node with this path, such as `/chosen` or `/cpus/cpu@0`. A part
    /// without `@` matches a node with any unit address.
    pub fn find(&self, path: &str) -> Option<Node<'a>> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(self.root(), |node, part| node.child(part))
    }

    /// All nodes, parents before children.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let tree = *self;
        let mut tokens = Tokens::new(self.structure, self.strings, 0);
        core::iter::from_fn(move || {
            loop {
                if let Token::Begin(name) = tokens.next()? {
                    return Some(Node::at(tree, tokens.offset(), name));
                }
            }
        })
    }

    /// The `/memreserve/` entries: start and size in bytes.
    pub fn memory_reservations(
        &self,
    ) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let entries = self.reservations.chunks_exact(16);
        entries
            .map(|entry| (number(&entry[..8]), number(&entry[8..])))
            .take_while(|&(start, size)| (start, size) != (0, 0))
    }

    pub(crate) fn tokens(&self, offset: usize) -> Tokens<'a> {
        Tokens::new(self.structure, self.strings, offset)
    }

    /// One root, every begin with its end, properties before children.
    fn check_nesting(&self) -> Result<(), TreeError> {
        let mut tokens = self.tokens(0);
        let mut depth = 0;
        let mut may_hold_property = false;
        let mut seen_root = false;
        loop {
            let at = tokens.offset();
            match tokens.try_next()? {
                Token::Begin(_) if depth == MAX_DEPTH => {
                    return Err(TreeError::TooDeep(at));
                }
                Token::Begin(_) if depth == 0 && seen_root => {
                    return Err(TreeError::NotATree(at));
                }
                Token::Begin(_) => {
                    seen_root = true;
                    depth += 1;
                    may_hold_property = true;
                }
                Token::End if depth == 0 => {
                    return Err(TreeError::NotATree(at));
                }
                Token::End => {
                    depth -= 1;
                    may_hold_property = false;
                }
                Token::Property(..) if !may_hold_property => {
                    return Err(TreeError::BadToken(at));
                }
                Token::Property(name, _) => {
                    name.text().ok_or(TreeError::BadName(at))?;
                }
                Token::Finish if depth == 0 && seen_root => return Ok(()),
                Token::Finish => return Err(TreeError::NotATree(at)),
            }
        }
    }
}

fn block<'a>(
    blob: &'a [u8],
    start: usize,
    size: usize,
    name: &'static str,
) -> Result<&'a [u8], TreeError> {
    // Both come from 32-bit words, so the sum cannot overflow 64 bits.
    blob.get(start..start + size)
        .filter(|_| start >= HEADER_SIZE)
        .ok_or(TreeError::BadBlock(name))
}

/// The big-endian word at byte `at`, if it is there.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// A big-endian number of any length; the high bits of a long one are lost.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}
