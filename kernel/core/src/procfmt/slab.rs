//! `/proc/slabinfo`: the kernel's own objects by size.

use alloc::vec::Vec;

use super::text;

#[cfg(test)]
mod tests;

/// All objects of one size.
#[derive(Clone, Copy, Debug)]
pub struct Cache<'a> {
    /// Its name, without blanks.
    pub name: &'a str,
    /// Objects in use.
    pub used: usize,
    /// Objects in use or kept for later.
    pub total: usize,
    /// Bytes of an object.
    pub size: usize,
    /// Objects in a slab.
    pub per_slab: usize,
    /// Slabs there are.
    pub slabs: usize,
}

/// The lines above the first cache.
pub fn render_header(out: &mut Vec<u8>) {
    text!(out, "slabinfo - version: 2.1\n");
    text!(out, "# name <active_objs> <num_objs> <objsize>");
    text!(out, " <objperslab> <pagesperslab>");
    text!(out, " : tunables <limit> <batchcount> <sharedfactor>");
    text!(out, " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
}

impl Cache<'_> {
    /// The line. A slab without an object is none any more.
    pub fn render(&self, out: &mut Vec<u8>) {
        let Self { name, used, total, size, per_slab, slabs } = *self;
        let pages = (size * per_slab).div_ceil(4096);
        text!(out, "{name:<17} {used:6} {total:6} {size:6}");
        text!(out, " {per_slab} {pages}");
        text!(out, " : tunables 0 0 0 : slabdata {slabs} {slabs} 0\n");
    }
}
