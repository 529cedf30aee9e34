//! The sorted map of regions: find, insert, cut, change.

use alloc::collections::BTreeMap;
use core::ops::Range;

use super::{
    Backing, MOST_REGIONS, Protection, Region, RegionError, RegionFlags,
    STACK_GUARD,
};
use crate::memory::{PAGE_SHIFT, page_floor};

/// All regions of one address space, keyed by their start.
#[derive(Clone)]
pub struct RegionMap<B> {
    pub(super) regions: BTreeMap<usize, Region<B>>,
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
        Self { regions: BTreeMap::new(), pages: 0 }
    }

    /// Pages mapped in all regions, present or not.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// The regions in rising order.
    pub fn iter(&self) -> impl Iterator<Item = &Region<B>> {
        self.regions.values()
    }

    /// The region that holds `address`.
    #[inline]
    pub fn find(&self, address: usize) -> Option<&Region<B>> {
        let (_, region) = self.regions.range(..=address).next_back()?;
        (address < region.end).then_some(region)
    }

    /// The regions that meet `range`, in rising order.
    pub fn overlapping(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = &Region<B>> {
        let first = self.find(range.start).map_or(range.start, |r| r.start);
        self.regions.range(first..range.end).map(|(_, region)| region)
    }

    /// True if no region meets `range`.
    pub fn is_free(&self, range: Range<usize>) -> bool {
        let below = self.regions.range(..range.end).next_back();
        below.is_none_or(|(_, region)| region.end <= range.start)
    }

    /// The unmapped addresses around `range`, which is unmapped itself.
    pub fn hole_around(&self, range: Range<usize>) -> Range<usize> {
        let below = self.regions.range(..range.start).next_back();
        let above = self.regions.range(range.end..).next();
        let start = below.map_or(0, |(_, region)| region.end);
        let end = above.map_or(super::HIGHEST, |(&start, _)| start);
        start..end
    }

    /// Adds a region where nothing is mapped, joined with its neighbours.
    ///
    /// # Errors
    /// [`RegionError::TooMany`], [`RegionError::Occupied`].
    pub fn insert(&mut self, region: Region<B>) -> Result<(), RegionError> {
        if self.regions.len() >= MOST_REGIONS {
            return Err(RegionError::TooMany);
        }
        let pages = region.pages();
        let (start, end) = (region.start, region.end);
        let below = self.regions.range_mut(..end).next_back();
        match below {
            Some((_, below)) if below.end > start => {
                return Err(RegionError::Occupied);
            }
            Some((_, below)) if is_continued(below, &region) => {
                below.end = end;
            }
            _ => {
                self.regions.insert(start, region);
            }
        }
        self.pages += pages;
        self.join(end);
        Ok(())
    }

    /// Takes every region in `range` out, splitting those that stick out, and
    /// hands each piece to `removed`.
    ///
    /// # Errors
    /// [`RegionError::TooMany`] if a split would exceed the limit.
    pub fn remove(
        &mut self,
        range: Range<usize>,
        mut removed: impl FnMut(Region<B>),
    ) -> Result<(), RegionError> {
        self.split_ends(&range)?;
        while let Some((&start, _)) = self.regions.range(range.clone()).next() {
            let Some(region) = self.regions.remove(&start) else { break };
            self.pages -= region.pages();
            removed(region);
        }
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
        self.split_ends(&range)?;
        for (_, region) in self.regions.range_mut(range.clone()) {
            region.protection = protection;
        }
        self.join_all(range);
        Ok(())
    }

    /// Extends the stack above `address` down to it, if there is one, it
    /// stays within `limit` bytes and keeps its distance. True if it grew.
    pub fn grow_stack(&mut self, address: usize, limit: usize) -> bool {
        let bottom = page_floor(address);
        let Some((&start, stack)) = self.regions.range(address..).next() else {
            return false;
        };
        let below = self.regions.range(..start).next_back();
        let floor = below.map_or(super::LOWEST, |(_, r)| r.end + STACK_GUARD);
        let fits = bottom >= floor && stack.end - bottom <= limit;
        if !stack.flags.contains(RegionFlags::GROWS_DOWN) || !fits {
            return false;
        }
        let Some(mut stack) = self.regions.remove(&start) else {
            return false;
        };
        self.pages += (start - bottom) >> PAGE_SHIFT;
        stack.start = bottom;
        self.regions.insert(bottom, stack);
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

    /// Makes both ends of `range` ends of regions.
    fn split_ends(&mut self, range: &Range<usize>) -> Result<(), RegionError> {
        let cuts = |at| self.find(at).is_some_and(|r| r.start < at);
        let (low, high) = (cuts(range.start), cuts(range.end));
        let more = usize::from(low) + usize::from(high);
        if more > 0 && self.regions.len() + more > MOST_REGIONS {
            return Err(RegionError::TooMany);
        }
        if low {
            self.split(range.start);
        }
        if high {
            self.split(range.end);
        }
        Ok(())
    }

    fn split(&mut self, at: usize) {
        let Some((_, low)) = self.regions.range_mut(..at).next_back() else {
            return;
        };
        let pages = (at - low.start) >> PAGE_SHIFT;
        let backing = low.backing.skip(pages);
        let high = Region { start: at, backing, ..low.clone() };
        low.end = at;
        self.regions.insert(at, high);
    }

    /// Joins every region that starts in or right after `range` with the one
    /// below it, where they say the same.
    fn join_all(&mut self, range: Range<usize>) {
        let mut from = range.start;
        while from <= range.end {
            let next = self.regions.range(from..=range.end).next();
            let Some((&start, _)) = next else { break };
            self.join(start);
            from = start + 1;
        }
    }

    /// Joins the region that starts at `at`, if any, with the one below.
    fn join(&mut self, at: usize) {
        let mut pair = self.regions.range_mut(..=at).rev();
        let (Some((_, high)), Some((_, low))) = (pair.next(), pair.next())
        else {
            return;
        };
        if high.start == at && is_continued(low, high) {
            low.end = high.end;
            self.regions.remove(&at);
        }
    }
}

/// True if `high` follows `low` without a seam.
fn is_continued<B: Backing>(low: &Region<B>, high: &Region<B>) -> bool {
    low.end == high.start
        && low.protection == high.protection
        && low.flags == high.flags
        && low.backing.is_continued_by(low.pages(), &high.backing)
}
