//! What the image knows of boards beforehand: where a console is when the
//! device tree cannot be read.
//!
//! `cargo xtask build` makes a table of it from `boards/*/board.toml` and
//! puts it into the image as text, one board a line:
//!
//! ```text
//! COMPATIBLE FROM BELOW PART CONSOLE SHIFT WIDTH ADDRESS
//! ```
//!
//! All but the names are hexadecimal numbers. `FROM` and `BELOW` say between
//! which addresses the board's boot loader puts the kernel, `PART` which CPU
//! it starts on, 0 for any.

#[cfg(test)]
mod tests;

use crate::device_tree::{Console, SerialKind, Span};

/// Bytes of a console's registers.
const REGISTERS: u64 = 0x1000;
const ARM: u64 = 0x41;

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Board<'a> {
    compatible: &'a str,
    from: u64,
    below: u64,
    part: u64,
    console: Console,
}

/// The console of the board that `is_compatible` knows by its name.
pub fn by_name(
    table: &str,
    is_compatible: impl Fn(&str) -> bool,
) -> Option<Console> {
    let mut boards = table.lines().filter_map(parse);
    boards.find(|board| is_compatible(board.compatible)).map(|b| b.console)
}

/// The console of the only board where the kernel may have been loaded at
/// `load` and started on a CPU of this model (`MIDR_EL1`).
pub fn by_place(table: &str, load: u64, model: u64) -> Option<Console> {
    let (implementer, part) = (model >> 24 & 0xff, model >> 4 & 0xfff);
    let fits = |board: &Board<'_>| {
        (board.from..board.below).contains(&load)
            && (board.part == 0 || (implementer, part) == (ARM, board.part))
    };
    let mut boards = table.lines().filter_map(parse).filter(fits);
    let found = boards.next()?;
    boards.next().is_none().then_some(found.console)
}

fn parse(line: &str) -> Option<Board<'_>> {
    let mut words = [""; 8];
    let mut found = line.split(' ');
    for word in &mut words {
        *word = found.next()?;
    }
    let [compatible, from, below, part, port, shift, width, address] = words;
    let number = |word| u64::from_str_radix(word, 16).ok();
    let (from, below) = (number(from)?, number(below)?);
    let (part, shift, width) = (number(part)?, number(shift)?, number(width)?);
    let registers = Span::new(number(address)?, REGISTERS)?;
    let kind = SerialKind::new(port, shift as u32, width as u32)?;
    let console = Console { kind, registers, interrupt: None };
    Some(Board { compatible, from, below, part, console })
}
