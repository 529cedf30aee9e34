//! What processors can do, as programs are told.
//!
//! Each processor says in its identification registers what it has, in fields
//! of four bits. A program may run on any of them, so it is told what all
//! have: of each field the least value. Fields of what the kernel would have
//! to do something for (SVE, pointer authentication, memory tags) read as if
//! the processor had nothing.
//!
//! Programs learn it in three ways, which agree: two words of bits in the
//! auxiliary vector ([`Features::capabilities`]), names in `/proc/cpuinfo`
//! ([`Features::names`]), and reads of the registers themselves, which trap
//! and are answered by [`Features::answer`].
//!
//! Linux: `Documentation/arm64/cpu-feature-registers.rst`, `elf_hwcaps.rst`.

mod register;
mod table;
#[cfg(test)]
mod tests;

pub use register::{Identity, REGISTERS, Read, Register};

/// What the registers of one processor say, or what all of them have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features([u64; REGISTERS]);

impl Features {
    /// What one processor says, in the order of [`Register::ALL`]; only what
    /// programs may see of it is kept.
    pub fn of(values: [u64; REGISTERS]) -> Self {
        let mut kept = values;
        for (value, register) in kept.iter_mut().zip(Register::ALL) {
            *value = register.kept(*value);
        }
        Self(kept)
    }

    /// The values, in the order of [`Register::ALL`].
    pub fn values(&self) -> [u64; REGISTERS] {
        self.0
    }

    /// The bits for `AT_HWCAP` and `AT_HWCAP2`.
    pub fn capabilities(&self) -> [u64; 2] {
        let mut words = table::ALWAYS;
        for row in self.rows() {
            words[row.word] |= 1 << row.bit;
        }
        words
    }

    /// The names of the capabilities, in the order of their bits.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let words = self.capabilities();
        let named =
            move |row: &&table::Named| words[row.word] >> row.bit & 1 != 0;
        table::NAMES.iter().filter(named).map(|row| row.name)
    }

    fn rows(&self) -> impl Iterator<Item = &'static table::Row> {
        let value = |register: Register| self.0[register as usize];
        table::ROWS.iter().filter(move |row| {
            row.register.field(value(row.register), row.shift) >= row.least
        })
    }

    /// What a program gets that reads a register; `None` if it may not, and
    /// gets `SIGILL`. `main` is the `MIDR_EL1` of the processor it runs on.
    pub fn answer(&self, read: Read, main: u64) -> Option<u64> {
        Some(match read.identity()? {
            Identity::Main => main,
            // What one says of its place among others is no program's affair.
            Identity::Affinity => 1 << 31,
            Identity::Zero => 0,
            Identity::Features(register) => {
                self.0[register as usize] | register.fixed()
            }
        })
    }
}
