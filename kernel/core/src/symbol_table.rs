//! The names of the kernel's functions, for back traces.
//!
//! Names of Rust functions are long and much alike, so they are kept as the
//! symbols of a grammar: a symbol below 256 is a byte, any other stands for two
//! symbols, which a rule gives (N. J. Larsson, A. Moffat, *Off-line
//! dictionary-based compression*, 1999). The names take a fifth of their length
//! so, and reading one needs no memory, which a panic may not have.
//!
//! ```text
//! n: u32, r: u32
//! n addresses: u32, each from the image's start, in ascending order
//! r rules: two u16 each, for the symbols from 256 on
//! n + 1 places: u16, where each name begins in what follows
//! the names: u16 symbols, one after the other
//! ```
//!
//! All numbers are little-endian. `xtask` writes the table when it makes an
//! image.

use core::fmt::{self, Write};

/// The first symbol that is no byte.
pub const FIRST_RULE: u16 = 256;
/// So deep may the rules of a symbol be nested.
pub const MOST_DEPTH: usize = 40;
/// So many symbols and rules are followed for one name.
const MOST_STEPS: usize = 4096;

/// A table of names. Whatever its bytes say, reading one ends, without a panic.
#[derive(Clone, Copy)]
pub struct SymbolTable<'a>(&'a [u8]);

/// A name in a table, to be shown.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    table: SymbolTable<'a>,
    index: usize,
}

impl<'a> SymbolTable<'a> {
    /// The table that these bytes are.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The last function that begins at `offset` from the image's start or
    /// before it, and where it begins.
    pub fn find(self, offset: u32) -> Option<(Name<'a>, u32)> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.address(middle)? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let index = low.checked_sub(1)?;
        Some((Name { table: self, index }, self.address(index)?))
    }

    fn bytes<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn word(self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn half(self, at: usize) -> Option<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn count(self) -> usize {
        self.word(0).unwrap_or(0) as usize
    }

    fn address(self, index: usize) -> Option<u32> {
        self.word(8 + 4 * index)
    }

    fn rules(self) -> usize {
        8 + 4 * self.count()
    }

    fn rule(self, symbol: u16) -> Option<[u16; 2]> {
        let index = usize::from(symbol.checked_sub(FIRST_RULE)?);
        let at = self.rules() + 4 * index;
        Some([self.half(at)?, self.half(at + 2)?])
    }

    fn places(self) -> Option<usize> {
        Some(self.rules() + 4 * self.word(4)? as usize)
    }

    /// The `index`th symbol of all names.
    fn symbol(self, index: u16) -> Option<u16> {
        let names = self.places()? + 2 * (self.count() + 1);
        self.half(names + 2 * usize::from(index))
    }

    fn write(
        self,
        symbol: u16,
        depth: usize,
        steps: &mut usize,
        out: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let Some(left) = steps.checked_sub(1) else { return Ok(()) };
        *steps = left;
        if let Ok(byte) = u8::try_from(symbol) {
            return out.write_char(char::from(byte));
        }
        match self.rule(symbol) {
            Some([left, right]) if depth > 0 => {
                self.write(left, depth - 1, steps, out)?;
                self.write(right, depth - 1, steps, out)
            }
            _ => out.write_char('?'),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table;
        let Some(place) = table.places().map(|at| at + 2 * self.index) else {
            return out.write_char('?');
        };
        let (start, end) = (table.half(place), table.half(place + 2));
        let mut steps = MOST_STEPS;
        for index in start.unwrap_or(0)..end.unwrap_or(0) {
            let symbol = table.symbol(index).unwrap_or(u16::from(b'?'));
            table.write(symbol, MOST_DEPTH, &mut steps, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::{MOST_STEPS, SymbolTable};

    /// "ab" at 4, "abab!" at 16.
    fn table() -> Vec<u8> {
        let words = [2_u32, 2, 4, 16].map(u32::to_le_bytes);
        let (a, b) = (u16::from(b'a'), u16::from(b'b'));
        let halves = [a, b, 256, 256, 0, 1, 3, 256, 257, u16::from(b'!')];
        let halves = halves.map(u16::to_le_bytes);
        [words.as_flattened(), halves.as_flattened()].concat()
    }

    #[test]
    fn the_function_before_an_address_is_found() {
        let bytes = table();
        let table = SymbolTable::new(&bytes);
        let find = |offset| {
            let (name, start) = table.find(offset)?;
            Some((name.to_string(), start))
        };
        assert_eq!(find(3), None);
        assert_eq!(find(4), Some(("ab".into(), 4)));
        assert_eq!(find(15), Some(("ab".into(), 4)));
        assert_eq!(find(1 << 20), Some(("abab!".into(), 16)));
    }

    #[test]
    fn a_damaged_table_gives_something() {
        let whole = table();
        for length in 0..whole.len() {
            let table = SymbolTable::new(&whole[..length]);
            let _ = table.find(20).map(|(name, _)| name.to_string());
        }
        for at in 0..whole.len() {
            for value in [0, 1, 2, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let table = SymbolTable::new(&bytes);
                let _ = table.find(20).map(|(name, _)| name.to_string());
            }
        }
    }

    #[test]
    fn rules_that_go_round_end() {
        let mut bytes = table();
        // The second rule stands for itself, then for 'a'.
        bytes[20..24].copy_from_slice(&[1, 1, b'a', 0]);
        let (name, _) = SymbolTable::new(&bytes).find(16).unwrap();
        assert!(name.to_string().starts_with("?a"));
        // Then for itself twice.
        bytes[20..24].copy_from_slice(&[1, 1, 1, 1]);
        let (name, _) = SymbolTable::new(&bytes).find(16).unwrap();
        assert!(name.to_string().len() <= MOST_STEPS);
    }
}
