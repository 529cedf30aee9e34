//! What memory costs.

use user_lib::Result;
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};

use crate::bench::measure::{calls, each, median, ticks};

/// Pages touched in a run.
const PAGES: usize = 256;

/// The first write to a page of anonymous memory.
pub fn page_touch() -> Result<u64> {
    median(|| {
        let mapping = Mapping::new(PAGES * PAGE_SIZE, Sharing::Private)?;
        let ticks = ticks(|| {
            (0..PAGES).for_each(|page| mapping.write(page * PAGE_SIZE, 1));
            Ok(())
        })?;
        Ok(each(ticks, PAGES as u64))
    })
}

/// A mapping of 64 KiB that nobody touches, and its end.
pub fn map_and_unmap() -> Result<u64> {
    calls(500, || Mapping::new(64 * 1024, Sharing::Private).map(drop))
}
