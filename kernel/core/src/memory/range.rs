//! A small sorted list of physical address ranges, without a heap.
//!
//! Boot code collects the RAM of the device tree here and cuts out what is
//! reserved, before any allocator exists. Next: [`super::frame`], which
//! takes the result.

#[cfg(test)]
mod tests;

/// Bytes `start..end` of physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PhysRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl PhysRange {
    /// A range from its ends; empty if `end <= start`.
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// Length in bytes, 0 if the ends are crossed.
    pub const fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// True if it holds no byte.
    pub const fn is_empty(&self) -> bool {
        self.size() == 0
    }

    /// The largest page-aligned range inside this one.
    pub const fn shrink_to_pages(&self) -> Self {
        let mask = super::PAGE_SIZE as u64 - 1;
        Self {
            start: (self.start.saturating_add(mask)) & !mask,
            end: self.end & !mask,
        }
    }

    /// The smallest page-aligned range around this one.
    pub const fn grow_to_pages(&self) -> Self {
        let mask = super::PAGE_SIZE as u64 - 1;
        Self {
            start: self.start & !mask,
            end: (self.end.saturating_add(mask)) & !mask,
        }
    }
}

/// The list is full; the range was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RangeListFull(pub PhysRange);

/// At most `N` ranges, sorted, apart from each other.
#[derive(Clone, Debug)]
pub struct RangeList<const N: usize> {
    ranges: [PhysRange; N],
    count: usize,
}

impl<const N: usize> Default for RangeList<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> RangeList<N> {
    /// An empty list.
    pub const fn new() -> Self {
        Self { ranges: [PhysRange::new(0, 0); N], count: 0 }
    }

    /// The ranges in rising order; no two touch.
    pub fn as_slice(&self) -> &[PhysRange] {
        &self.ranges[..self.count]
    }

    /// Sum of all sizes in bytes.
    pub fn size(&self) -> u64 {
        self.as_slice().iter().map(PhysRange::size).sum()
    }

    /// Adds `range`, joining it with all it touches.
    ///
    /// # Errors
    /// [`RangeListFull`] if it stands alone and there is no place left.
    pub fn insert(&mut self, range: PhysRange) -> Result<(), RangeListFull> {
        if range.is_empty() {
            return Ok(());
        }
        let first = self.position(|r| r.end >= range.start);
        let last = self.position(|r| r.start > range.end);
        if first == last {
            return self.insert_at(first, range);
        }
        let start = range.start.min(self.ranges[first].start);
        let end = range.end.max(self.ranges[last - 1].end);
        self.ranges[first] = PhysRange { start, end };
        self.delete(first + 1, last);
        Ok(())
    }

    /// Cuts `range` out of every range it meets.
    ///
    /// # Errors
    /// [`RangeListFull`] if that splits a range and there is no place left;
    /// the part above the cut is lost then, so that nothing reserved is ever
    /// handed out.
    pub fn remove(&mut self, range: PhysRange) -> Result<(), RangeListFull> {
        if range.is_empty() {
            return Ok(());
        }
        let first = self.position(|r| r.end > range.start);
        let last = self.position(|r| r.start >= range.end);
        if first == last {
            return Ok(());
        }
        let below = PhysRange::new(self.ranges[first].start, range.start);
        let above = PhysRange::new(range.end, self.ranges[last - 1].end);
        self.delete(first, last);
        self.insert(below)?;
        self.insert(above)
    }

    fn position(&self, found: impl Fn(&PhysRange) -> bool) -> usize {
        self.as_slice().iter().position(found).unwrap_or(self.count)
    }

    fn insert_at(
        &mut self,
        at: usize,
        range: PhysRange,
    ) -> Result<(), RangeListFull> {
        if self.count == N {
            return Err(RangeListFull(range));
        }
        self.ranges.copy_within(at..self.count, at + 1);
        self.ranges[at] = range;
        self.count += 1;
        Ok(())
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.ranges.copy_within(to..self.count, from);
        self.count -= to - from;
    }
}
