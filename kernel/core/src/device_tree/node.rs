//! Nodes, their properties, and addresses as the CPU sees them.

use super::span::Span;
use super::token::{Blocks, Token, Tokens, number, word};

/// One node of a checked tree.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    blocks: Blocks<'a>,
    /// Offset of the first token inside the node.
    offset: usize,
    name: &'a str,
}

impl<'a> Node<'a> {
    pub(super) fn first(blocks: Blocks<'a>) -> Self {
        let mut tokens = blocks.tokens(0);
        let _ = tokens.next();
        Node { blocks, offset: tokens.offset(), name: "" }
    }

    pub(super) fn at(blocks: Blocks<'a>, offset: usize, name: &'a str) -> Self {
        Node { blocks, offset, name }
    }

    /// The name with its unit address: `memory@40000000`.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The name without the unit address.
    pub fn base_name(&self) -> &'a str {
        self.name.split('@').next().unwrap_or(self.name)
    }

    /// Whether both are the same node of one tree.
    pub(super) fn is_same(&self, other: &Node<'_>) -> bool {
        self.offset == other.offset
    }

    /// Offset of the node's first token in the structure block.
    #[cfg(test)]
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Names and values of the properties, in the order of the blob.
    pub fn properties(
        &self,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let mut tokens = self.blocks.tokens(self.offset);
        core::iter::from_fn(move || match tokens.next()? {
            Token::Property(name, value) => Some((name.text()?, value)),
            _ => None,
        })
    }

    /// The raw value of a property.
    pub fn property(&self, name: &str) -> Option<&'a [u8]> {
        let mut tokens = self.blocks.tokens(self.offset);
        loop {
            match tokens.next()? {
                Token::Property(found, value) if found.is(name) => {
                    return Some(value);
                }
                Token::Property(..) => {}
                _ => return None,
            }
        }
    }

    /// The first word of a property.
    pub fn word(&self, name: &str) -> Option<u32> {
        word(self.property(name)?, 0)
    }

    /// A property of one or two words as a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        let value = self.property(name)?;
        matches!(value.len(), 4 | 8).then(|| number(value))
    }

    /// The texts of a property; those that are not UTF-8 are left out.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let value = self.property(name).unwrap_or(&[]);
        value
            .split(|&byte| byte == 0)
            .filter_map(|text| core::str::from_utf8(text).ok())
            .filter(|text| !text.is_empty())
    }

    /// The first text of a property.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.texts(name).next()
    }

    /// Whether one of `names` is among the node's `compatible` texts.
    pub fn is_compatible(&self, names: &[&str]) -> bool {
        self.texts("compatible").any(|text| names.contains(&text))
    }

    /// Whether `status` lets the kernel use the node.
    pub fn is_enabled(&self) -> bool {
        matches!(self.text("status"), None | Some("okay" | "ok"))
    }

    /// The children, in the order of the blob.
    pub fn children(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let blocks = self.blocks;
        let mut tokens = blocks.tokens(self.offset);
        core::iter::from_fn(move || {
            loop {
                match tokens.next()? {
                    Token::Begin(name) => {
                        let child = Node::at(blocks, tokens.offset(), name);
                        skip_node(&mut tokens);
                        return Some(child);
                    }
                    Token::End => return None,
                    _ => {}
                }
            }
        })
    }

    /// The first child with this name; without `@`, with any unit address.
    pub fn child(&self, name: &str) -> Option<Node<'a>> {
        self.children().find(|child| {
            child.name == name
                || (!name.contains('@') && child.base_name() == name)
        })
    }
}

/// Passes over the rest of a node that has just begun.
fn skip_node(tokens: &mut Tokens<'_>) {
    let mut depth = 1;
    while depth > 0 {
        match tokens.next() {
            Some(Token::Begin(_)) => depth += 1,
            Some(Token::End) => depth -= 1,
            Some(_) => {}
            None => return,
        }
    }
}

/// A node seen as the bus its children sit on: how wide their addresses are,
/// and how they look from the CPU.
pub struct Bus<'a, 'b> {
    parent: Option<&'b Bus<'a, 'b>>,
    address_cells: usize,
    size_cells: usize,
    ranges: Option<&'a [u8]>,
}

impl<'a, 'b> Bus<'a, 'b> {
    /// `node` as a bus below `parent` (`None` for the root).
    pub fn new(node: Node<'a>, parent: Option<&'b Bus<'a, 'b>>) -> Self {
        let cells = |name, default| {
            node.word(name).map_or(default, |cells| cells as usize).min(4)
        };
        Bus {
            parent,
            address_cells: cells("#address-cells", 2),
            size_cells: cells("#size-cells", 1),
            ranges: node.property("ranges"),
        }
    }

    /// The `reg` entries of a child as physical addresses. An entry that
    /// ends beyond 2^48 or that no `ranges` reaches is left out.
    pub fn reg(
        &self,
        child: Node<'a>,
    ) -> impl Iterator<Item = Span> + use<'_, 'a, 'b> {
        self.raw_reg(child).filter_map(|(address, size)| {
            Span::new(self.translate(address)?, size)
        })
    }

    /// The `reg` entries of a child, untranslated: address and size.
    pub fn raw_reg(
        &self,
        child: Node<'a>,
    ) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let address = self.address_cells * 4;
        let entry = (address + self.size_cells * 4).max(4);
        let value = child.property("reg").unwrap_or(&[]);
        value.chunks_exact(entry).map(move |bytes| {
            let (address, size) = bytes.split_at(address.min(bytes.len()));
            (number(address), number(size))
        })
    }

    /// A child's address as the CPU sees it.
    fn translate(&self, address: u64) -> Option<u64> {
        let Some(parent) = self.parent else {
            return Some(address);
        };
        let ranges = self.ranges?;
        if ranges.is_empty() {
            return parent.translate(address);
        }
        let child = self.address_cells * 4;
        let above = child + parent.address_cells * 4;
        let entry = (above + self.size_cells * 4).max(4);
        let upper = ranges.chunks_exact(entry).find_map(|range| {
            let start = number(range.get(..child)?);
            let target = number(range.get(child..above)?);
            let size = number(range.get(above..)?);
            let offset = address.checked_sub(start)?;
            (offset < size).then_some(target.checked_add(offset))?
        })?;
        parent.translate(upper)
    }
}
