//! Finding, making and freeing tables.

use core::ops::Range;

use super::entry::{Attributes, Entry};
use super::format::{ENTRIES, LAST_LEVEL, index, level_shift};

/// Memory that holds tables. A table is named by its physical address.
pub trait Tables {
    /// A new table, all entries invalid; `None` if memory is short.
    fn allocate(&mut self) -> Option<u64>;
    /// Takes a table back that nothing points to any more.
    fn free(&mut self, table: u64);
    /// Reads one entry.
    fn read(&self, table: u64, index: usize) -> Entry;
    /// Writes one entry.
    fn write(&mut self, table: u64, index: usize, entry: Entry);
}

/// No memory for a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfTables;

/// Where an entry of the last level stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Physical address of the table.
    pub table: u64,
    /// Index in it.
    pub index: usize,
}

/// The slot for `address`, if all tables on the way exist.
#[inline]
pub fn find<T: Tables>(tables: &T, root: u64, address: usize) -> Option<Slot> {
    let mut table = root;
    for level in 0..LAST_LEVEL {
        let entry = tables.read(table, index(address, level));
        if !entry.is_table(level) {
            return None;
        }
        table = entry.address();
    }
    Some(Slot { table, index: index(address, LAST_LEVEL) })
}

/// The slot for `address`; makes the tables that are missing.
///
/// # Errors
/// [`OutOfTables`]; tables made so far stay, empty, and do no harm.
///
/// # Panics
/// If a block is mapped there.
#[inline]
pub fn slot<T: Tables>(
    tables: &mut T,
    root: u64,
    address: usize,
) -> Result<Slot, OutOfTables> {
    let table = descend(tables, root, address, LAST_LEVEL)?;
    Ok(Slot { table, index: index(address, LAST_LEVEL) })
}

/// The table at `level` on the way to `address`, made if missing.
fn descend<T: Tables>(
    tables: &mut T,
    root: u64,
    address: usize,
    level: u32,
) -> Result<u64, OutOfTables> {
    let mut table = root;
    for upper in 0..level {
        let at = index(address, upper);
        let entry = tables.read(table, at);
        if entry.is_table(upper) {
            table = entry.address();
            continue;
        }
        assert!(!entry.is_valid(), "a block is mapped at {address:#x}");
        let new = tables.allocate().ok_or(OutOfTables)?;
        tables.write(table, at, Entry::table(new));
        table = new;
    }
    Ok(table)
}

/// A range of addresses and the physical memory behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// First virtual address, page-aligned.
    pub address: usize,
    /// First physical address, page-aligned.
    pub physical: u64,
    /// Bytes, a multiple of the page size.
    pub size: usize,
}

/// Why a range was not mapped, or not wholly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// No memory for a table.
    OutOfTables,
    /// A valid entry stands at this address; replacing it needs the
    /// break-before-make sequence (DDI 0487, D8.16.1).
    BreakBeforeMake(usize),
}

impl From<OutOfTables> for MapError {
    fn from(_: OutOfTables) -> Self {
        MapError::OutOfTables
    }
}

/// Maps a range of kernel addresses with the largest blocks that fit.
///
/// # Errors
/// [`MapError`]; what was mapped before the error stays.
pub fn map<T: Tables>(
    tables: &mut T,
    root: u64,
    mapping: Mapping,
    attributes: Attributes,
) -> Result<(), MapError> {
    let mut done = 0;
    while done < mapping.size {
        let address = mapping.address + done;
        let physical = mapping.physical + done as u64;
        let level = largest_leaf(address, physical, mapping.size - done);
        let table = descend(tables, root, address, level)?;
        let at = index(address, level);
        if tables.read(table, at).is_valid() {
            return Err(MapError::BreakBeforeMake(address));
        }
        tables.write(table, at, Entry::leaf(physical, level, attributes));
        done += 1 << level_shift(level);
    }
    Ok(())
}

/// The lowest level at which one leaf fits both alignments and the size.
fn largest_leaf(address: usize, physical: u64, size: usize) -> u32 {
    let fits = |level: u32| {
        let leaf = 1usize << level_shift(level);
        let bits = address | physical as usize;
        bits & (leaf - 1) == 0 && size >= leaf
    };
    (1..LAST_LEVEL).find(|&level| fits(level)).unwrap_or(LAST_LEVEL)
}

/// Calls `visit` for every valid page entry in `range`, in rising order, and
/// stores what it returns. Absent tables are stepped over, not walked.
#[inline]
pub fn for_each<T: Tables>(
    tables: &mut T,
    root: u64,
    range: Range<usize>,
    visit: impl FnMut(&mut T, usize, Entry) -> Entry,
) {
    for_each_within(tables, root, range, &mut { usize::MAX }, visit);
}

