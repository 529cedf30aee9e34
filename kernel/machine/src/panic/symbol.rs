//! Names of functions, from the table that xtask appends to the image.

use core::fmt;

use kernel_core::symbol_table::SymbolTable;

use crate::arch::image;

/// An address of the kernel, shown as `name+0x12`.
#[derive(Clone, Copy)]
pub struct Symbol(pub usize);

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_code = image::text().contains(&self.0);
        let offset = self.0.wrapping_sub(image::KERNEL_BASE) as u32;
        let table = SymbolTable::new(image::symbols());
        match table.find(offset).filter(|_| is_code) {
            Some((name, start)) => write!(f, "{name}+{:#x}", offset - start),
            None => write!(f, "{:#x}", self.0),
        }
    }
}
