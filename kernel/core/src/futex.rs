//! The arithmetic of `FUTEX_WAKE_OP`: change a word, and look at what it was.
//!
//! One 32-bit argument says it all: four bits what is done, four what is
//! compared, and twelve each for the two operands, signed.

use kernel_abi::Errno;

#[cfg(test)]
mod tests;

/// What is done to the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Set,
    Add,
    Or,
    AndNot,
    Xor,
}

/// What the word's old value must be, beside the operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A change of a word, and a question about its old value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WakeOperation {
    change: Change,
    operand: u32,
    comparison: Comparison,
    compared: i32,
}

/// The twelve bits of `word` from `shift` on, with their sign.
fn signed(word: u32, shift: u32) -> i32 {
    ((word >> shift) << 20) as i32 >> 20
}

impl WakeOperation {
    /// Takes the argument apart.
    ///
    /// # Errors
    /// `ENOSYS` for a change or a comparison that does not exist.
    pub fn decode(word: u32) -> Result<Self, Errno> {
        /// The operand is the number of a bit.
        const SHIFT: u32 = 8;
        let (change, operand) = (word >> 28, signed(word, 12) as u32);
        Ok(Self {
            change: match change & !SHIFT {
                0 => Change::Set,
                1 => Change::Add,
                2 => Change::Or,
                3 => Change::AndNot,
                4 => Change::Xor,
                _ => return Err(Errno::ENOSYS),
            },
            operand: match change & SHIFT {
                0 => operand,
                _ => 1 << (operand & 31),
            },
            comparison: match word >> 24 & 15 {
                0 => Comparison::Equal,
                1 => Comparison::Unequal,
                2 => Comparison::Less,
                3 => Comparison::LessOrEqual,
                4 => Comparison::Greater,
                5 => Comparison::GreaterOrEqual,
                _ => return Err(Errno::ENOSYS),
            },
            compared: signed(word, 0),
        })
    }

    /// The word's new value.
    pub fn apply(&self, old: u32) -> u32 {
        match self.change {
            Change::Set => self.operand,
            Change::Add => old.wrapping_add(self.operand),
            Change::Or => old | self.operand,
            Change::AndNot => old & !self.operand,
            Change::Xor => old ^ self.operand,
        }
    }

    /// Whether the old value is as asked, both taken with their sign.
    pub fn holds(&self, old: u32) -> bool {
        let old = old as i32;
        match self.comparison {
            Comparison::Equal => old == self.compared,
            Comparison::Unequal => old != self.compared,
            Comparison::Less => old < self.compared,
            Comparison::LessOrEqual => old <= self.compared,
            Comparison::Greater => old > self.compared,
            Comparison::GreaterOrEqual => old >= self.compared,
        }
    }
}
