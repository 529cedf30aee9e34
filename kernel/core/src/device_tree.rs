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
//! Devicetree Specification 0.4, chapter 5. Read next: `token.rs`, `tree.rs`
//! (the blob), `node.rs` (nodes and properties), then `machine.rs` (what the
//! kernel takes from the tree).

mod console;
mod list;
mod machine;
mod node;
#[cfg(test)]
pub(crate) mod real;
mod search;
mod small;
mod span;
#[cfg(test)]
mod tests;
mod token;
mod tree;
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
pub use token::TreeError;
pub use tree::{DeviceTree, HEADER_SIZE, MAX_DEPTH, MAX_SIZE};
