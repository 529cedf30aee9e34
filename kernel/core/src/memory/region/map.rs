//! The sorted list of regions: find, insert, cut, change.
//!
//! A sorted vector, not a tree: programs have tens of regions, and a binary
//! search with a short move costs a third of what a B-tree costs. At the
//! limit of [`MOST_REGIONS`] an insertion moves 3 MiB, which is bearable.

use alloc::vec::Vec;
use core::ops::Range;

use super::{
    Backing, GrowthLimits, MOST_REGIONS, Protection, Region, RegionError,
    RegionFlags, STACK_GUARD,
};
use crate::memory::{PAGE_SHIFT, page_floor};

/// All regions of one address space, by rising address.
pub struct RegionMap<B> {
    pub(super) regions: Vec<Region<B>>,
    pages: usize,
}

impl<B: Backing> Default for RegionMap<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backing> RegionMap<B> {
    /// An empty map.
    pub const fn new() -> Self {
        Self { regions: Vec::new(), pages: 0 }
    }

    /// What a child of fork has.
    ///
    /// # Errors
    /// [`RegionError::TooMany`] if there is no memory for it.
    pub fn fork(&self) -> Result<Self, RegionError> {
        const LOCKS: RegionFlags =
            RegionFlags::LOCKED.union(RegionFlags::LOCK_ON_FAULT);
        let mut copy = Self::new();
        copy.reserve(self.regions.len())?;
        for region in &self.regions {
            if region.flags.contains(RegionFlags::NO_FORK) {
                continue;
            }
            let flags = region.flags - LOCKS;
            copy.pages += region.pages();
            copy.regions.push(Region { flags, ..region.clone() });
        }
        Ok(copy)
    }

    /// The regions themselves, in rising order.
    pub fn into_regions(self) -> impl Iterator<Item = Region<B>> {
        self.regions.into_iter()
    }

    /// Makes room for `more` regions: changes that add no more than these do
    /// not fail for want of it.
    ///
    /// # Errors
    /// [`RegionError::TooMany`].
    pub fn make_room(&mut self, more: usize) -> Result<(), RegionError> {
        if self.regions.len() + more > MOST_REGIONS {
            return Err(RegionError::TooMany);
        }
        self.reserve(more)
    }

    /// Has memory for `more` regions.
    #[inline]
    fn reserve(&mut self, more: usize) -> Result<(), RegionError> {
        let reserved = self.regions.try_reserve(more);
        reserved.map_err(|_| RegionError::TooMany)
    }

    /// Pages mapped in all regions, present or not.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Bytes of memory that it has.
    pub fn held(&self) -> usize {
        self.regions.capacity() * size_of::<Region<B>>()
    }

