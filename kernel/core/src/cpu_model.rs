//! The names of CPUs, from their identification register.

#[cfg(test)]
mod tests;

use core::fmt;

/// Arm's implementer code.
const ARM: u64 = 0x41;

/// Part numbers of Arm's CPUs that run 64-bit Linux.
const PARTS: [(u64, &str); 16] = [
    (0xd03, "Cortex-A53"),
    (0xd04, "Cortex-A35"),
    (0xd05, "Cortex-A55"),
    (0xd07, "Cortex-A57"),
    (0xd08, "Cortex-A72"),
    (0xd09, "Cortex-A73"),
    (0xd0a, "Cortex-A75"),
    (0xd0b, "Cortex-A76"),
    (0xd0c, "Neoverse-N1"),
    (0xd0d, "Cortex-A77"),
    (0xd40, "Neoverse-V1"),
    (0xd41, "Cortex-A78"),
    (0xd44, "Cortex-X1"),
    (0xd46, "Cortex-A510"),
    (0xd47, "Cortex-A710"),
    (0xd49, "Neoverse-N2"),
];

/// What `MIDR_EL1` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model(pub u64);

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |shift: u32, bits: u32| self.0 >> shift & ((1 << bits) - 1);
        let (implementer, part) = (field(24, 8), field(4, 12));
        let known = PARTS.iter().find(|known| known.0 == part);
        match known.filter(|_| implementer == ARM) {
            Some((_, name)) => f.write_str(name)?,
            None => write!(f, "CPU {implementer:#x}/{part:#x}")?,
        }
        write!(f, " r{}p{}", field(20, 4), field(0, 4))
    }
}
