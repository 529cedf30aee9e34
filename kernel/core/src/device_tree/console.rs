//! The serial port that the tree names as console.

use super::search::{find_on_bus, interrupt};
use super::{Bus, DeviceTree, Node, Span};

/// Which driver a serial port needs, and what that must know beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialKind {
    /// Arm's PL011.
    Pl011,
    /// A 16550: registers in steps of `1 << shift` bytes.
    Uart16550 {
        /// log2 of the distance of two registers in bytes; 0 to 3.
        shift: u32,
        /// Registers are 32 bits wide, and narrower accesses are lost.
        is_wide: bool,
        /// Synopsys DesignWare's, which says when it is busy.
        is_designware: bool,
    },
}

impl SerialKind {
    /// The kind of a port that is compatible with `name`, whose registers
    /// are `width` bytes wide and `1 << shift` apart; `None` if there is no
    /// driver for it.
    pub fn new(name: &str, shift: u32, width: u32) -> Option<Self> {
        let is_designware = match name {
            "arm,pl011" => return Some(SerialKind::Pl011),
            "snps,dw-apb-uart" => true,
            "ns16550a" | "ns16550" => false,
            _ => return None,
        };
        let is_wide = width == 4;
        // Wide registers are at least four bytes apart.
        let is_possible = shift <= 3 && (!is_wide || shift >= 2);
        let kind = SerialKind::Uart16550 { shift, is_wide, is_designware };
        is_possible.then_some(kind)
    }
}

/// A serial port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// The driver it needs.
    pub kind: SerialKind,
    /// Its registers.
    pub registers: Span,
    /// Its interrupt as an INTID.
    pub interrupt: Option<u32>,
}

/// The port that `stdout-path` names, else the first that is enabled and has
/// a driver. `cells` is the length of an interrupt in the tree.
pub(super) fn console(tree: &DeviceTree<'_>, cells: usize) -> Option<Console> {
    let Some(named) = named(tree).filter(|node| kind(node).is_some()) else {
        let fits = |node: &Node<'_>| node.is_enabled() && kind(node).is_some();
        return find_on_bus(tree, fits, |node, bus| port(node, bus, cells));
    };
    let is_named = |node: &Node<'_>| node.is_same(&named);
    find_on_bus(tree, is_named, |node, bus| port(node, bus, cells))
}

/// What `/chosen/stdout-path` leads to: a path or an alias, and options that
/// the port has been set to already.
fn named<'a>(tree: &DeviceTree<'a>) -> Option<Node<'a>> {
    let path = tree.find("/chosen")?.text("stdout-path")?.split(':').next()?;
    if path.starts_with('/') {
        return tree.find(path);
    }
    tree.find(tree.find("/aliases")?.text(path)?)
}

fn port(node: Node<'_>, bus: &Bus<'_, '_>, cells: usize) -> Option<Console> {
    Some(Console {
        kind: kind(&node)?,
        registers: bus.reg(node).find(|span| span.size > 0)?,
        interrupt: interrupt(node, 0, cells),
    })
}

fn kind(node: &Node<'_>) -> Option<SerialKind> {
    let shift = node.word("reg-shift").unwrap_or(0);
    let width = node.word("reg-io-width").unwrap_or(1);
    let mut names = node.texts("compatible");
    names.find_map(|name| SerialKind::new(name, shift, width))
}
