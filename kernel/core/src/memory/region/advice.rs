//! What a program says of its memory beside rights: `madvise`, `mlock`.

use core::ops::Range;

use super::{Backing, RegionError, RegionFlags, RegionMap};

impl<B: Backing> RegionMap<B> {
    /// Gives every region in `range` the flags `set` and takes `clear` away;
    /// gaps are passed over.
    ///
    /// # Errors
    /// [`RegionError::TooMany`].
    pub fn change_flags(
        &mut self,
        range: Range<usize>,
        set: RegionFlags,
        clear: RegionFlags,
    ) -> Result<(), RegionError> {
        let indices = self.isolate(&range)?;
        for region in &mut self.regions[indices.clone()] {
            region.flags = (region.flags - clear) | set;
        }
        self.rejoin(&indices);
        Ok(())
    }

    /// True if every page in `range` is mapped.
    pub fn is_mapped(&self, range: Range<usize>) -> bool {
        let mut covered = range.start;
        for region in self.overlapping(range.clone()) {
            if region.start > covered {
                return false;
            }
            covered = region.end;
        }
        covered >= range.end
    }

    /// Pages of the regions with these flags.
    pub fn pages_with(&self, flags: RegionFlags) -> usize {
        let marked = self.iter().filter(|it| it.flags.contains(flags));
        marked.map(super::Region::pages).sum()
    }
}
