//! The kernel's symbols: single addresses, and the table for back traces, which
//! `kernel_core::symbol_table` describes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use elf::abi::{SHN_UNDEF, STT_FUNC, STT_NOTYPE};
use elf::parse::ParsingTable;
use elf::string_table::StringTable;
use elf::symbol::Symbol;
use rustc_demangle::demangle;

use super::grammar::Grammar;
use super::kernel::Kernel;

type Symbols<'a> =
    (ParsingTable<'a, elf::endian::LittleEndian, Symbol>, StringTable<'a>);

fn symbols<'a>(kernel: &Kernel<'a>) -> Result<Symbols<'a>> {
    kernel.symbol_table()?.context("the kernel has no symbol table")
}

/// The address of the symbol `name`.
///
/// # Errors
/// The kernel has no such symbol.
pub fn address(kernel: &Kernel, name: &str) -> Result<u64> {
    let (symbols, names) = symbols(kernel)?;
    for symbol in symbols.iter() {
        let found =
            names.get(symbol.st_name as usize).is_ok_and(|found| found == name);
        if found && symbol.st_shndx != SHN_UNDEF {
            return Ok(symbol.st_value);
        }
    }
    bail!("the kernel has no symbol {name}")
}

/// The table of all functions, by address from `start`.
///
/// # Errors
/// The kernel has no symbols.
pub fn table(kernel: &Kernel, start: u64) -> Result<Vec<u8>> {
    let text = address(kernel, "_text_start")?..address(kernel, "_text_end")?;
    let (symbols, names) = symbols(kernel)?;
    let mut functions = BTreeMap::new();
    for symbol in symbols.iter() {
        let name = names.get(symbol.st_name as usize).unwrap_or("");
        if text.contains(&symbol.st_value) && is_code(&symbol, name) {
            let offset = u32::try_from(symbol.st_value - start)?;
            functions.insert(offset, format!("{:#}", demangle(name)));
        }
    }
    encode(&functions)
}

/// Functions, and labels of the assembly, but not the marks between code and
/// data (`$x`, `$d`) or local labels.
fn is_code(symbol: &Symbol, name: &str) -> bool {
    let label = symbol.st_symtype() == STT_NOTYPE
        && !name.starts_with(['$', '.', '_'])
        && !name.is_empty();
    symbol.st_symtype() == STT_FUNC || label
}

pub(super) fn encode(functions: &BTreeMap<u32, String>) -> Result<Vec<u8>> {
    let grammar = Grammar::of(functions.values().map(String::as_str))?;
    let counts = [functions.len(), grammar.rules.len()];
    let counts = counts.map(u32::try_from);
    let mut table = Vec::new();
    for word in [counts[0]?, counts[1]?].iter().chain(functions.keys()) {
        table.extend_from_slice(&word.to_le_bytes());
    }
    let mut halves = grammar.rules.concat();
    let mut place = 0;
    for name in &grammar.names {
        halves.push(u16::try_from(place).context("the names are too long")?);
        place += name.len();
    }
    halves.push(u16::try_from(place).context("the names are too long")?);
    halves.extend(grammar.names.concat());
    table.extend(halves.into_iter().flat_map(u16::to_le_bytes));
    Ok(table)
}
