//! Device trees for tests that are made up, or changed.

use std::vec::Vec;

use super::{DeviceTree, Node};

/// Writes trees, right or wrong.
#[derive(Default)]
pub struct Writer {
    structure: Vec<u8>,
    strings: Vec<u8>,
    pub reservations: Vec<(u64, u64)>,
}

impl Writer {
    /// The tree `blob`, whose root is open again.
    pub fn edit(blob: &[u8]) -> Writer {
        let tree = DeviceTree::new(blob).expect("a tree");
        let mut tokens = tree.blocks.tokens(0);
        let mut last = 0;
        loop {
            let at = tokens.offset();
            match tokens.next() {
                Some(_) => last = at,
                None => break,
            }
        }
        Writer {
            structure: tree.blocks.structure[..last].to_vec(),
            strings: tree.blocks.strings.to_vec(),
            reservations: tree.memory_reservations().collect(),
        }
    }

    /// Adds properties to `node` of the tree that is edited, before the
    /// others.
    pub fn insert(&mut self, node: Node<'_>, add: impl FnOnce(&mut Writer)) {
        let rest = self.structure.split_off(node.offset());
        add(self);
        self.structure.extend(rest);
    }

    pub fn word(&mut self, word: u32) -> &mut Self {
        self.structure.extend(word.to_be_bytes());
        self
    }

    fn pad(&mut self) -> &mut Self {
        let size = self.structure.len().next_multiple_of(4);
        self.structure.resize(size, 0);
        self
    }

    pub fn begin(&mut self, name: &str) -> &mut Self {
        self.word(1).structure.extend(name.bytes().chain([0]));
        self.pad()
    }

    pub fn end(&mut self) -> &mut Self {
        self.word(2)
    }

    pub fn nop(&mut self) -> &mut Self {
        self.word(4)
    }

    pub fn bytes(&mut self, name: &str, value: &[u8]) -> &mut Self {
        let offset = self.strings.len() as u32;
        self.strings.extend(name.bytes().chain([0]));
        self.word(3).word(value.len() as u32).word(offset);
        self.structure.extend(value);
        self.pad()
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        let value: Vec<u8> = value.bytes().chain([0]).collect();
        self.bytes(name, &value)
    }

    pub fn cells(&mut self, name: &str, cells: &[u32]) -> &mut Self {
        let value: Vec<u8> =
            cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.bytes(name, &value)
    }

    /// A memory node as U-Boot writes it, from the first address and the one
    /// past the last of each bank.
    pub fn memory(&mut self, banks: &[(u64, u64)]) -> &mut Self {
        let words = banks.iter().flat_map(|(start, end)| [*start, end - start]);
        let cells: Vec<u32> =
            words.flat_map(|word| [(word >> 32) as u32, word as u32]).collect();
        self.begin("memory")
            .text("device_type", "memory")
            .cells("reg", &cells)
            .end()
    }

    pub fn blob(&mut self) -> Vec<u8> {
        self.word(9);
        let reservations: Vec<u8> = (self.reservations.iter())
            .chain([&(0, 0)])
            .flat_map(|(start, size)| [start.to_be_bytes(), size.to_be_bytes()])
            .flatten()
            .collect();
        let structure = 40 + reservations.len();
        let strings = structure + self.structure.len();
        let size = strings + self.strings.len();
        let header = [
            0xd00d_feed,
            size,
            structure,
            strings,
            40,
            17,
            16,
            0,
            self.strings.len(),
            self.structure.len(),
        ];
        let header = header.iter().flat_map(|w| (*w as u32).to_be_bytes());
        header
            .chain(reservations)
            .chain(self.structure.iter().copied())
            .chain(self.strings.iter().copied())
            .collect()
    }
}

/// The smallest machine that the kernel accepts, up to the root's end.
pub fn small_machine(redistributors: &[u32]) -> Writer {
    let mut writer = bare_machine(redistributors);
    writer.memory(&[(0x20_0000, 0xf000_0000), (1 << 32, 2 << 32)]);
    writer
}

/// A machine with nothing missing but memory, up to the root's end.
pub fn bare_machine(redistributors: &[u32]) -> Writer {
    let distributor = [0, 0xfe60_0000, 0, 0x1_0000];
    let mut writer = Writer::default();
    writer
        .begin("")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .begin("cpus")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[0])
        .begin("cpu@100")
        .text("device_type", "cpu")
        .cells("reg", &[0x100])
        .cells("capacity-dmips-mhz", &[530])
        .end()
        .end()
        .begin("gic")
        .text("compatible", "arm,gic-v3")
        .cells("#interrupt-cells", &[4])
        .cells("reg", &[&distributor, redistributors].concat())
        .end()
        .begin("timer")
        .text("compatible", "arm,armv8-timer")
        .cells("interrupts", &[1, 13, 4, 0, 1, 14, 4, 0, 1, 11, 4, 0])
        .end();
    writer
}
