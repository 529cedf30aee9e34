//! The blob as a whole: its header, its blocks, and the check of its nesting.
//!
//! Read next: `node.rs`.

use super::node::Node;
use super::token::{Blocks, Token, TreeError, number, word};

/// Deepest nesting that is accepted; real trees stay below ten.
pub const MAX_DEPTH: usize = 24;
/// Largest blob that is accepted, in bytes; as Linux on arm64.
pub const MAX_SIZE: usize = 2 << 20;
/// Bytes of the header.
pub const HEADER_SIZE: usize = 40;

const MAGIC: u32 = 0xd00d_feed;

/// A checked device tree.
#[derive(Clone, Copy)]
pub struct DeviceTree<'a> {
    pub(super) blocks: Blocks<'a>,
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
        let blocks = Blocks { structure, strings };
        let tree = DeviceTree { blocks, reservations, used_size };
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
        Node::first(self.blocks)
    }

    /// The node with this path, such as `/chosen` or `/cpus/cpu@0`. A part
    /// without `@` matches a node with any unit address.
    pub fn find(&self, path: &str) -> Option<Node<'a>> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(self.root(), |node, part| node.child(part))
    }

    /// All nodes, parents before children.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let blocks = self.blocks;
        let mut tokens = blocks.tokens(0);
        core::iter::from_fn(move || {
            loop {
                if let Token::Begin(name) = tokens.next()? {
                    return Some(Node::at(blocks, tokens.offset(), name));
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

    /// One root, every begin with its end, properties before children.
    fn check_nesting(&self) -> Result<(), TreeError> {
        let mut tokens = self.blocks.tokens(0);
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
