//! The texts of `/proc` about the memory of a process.
//!
//! They are made one region after the other, since they may be long: a text
//! ends where memory does, with `ENOMEM`.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::procfmt::memory::{Mapping, Presence, VmFlags};
use kernel_core::procfmt::task::Memory;

use kernel_machine::mm::{
    AddressSpace, PAGE_SIZE, Protection, RegionFlags, RegionInfo, Sharing,
    Usage, heap,
};
use kernel_task::sleep::give_way_until_killed;

/// Regions that are looked at in one piece.
const REGIONS: usize = 128;

/// Calls `visit` for all regions, in rising order, with room for a freeze
/// between two pieces.
fn each_region(
    space: &AddressSpace,
    mut visit: impl FnMut(&RegionInfo) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let (mut end, mut seen) = (0, 0);
    while let Some(region) = space.region_above(end) {
        end = region.range.end;
        visit(&region)?;
        seen += 1;
        if seen % REGIONS == 0 {
            give_way_until_killed()?;
        }
    }
    Ok(())
}

fn add_line(text: &mut Vec<u8>, region: &RegionInfo) -> Result<(), Errno> {
    let has = |right| region.protection.contains(right);
    let name = region.name();
    let source = region.source.as_ref();
    let line = Mapping {
        start: region.range.start as u64,
        end: region.range.end as u64,
        access: [
            has(Protection::READ),
            has(Protection::WRITE),
            has(Protection::EXECUTE),
        ],
        is_shared: region.sharing == Sharing::Shared,
        offset: region.offset as u64,
        device: (0, 0),
        inode: source.map_or(0, |source| source.inode()),
        name: name.as_bytes(),
    };
    heap::reserve(text, Mapping::MOST + 4 * name.len())?;
    line.render(text);
    Ok(())
}

/// `/proc/PID/maps`
pub(super) fn maps(space: &AddressSpace) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    each_region(space, |region| add_line(&mut text, region))?;
    Ok(text)
}

fn kib(pages: usize) -> u64 {
    (pages * PAGE_SIZE / 1024) as u64
}

fn presence(region: &RegionInfo, usage: &Usage) -> Presence {
    let is_locked = region.flags.contains(RegionFlags::LOCKED);
    let shared = usage.present - usage.sole;
    let shared_owned = usage.owned - usage.sole_owned;
    Presence {
        resident: kib(usage.present),
        share: (usage.share / 1024) as u64,
        shared: [kib(shared - shared_owned), kib(shared_owned)],
        private: [kib(usage.sole - usage.sole_owned), kib(usage.sole_owned)],
        anonymous: kib(usage.owned),
        locked: if is_locked { (usage.share / 1024) as u64 } else { 0 },
    }
}

/// `/proc/PID/smaps`
pub(super) fn detailed_maps(space: &AddressSpace) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    each_region(space, |region| {
        add_line(&mut text, region)?;
        heap::reserve(&mut text, Presence::MOST)?;
        let size = kib(region.range.len() / PAGE_SIZE);
        let usage = space.usage(region.range.clone());
        presence(region, &usage).render(Some(size), &mut text);
        flags_of(region).render(&mut text);
        Ok(())
    })?;
    Ok(text)
}

fn flags_of(region: &RegionInfo) -> VmFlags {
    let may = |right| region.protection.contains(right);
    let is = |flag| region.flags.contains(flag);
    let is_shared = region.sharing == Sharing::Shared;
    VmFlags {
        access: [
            may(Protection::READ),
            may(Protection::WRITE),
            may(Protection::EXECUTE),
        ],
        is_shared,
        may_write: !is(RegionFlags::NEVER_WRITE),
        grows_down: is(RegionFlags::GROWS_DOWN),
        is_locked: is(RegionFlags::LOCKED),
        no_fork: is(RegionFlags::NO_FORK),
        no_dump: is(RegionFlags::NO_DUMP),
        wipes_on_fork: is(RegionFlags::WIPE_ON_FORK),
    }
}

/// `/proc/PID/smaps_rollup`
pub(super) fn sums(space: &AddressSpace) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    let mut sums = Presence::default();
    let mut all: Option<[u64; 2]> = None;
    each_region(space, |region| {
        let usage = space.usage(region.range.clone());
        sums.add(&presence(region, &usage));
        let start = all.map_or(region.range.start as u64, |all| all[0]);
        all = Some([start, region.range.end as u64]);
        Ok(())
    })?;
    if let Some([start, end]) = all {
        let line = Mapping {
            start,
            end,
            access: [false; 3],
            is_shared: false,
            offset: 0,
            device: (0, 0),
            inode: 0,
            name: b"[rollup]",
        };
        heap::reserve(&mut text, Mapping::MOST + Presence::MOST)?;
        line.render(&mut text);
        sums.render(None, &mut text);
    }
    Ok(text)
}

/// What `/proc/PID/status` tells of it.
pub(super) fn status_of(space: &AddressSpace) -> Memory {
    let size = kib(space.mapped_pages());
    let resident = kib(space.resident_pages());
    Memory {
        peak: size,
        size,
        locked: kib(space.pages_with(RegionFlags::LOCKED)),
        high_water: resident,
        anonymous: resident,
        data: size,
        ..Memory::default()
    }
}