/// As [`for_each`], but ends early once it has looked at `left` entries, or a
/// table's more; it counts `left` down. Where it ended: the end of `range`, if
/// it is done.
#[inline]
pub fn for_each_within<T: Tables>(
    tables: &mut T,
    root: u64,
    range: Range<usize>,
    left: &mut usize,
    mut visit: impl FnMut(&mut T, usize, Entry) -> Entry,
) -> usize {
    let mut address = range.start;
    while address < range.end && *left > 0 {
        let (table, level) = deepest(tables, root, address);
        if level < LAST_LEVEL {
            *left -= 1;
            address = match next_boundary(address, level) {
                Some(next) => next,
                None => return range.end,
            };
            continue;
        }
        let first = index(address, LAST_LEVEL);
        let pages = (range.end - address) >> super::super::PAGE_SHIFT;
        let last = ENTRIES.min(first + pages);
        *left = left.saturating_sub(last - first);
        for at in first..last {
            let entry = tables.read(table, at);
            if entry.is_valid() {
                let new = visit(tables, address, entry);
                if new != entry {
                    tables.write(table, at, new);
                }
            }
            address += super::super::PAGE_SIZE;
        }
    }
    address.min(range.end)
}

/// The lowest table on the way to `address`, and its level.
fn deepest<T: Tables>(tables: &T, root: u64, address: usize) -> (u64, u32) {
    let mut table = root;
    for level in 0..LAST_LEVEL {
        let entry = tables.read(table, index(address, level));
        if !entry.is_table(level) {
            return (table, level);
        }
        table = entry.address();
    }
    (table, LAST_LEVEL)
}

/// The first address above `address` that another entry of `level` spans.
fn next_boundary(address: usize, level: u32) -> Option<usize> {
    let span = 1usize << level_shift(level);
    (address & !(span - 1)).checked_add(span)
}

/// Frees every table below the root that served `range` and spans only
/// addresses inside `hole`, where nothing is mapped any more. Returns how
/// many tables it found; tables below those are freed with them.
///
/// The TLB may still hold walks through the tables, so [`Tables::free`] must
/// put them aside until it is flushed.
pub fn clear_empty<T: Tables>(
    tables: &mut T,
    root: u64,
    range: Range<usize>,
    hole: Range<usize>,
) -> usize {
    let mut found = 0;
    if !holds_span(&range, &hole) {
        return found;
    }
    detach_level(tables, (root, 0), &range, &hole, &mut |tables, branch| {
        free_level(tables, branch);
        found += 1;
    });
    found
}

/// Whether all that one table of the last level spans lies in the hole, and
/// some of it in the range: else no table goes, and none is looked for.
#[inline]
fn holds_span(range: &Range<usize>, hole: &Range<usize>) -> bool {
    let span = 1usize << level_shift(LAST_LEVEL - 1);
    let start = (range.start & !(span - 1)).max(hole.start);
    let first = start.next_multiple_of(span);
    first < range.end && first + span <= hole.end
}

/// A table and all that hangs on it, and its level.
pub type Branch = (u64, u32);

/// Takes every branch out that spans addresses of `range` only, the largest
/// there are, and gives them to `take`. What else maps the range, at most two
/// tables at its ends, stays.
///
/// The TLB may still know what was mapped by them, and hold walks through
/// them.
pub fn detach<T: Tables>(
    tables: &mut T,
    root: u64,
    range: &Range<usize>,
    mut take: impl FnMut(Branch),
) {
    let take = &mut |_: &mut T, branch| take(branch);
    detach_level(tables, (root, 0), range, range, take);
}

/// Takes the branches out that lie in the hole below a table.
fn detach_level<T: Tables>(
    tables: &mut T,
    (table, level): Branch,
    range: &Range<usize>,
    hole: &Range<usize>,
    take: &mut impl FnMut(&mut T, Branch),
) {
    let span = 1usize << level_shift(level);
    let mut start = range.start & !(span - 1);
    while start < range.end {
        let at = index(start, level);
        let (end, entry) = (start + span, tables.read(table, at));
        if entry.is_table(level) {
            if hole.start <= start && end <= hole.end {
                tables.write(table, at, Entry::INVALID);
                take(tables, (entry.address(), level + 1));
            } else if level + 1 < LAST_LEVEL {
                let part = range.start.max(start)..range.end.min(end);
                let below = (entry.address(), level + 1);
                detach_level(tables, below, &part, hole, take);
            }
        }
        start = end;
    }
}

/// Frees all tables, the root too; pages must be released already.
pub fn free_all<T: Tables>(tables: &mut T, root: u64) {
    free_level(tables, (root, 0));
}

fn free_level<T: Tables>(tables: &mut T, (table, level): Branch) {
    if level < LAST_LEVEL {
        for at in 0..ENTRIES {
            let entry = tables.read(table, at);
            if entry.is_table(level) {
                free_level(tables, (entry.address(), level + 1));
            }
        }
    }
    tables.free(table);
}
