//! Where a new mapping goes.

use core::ops::Range;

use super::{
    Backing, HIGHEST, LOWEST, RegionError, RegionFlags, RegionMap, STACK_GUARD,
};
use crate::memory::{page_ceiling, page_floor};

/// What the caller of `mmap` says about the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Anywhere; here, if it is not 0 and free.
    Hint(usize),
    /// Exactly here, in place of what is there (`MAP_FIXED`).
    Fixed(usize),
    /// Exactly here, or not at all (`MAP_FIXED_NOREPLACE`).
    FixedNoReplace(usize),
}

impl<B: Backing> RegionMap<B> {
    /// Chooses the range for `length` bytes. Without a usable hint it is the
    /// highest gap below `top`, else the highest gap of all.
    ///
    /// # Errors
    /// [`RegionError::Invalid`], [`RegionError::Occupied`],
    /// [`RegionError::NoSpace`].
    pub fn place(
        &self,
        length: usize,
        placement: Placement,
        top: usize,
    ) -> Result<Range<usize>, RegionError> {
        let length = match page_ceiling(length) {
            Some(0) => return Err(RegionError::Invalid),
            Some(length) if length <= HIGHEST - LOWEST => length,
            _ => return Err(RegionError::NoSpace),
        };
        match placement {
            Placement::Hint(hint) => self
                .place_at_hint(length, hint)
                .or_else(|| self.highest_gap(length, top))
                .or_else(|| self.highest_gap(length, HIGHEST))
                .ok_or(RegionError::NoSpace),
            Placement::Fixed(at) => fixed(at, length),
            Placement::FixedNoReplace(at) => {
                let range = fixed(at, length)?;
                let is_free = self.is_free(range.clone());
                is_free.then_some(range).ok_or(RegionError::Occupied)
            }
        }
    }

    fn place_at_hint(
        &self,
        length: usize,
        hint: usize,
    ) -> Option<Range<usize>> {
        let start = page_floor(hint);
        if start < LOWEST {
            return None;
        }
        let end = start.checked_add(length)?;
        let is_usable = end <= HIGHEST && self.is_free(start..end);
        is_usable.then_some(start..end)
    }

    /// The highest free `length` bytes that end at or below `top`.
    fn highest_gap(&self, length: usize, top: usize) -> Option<Range<usize>> {
        let mut end = top;
        let below = self.regions.partition_point(|r| r.start < top);
        for region in self.regions[..below].iter().rev() {
            let start = region.start;
            if end.saturating_sub(region.end) >= length {
                return Some(end - length..end);
            }
            let is_stack = region.flags.contains(RegionFlags::GROWS_DOWN);
            let guard = if is_stack { STACK_GUARD } else { 0 };
            end = end.min(start.saturating_sub(guard));
        }
        let fits = end.saturating_sub(LOWEST) >= length;
        fits.then(|| end - length..end)
    }
}

fn fixed(at: usize, length: usize) -> Result<Range<usize>, RegionError> {
    let end = at.checked_add(length).ok_or(RegionError::NoSpace)?;
    if page_floor(at) != at {
        return Err(RegionError::Invalid);
    }
    if at < LOWEST || end > HIGHEST {
        return Err(RegionError::NoSpace);
    }
    Ok(at..end)
}