    /// The regions in rising order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Region<B>> {
        self.regions.iter()
    }

    /// Index of the first region that ends above `address`.
    #[inline]
    pub(super) fn first_above(&self, address: usize) -> usize {
        self.regions.partition_point(|region| region.end <= address)
    }

    /// The indices of the regions that meet `range`.
    #[inline]
    fn indices(&self, range: &Range<usize>) -> Range<usize> {
        /// So many are looked at one by one.
        const NEAR: usize = 8;
        let first = self.first_above(range.start);
        let is_met = |region: &Region<B>| region.start < range.end;
        let rest = &self.regions[first..];
        let near = rest.iter().take(NEAR).take_while(|it| is_met(it)).count();
        if near < NEAR {
            return first..first + near;
        }
        first..first + rest.partition_point(is_met)
    }

    /// The first region that ends above `address`.
    pub fn above(&self, address: usize) -> Option<&Region<B>> {
        self.regions.get(self.first_above(address))
    }

    /// The region that holds `address`.
    #[inline]
    pub fn find(&self, address: usize) -> Option<&Region<B>> {
        let region = self.regions.get(self.first_above(address))?;
        (region.start <= address).then_some(region)
    }

    /// The region that holds `address`, if need be after the stack above it
    /// has grown. `grow` does that and says whether it could; see
    /// [`RegionMap::grow_stack`].
    #[inline]
    pub fn find_or_grow(
        &mut self,
        address: usize,
        grow: impl FnOnce(&mut Self) -> bool,
    ) -> Option<&Region<B>> {
        let index = self.first_above(address);
        let is_inside = self.regions.get(index)?.start <= address;
        if !is_inside && !grow(self) {
            return None;
        }
        self.regions.get(index)
    }

    /// The regions that meet `range`, in rising order.
    pub fn overlapping(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = &Region<B>> {
        self.regions[self.indices(&range)].iter()
    }

    /// True if no region meets `range`.
    pub fn is_free(&self, range: Range<usize>) -> bool {
        let above = self.regions.get(self.first_above(range.start));
        above.is_none_or(|region| region.start >= range.end)
    }

    /// The unmapped addresses around `range`, which is unmapped itself.
    pub fn hole_around(&self, range: Range<usize>) -> Range<usize> {
        let index = self.first_above(range.start);
        let below = index.checked_sub(1).map(|i| self.regions[i].end);
        let above = self.regions.get(index).map(|region| region.start);
        below.unwrap_or(0)..above.unwrap_or(super::HIGHEST)
    }

    /// Adds a region where nothing is mapped, joined with its neighbours.
    ///
    /// # Errors
    /// [`RegionError::TooMany`], [`RegionError::Occupied`].
    pub fn insert(&mut self, region: Region<B>) -> Result<(), RegionError> {
        if self.regions.len() >= MOST_REGIONS {
            return Err(RegionError::TooMany);
        }
        self.reserve(1)?;
        let index = self.first_above(region.start);
        let above = self.regions.get(index);
        if above.is_some_and(|above| above.start < region.end) {
            return Err(RegionError::Occupied);
        }
        self.pages += region.pages();
        let joins_above = above.is_some_and(|r| is_continued(&region, r));
        let below = index
            .checked_sub(1)
            .filter(|&below| is_continued(&self.regions[below], &region));
        match (below, joins_above) {
            (Some(below), true) => {
                let above = self.regions.remove(index);
                self.regions[below].end = above.end;
            }
            (Some(below), false) => self.regions[below].end = region.end,
            (None, true) => {
                let above = &mut self.regions[index];
                *above = Region { end: above.end, ..region };
            }
            (None, false) => self.regions.insert(index, region),
        }
        Ok(())
    }

    /// Takes every region in `range` out, splitting those that stick out, and
    /// adds the objects behind them to `removed`.
    ///
    /// # Errors
    /// [`RegionError::TooMany`] if a split would exceed the limit, or if there
    /// is no memory for it or for the objects: nothing was removed then.
    pub fn remove(
        &mut self,
        range: Range<usize>,
        removed: &mut Vec<B>,
    ) -> Result<(), RegionError> {
        let indices = self.isolate(&range)?;
        let inside = self.regions[indices.clone()].iter();
        let objects = inside.filter(|it| it.backing.is_object()).count();
        if objects > 0 && removed.try_reserve(objects).is_err() {
            self.rejoin(&indices);
            return Err(RegionError::TooMany);
        }
        let mut pages = 0;
        for region in self.regions.drain(indices) {
            pages += region.pages();
            if region.backing.is_object() {
                removed.push(region.backing);
            }
        }
        self.pages -= pages;
        Ok(())
    }

    /// Gives every page in `range` new rights.
    ///
    /// # Errors
    /// [`RegionError::NotMapped`] if there is a gap, [`RegionError::Denied`]
    /// if a region may never be written, [`RegionError::TooMany`].
    pub fn protect(
        &mut self,
        range: Range<usize>,
        protection: Protection,
    ) -> Result<(), RegionError> {
        self.check_protect(&range, protection)?;
        let indices = self.isolate(&range)?;
        for region in &mut self.regions[indices.clone()] {
            region.protection = protection;
        }
        self.rejoin(&indices);
        Ok(())
    }

    /// Extends the stack above `address` down to it, if there is one, it
    /// stays within the limits and keeps its distance. True if it grew.
    pub fn grow_stack(&mut self, address: usize, limits: GrowthLimits) -> bool {
        let bottom = page_floor(address);
        let index = self.first_above(address);
        let below = index.checked_sub(1).map(|below| self.regions[below].end);
        let floor = below.map_or(super::LOWEST, |end| end + STACK_GUARD);
        let Some(stack) = self.regions.get(index) else { return false };
        let is_stack = stack.flags.contains(RegionFlags::GROWS_DOWN);
        let is_below = bottom >= floor && bottom < stack.start;
        if !is_stack || !is_below || stack.end - bottom > limits.stack {
            return false;
        }
        let pages = self.pages + ((stack.start - bottom) >> PAGE_SHIFT);
        if pages > limits.pages {
            return false;
        }
        if stack.flags.contains(RegionFlags::LOCKED) {
            let locked = self.pages_with(RegionFlags::LOCKED);
            if locked + (pages - self.pages) > limits.locked {
                return false;
            }
        }
        self.pages = pages;
        self.regions[index].start = bottom;
        true
    }

    fn check_protect(
        &self,
        range: &Range<usize>,
        protection: Protection,
    ) -> Result<(), RegionError> {
        let mut covered = range.start;
        for region in self.overlapping(range.clone()) {
            if region.start > covered {
                return Err(RegionError::NotMapped);
            }
            let never = region.flags.contains(RegionFlags::NEVER_WRITE);
            if never && protection.contains(Protection::WRITE) {
                return Err(RegionError::Denied);
            }
            covered = region.end;
        }
        if covered < range.end {
            return Err(RegionError::NotMapped);
        }
        Ok(())
    }

    /// Makes both ends of `range` ends of regions; returns the indices of the
    /// regions inside.
    #[inline]
    pub(super) fn isolate(
        &mut self,
        range: &Range<usize>,
    ) -> Result<Range<usize>, RegionError> {
        let Range { mut start, mut end } = self.indices(range);
        if start == end {
            return Ok(start..end);
        }
        let cuts_low = self.regions[start].start < range.start;
        let cuts_high = self.regions[end - 1].end > range.end;
        let more = usize::from(cuts_low) + usize::from(cuts_high);
        if more > 0 && self.regions.len() + more > MOST_REGIONS {
            return Err(RegionError::TooMany);
        }
        self.reserve(more)?;
        if cuts_high {
            self.split(end - 1, range.end);
        }
        if cuts_low {
            self.split(start, range.start);
            start += 1;
            end += 1;
        }
        Ok(start..end)
    }

    /// Cuts the region at `index` in two at the address `at`.
    fn split(&mut self, index: usize, at: usize) {
        let low = &mut self.regions[index];
        let pages = (at - low.start) >> PAGE_SHIFT;
        let backing = low.backing.skip(pages);
        let high = Region { start: at, backing, ..low.clone() };
        low.end = at;
        self.regions.insert(index + 1, high);
    }

    /// Joins the regions at `changed` and both their neighbours where they
    /// say the same, in one pass: what lies above moves once, however many
    /// are joined.
    pub(super) fn rejoin(&mut self, changed: &Range<usize>) {
        let end = self.regions.len().min(changed.end + 1);
        let mut last = changed.start.saturating_sub(1);
        for index in last + 1..end {
            let (low, high) = (&self.regions[last], &self.regions[index]);
            if is_continued(low, high) {
                self.regions[last].end = high.end;
            } else {
                last += 1;
                self.regions.swap(last, index);
            }
        }
        if last + 1 < end {
            self.regions.drain(last + 1..end);
        }
    }
}

/// True if `high` follows `low` without a seam.
#[inline]
fn is_continued<B: Backing>(low: &Region<B>, high: &Region<B>) -> bool {
    low.end == high.start
        && low.protection == high.protection
        && low.flags == high.flags
        && low.backing.is_continued_by(low.pages(), &high.backing)
}
