//! Where a board's console is, for a kernel that cannot read the device tree.
use serde::Deserialize;

/// A serial port, and by what the kernel may take a machine for this board.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyConsole {
    /// What the port is compatible with, as a device tree says it.
    pub compatible: String,
    /// The physical address of its registers.
    pub address: u64,
    /// log2 of the distance of its registers in bytes.
    #[serde(default)]
    pub register_shift: u32,
    /// Bytes of a register: 1 or 4.
    #[serde(default = "one")]
    pub register_width: u32,
    /// The lowest address at which a boot loader puts the kernel.
    pub loaded_from: u64,
    /// One past the highest.
    pub loaded_below: u64,
    /// The part number (`MIDR_EL1`) of the CPU that boots; 0 for any.
    #[serde(default)]
    pub cpu_part: u32,
}

fn one() -> u32 {
    1
}

impl EarlyConsole {
    /// The line of the kernel's table; `name` is the board's `compatible`.
    pub(super) fn line(&self, name: &str) -> String {
        format!(
            "{name} {:x} {:x} {:x} {} {:x} {:x} {:x}\n",
            self.loaded_from,
            self.loaded_below,
            self.cpu_part,
            self.compatible,
            self.register_shift,
            self.register_width,
            self.address,
        )
    }
}
