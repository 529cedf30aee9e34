//! A stretch of physical addresses.

/// Addresses from `start`, `size` of them; ends at or below 2^48.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first address.
    pub start: u64,
    /// Number of bytes.
    pub size: u64,
}

impl Span {
    /// A span, unless it would leave the 48 bits of physical addresses.
    pub fn new(start: u64, size: u64) -> Option<Self> {
        let end = start.checked_add(size)?;
        (end <= 1 << 48).then_some(Span { start, size })
    }

    /// One past the last address.
    pub fn end(&self) -> u64 {
        self.start + self.size
    }

    /// Whether all of `inner` lies in this span.
    pub fn contains(&self, inner: Span) -> bool {
        self.start <= inner.start && inner.end() <= self.end()
    }

    /// Whether the two have an address in common.
    pub fn overlaps(&self, other: Span) -> bool {
        self.start < other.end() && other.start < self.end()
    }
}
