//! Finding a node together with the bus it sits on, and its interrupts.

use super::token::word;
use super::{Bus, DeviceTree, Node};

/// Searches for a node and gives it to `read` with the bus it sits on.
pub(super) fn find_on_bus<'a, T>(
    tree: &DeviceTree<'a>,
    fits: impl Fn(&Node<'a>) -> bool,
    read: impl Fn(Node<'a>, &Bus<'a, '_>) -> Option<T>,
) -> Option<T> {
    fn search<'a, T>(
        parent: Node<'a>,
        bus: &Bus<'a, '_>,
        fits: &dyn Fn(&Node<'a>) -> bool,
        read: &dyn Fn(Node<'a>, &Bus<'a, '_>) -> Option<T>,
    ) -> Option<T> {
        parent.children().find_map(|node| {
            if fits(&node) {
                return read(node, bus);
            }
            search(node, &Bus::new(node, Some(bus)), fits, read)
        })
    }
    let root = tree.root();
    search(root, &Bus::new(root, None), &fits, &read)
}

/// The node's interrupt of this index as an INTID.
pub(super) fn interrupt(
    node: Node<'_>,
    index: usize,
    cells: usize,
) -> Option<u32> {
    let value = node.property("interrupts")?;
    let mut entries = value.chunks_exact(cells * 4);
    let entry = entries.nth(index)?;
    let (kind, number) = (word(entry, 0)?, word(entry, 4)?);
    match kind {
        0 if number < 988 => Some(32 + number),
        1 if number < 16 => Some(16 + number),
        _ => None,
    }
}
