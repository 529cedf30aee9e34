use kernel_abi::Errno;

use super::{
    Backing, Break, BreakChange, GrowthLimits, HIGHEST, LOWEST, MOST_REGIONS,
    Placement, Protection, Region, RegionError, RegionFlags, RegionMap,
    STACK_GUARD, checked_range,
};
use crate::memory::PAGE_SIZE;

/// Nothing, or page `first` of object `id`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Object {
    id: u32,
    first: usize,
}

impl Backing for Object {
    fn skip(&self, pages: usize) -> Self {
        let step = if self.id == 0 { 0 } else { pages };
        Object { id: self.id, first: self.first + step }
    }
    fn is_continued_by(&self, pages: usize, next: &Self) -> bool {
        self.skip(pages) == *next
    }
    fn is_object(&self) -> bool {
        self.id != 0
    }
}

const ANONYMOUS: Object = Object { id: 0, first: 0 };
const RW: Protection = Protection::READ.union(Protection::WRITE);
const BASE: usize = 0x10_0000;
const STACK_LIMIT: usize = 8 << 20;
const LIMITS: GrowthLimits = GrowthLimits::of_stack(STACK_LIMIT);

fn at(page: usize) -> usize {
    BASE + page * PAGE_SIZE
}

fn region(pages: core::ops::Range<usize>) -> Region<Object> {
    Region {
        start: at(pages.start),
        end: at(pages.end),
        protection: RW,
        flags: RegionFlags::empty(),
        backing: ANONYMOUS,
    }
}

fn ranges(map: &RegionMap<Object>) -> Vec<(usize, usize)> {
    let page = |address: usize| (address - BASE) / PAGE_SIZE;
    map.iter().map(|r| (page(r.start), page(r.end))).collect()
}

#[test]
fn neighbours_that_say_the_same_are_one_region() {
    let mut map = RegionMap::new();
    map.insert(region(0..2)).unwrap();
    map.insert(region(4..6)).unwrap();
    map.insert(region(2..4)).unwrap();
    assert_eq!(ranges(&map), [(0, 6)]);
    map.insert(Region { protection: Protection::READ, ..region(6..7) })
        .unwrap();
    assert_eq!(ranges(&map), [(0, 6), (6, 7)]);
    assert_eq!(map.pages(), 7);
}

#[test]
fn parts_of_one_object_join_only_in_order() {
    let mut map = RegionMap::new();
    let part = |pages, first| Region {
        backing: Object { id: 7, first },
        ..region(pages)
    };
    map.insert(part(0..2, 10)).unwrap();
    map.insert(part(2..4, 12)).unwrap();
    map.insert(part(4..5, 20)).unwrap();
    assert_eq!(ranges(&map), [(0, 4), (4, 5)]);
}

#[test]
fn removal_splits_and_keeps_offsets() {
    let mut map = RegionMap::new();
    let object = Object { id: 1, first: 5 };
    map.insert(Region { backing: object, ..region(0..10) }).unwrap();
    let mut gone = Vec::new();
    map.remove(at(3)..at(6), &mut gone).unwrap();
    assert_eq!(gone, [Object { id: 1, first: 8 }]);
    assert_eq!(ranges(&map), [(0, 3), (6, 10)]);
    assert_eq!(map.find(at(6)).unwrap().backing.first, 11);
    assert_eq!(map.find(at(3)), None);
    assert_eq!(map.pages(), 7);
}

#[test]
fn protect_splits_and_joins_again() {
    let mut map = RegionMap::new();
    map.insert(region(0..9)).unwrap();
    map.protect(at(3)..at(6), Protection::READ).unwrap();
    assert_eq!(ranges(&map), [(0, 3), (3, 6), (6, 9)]);
    map.protect(at(3)..at(6), RW).unwrap();
    assert_eq!(ranges(&map), [(0, 9)]);
}

#[test]
fn protect_refuses_gaps_and_read_only_objects() {
    let mut map = RegionMap::new();
    map.insert(region(0..2)).unwrap();
    map.insert(region(3..4)).unwrap();
    for range in [at(0)..at(4), at(2)..at(3), at(3)..at(5)] {
        let error = map.protect(range, Protection::READ).unwrap_err();
        assert_eq!(error, RegionError::NotMapped);
        assert_eq!(Errno::from(error), Errno::ENOMEM);
    }
    let flags = RegionFlags::SHARED | RegionFlags::NEVER_WRITE;
    let protection = Protection::READ;
    map.insert(Region { flags, protection, ..region(8..9) }).unwrap();
    assert_eq!(map.protect(at(8)..at(9), RW), Err(RegionError::Denied));
    assert_eq!(ranges(&map), [(0, 2), (3, 4), (8, 9)]);
}

#[test]
fn fixed_places_are_taken_or_refused() {
    let mut map = RegionMap::new();
    map.insert(region(0..4)).unwrap();
    let place = |placement| map.place(PAGE_SIZE, placement, HIGHEST);
    assert_eq!(place(Placement::Fixed(at(1))), Ok(at(1)..at(2)));
    let exclusive = Placement::FixedNoReplace(at(1));
    assert_eq!(place(exclusive), Err(RegionError::Occupied));
    assert_eq!(place(Placement::FixedNoReplace(at(4))), Ok(at(4)..at(5)));
    assert_eq!(place(Placement::Fixed(at(1) + 1)), Err(RegionError::Invalid));
    for bad in [0, HIGHEST, HIGHEST - PAGE_SIZE + 1] {
        assert!(place(Placement::Fixed(bad)).is_err());
    }
    assert!(place(Placement::Fixed(usize::MAX & !0xfff)).is_err());
    assert!(place(Placement::Fixed(HIGHEST - PAGE_SIZE)).is_ok());
}

#[test]
fn hints_are_used_if_free() {
    let mut map = RegionMap::new();
    map.insert(region(0..4)).unwrap();
    let place = |hint| map.place(2 * PAGE_SIZE, Placement::Hint(hint), at(100));
    assert_eq!(place(at(4) + 5), Ok(at(4)..at(6)));
    assert_eq!(place(at(3)), Ok(at(98)..at(100)));
    assert_eq!(place(0), Ok(at(98)..at(100)));
    assert_eq!(place(usize::MAX), Ok(at(98)..at(100)));
}

#[test]
fn mappings_pile_up_downwards() {
    let mut map = RegionMap::new();
    map.insert(region(90..95)).unwrap();
    let place = |pages: usize| {
        map.place(pages * PAGE_SIZE, Placement::Hint(0), at(100))
    };
    assert_eq!(place(5), Ok(at(95)..at(100)));
    assert_eq!(place(6), Ok(at(84)..at(90)));
    assert_eq!(map.place(0, Placement::Hint(0), 0), Err(RegionError::Invalid));
    for length in [HIGHEST, usize::MAX, usize::MAX - PAGE_SIZE] {
        let result = map.place(length, Placement::Hint(0), at(100));
        assert_eq!(result, Err(RegionError::NoSpace));
    }
    let lower = (BASE - LOWEST) / PAGE_SIZE + 90;
    assert_eq!(place(lower), Ok(LOWEST..at(90)));
    let above = place(lower + 1).unwrap();
    assert_eq!(above.end, HIGHEST, "the part above the top is used last");
}

#[test]
fn a_stack_grows_to_its_limit_and_keeps_its_distance() {
    let mut map = RegionMap::new();
    let flags = RegionFlags::GROWS_DOWN;
    map.insert(Region { flags, ..region(5000..5004) }).unwrap();
    let grown = map
        .find_or_grow(at(4998) + 8, |map| map.grow_stack(at(4998) + 8, LIMITS))
        .unwrap();
    assert_eq!(grown.start, at(4998));
    assert_eq!(ranges(&map), [(4998, 5004)]);
    assert!(!map.grow_stack(at(5004) - STACK_LIMIT - 1, LIMITS));
    assert!(map.grow_stack(at(5004) - STACK_LIMIT, LIMITS));
    assert_eq!(map.pages(), STACK_LIMIT / PAGE_SIZE);
    map.insert(region(0..1)).unwrap();
    map.insert(Region { flags, ..region(1000..1001) }).unwrap();
    assert!(!map.grow_stack(at(1) + STACK_GUARD - 1, LIMITS));
    assert!(map.grow_stack(at(1) + STACK_GUARD, LIMITS));
    assert!(!map.grow_stack(at(9000), LIMITS), "nothing is above");
}

#[test]
fn a_stack_counts_against_all_memory_and_all_that_is_locked() {
    let mut map = RegionMap::new();
    let flags = RegionFlags::GROWS_DOWN | RegionFlags::LOCKED;
    map.insert(region(0..2)).unwrap();
    map.insert(Region { flags, ..region(1000..1004) }).unwrap();
    let few = GrowthLimits { pages: 8, ..LIMITS };
    assert!(!map.grow_stack(at(997), few));
    assert!(map.grow_stack(at(998), few));
    assert_eq!(map.pages(), 8);
    let locked = GrowthLimits { locked: 7, ..LIMITS };
    assert!(!map.grow_stack(at(996), locked));
    assert!(map.grow_stack(at(997), locked));
    let none = RegionFlags::empty();
    map.change_flags(at(0)..at(2000), none, RegionFlags::LOCKED).unwrap();
    assert!(map.grow_stack(at(990), locked));
}

#[test]
fn ordinary_regions_do_not_grow() {
    let mut map = RegionMap::new();
    map.insert(region(10..11)).unwrap();
    assert!(!map.grow_stack(at(9), LIMITS));
}

#[test]
fn placing_keeps_a_gap_below_a_stack() {
    let mut map = RegionMap::new();
    let flags = RegionFlags::GROWS_DOWN;
    map.insert(Region { flags, ..region(5000..5004) }).unwrap();
    let range = map.place(PAGE_SIZE, Placement::Hint(0), at(5004)).unwrap();
    assert_eq!(range.end, at(5000) - STACK_GUARD);
}

#[test]
fn the_break_moves_and_says_what_to_do() {
    let mut map = RegionMap::new();
    map.insert(region(0..1)).unwrap();
    let mut heap = Break::new(at(1) + 16);
    assert_eq!(heap.request(&map, at(2)), BreakChange::None);
    assert_eq!(heap.request(&map, at(1)), BreakChange::Refused);
    assert_eq!(heap.request(&map, 0), BreakChange::Refused);
    assert_eq!(heap.request(&map, usize::MAX), BreakChange::Refused);
    let grown = heap.request(&map, at(4) - 5);
    assert_eq!(grown, BreakChange::Grow(at(2)..at(4)));
    map.insert(region(2..4)).unwrap();
    heap.set(at(4) - 5);
    let shrunk = heap.request(&map, at(3));
    assert_eq!(shrunk, BreakChange::Shrink(at(3)..at(4)));
    map.insert(region(400..401)).unwrap();
    assert!(matches!(heap.request(&map, at(144)), BreakChange::Grow(_)));
    assert_eq!(heap.request(&map, at(145)), BreakChange::Refused);
}

#[test]
fn the_number_of_regions_is_limited() {
    let mut map = RegionMap::new();
    for page in 0..MOST_REGIONS {
        map.insert(region(page * 4..page * 4 + 3)).unwrap();
    }
    let one_more = region(MOST_REGIONS * 4..MOST_REGIONS * 4 + 1);
    assert_eq!(map.insert(one_more), Err(RegionError::TooMany));
    let hole = at(1)..at(2);
    let removed = map.remove(hole.clone(), &mut Vec::new());
    assert_eq!(removed, Err(RegionError::TooMany));
    assert_eq!(map.make_room(1), Err(RegionError::TooMany));
    assert_eq!(map.make_room(0), Ok(()));
    assert_eq!(map.protect(hole, Protection::READ), Err(RegionError::TooMany));
    map.remove(at(0)..at(3), &mut Vec::new()).unwrap();
    map.remove(at(4)..at(7), &mut Vec::new()).unwrap();
    map.remove(at(9)..at(10), &mut Vec::new()).unwrap();
}

#[test]
fn ranges_from_programs_are_checked() {
    assert_eq!(checked_range(0x1000, 1), Ok(0x1000..0x2000));
    assert_eq!(checked_range(HIGHEST - 0x1000, 0x1000).unwrap().end, HIGHEST);
    let invalid = Err(RegionError::Invalid);
    assert_eq!(checked_range(0x1001, 1), invalid);
    assert_eq!(checked_range(0x1000, 0), invalid);
    assert_eq!(checked_range(HIGHEST, 1), invalid);
    assert_eq!(checked_range(0x1000, usize::MAX), invalid);
    assert_eq!(checked_range(usize::MAX & !0xfff, 0x1000), invalid);
}

#[test]
fn the_hole_around_a_range_ends_at_its_neighbours() {
    let mut map = RegionMap::new();
    map.insert(region(0..2)).unwrap();
    map.insert(region(10..12)).unwrap();
    assert_eq!(map.hole_around(at(4)..at(5)), at(2)..at(10));
    assert_eq!(map.hole_around(at(20)..at(21)), at(12)..HIGHEST);
    let overlapping = map.overlapping(at(1)..at(11)).count();
    assert_eq!(overlapping, 2);
    assert_eq!(map.overlapping(at(2)..at(10)).count(), 0);
}

/// One page of the model: rights and the object's page.
type Page = Option<(Protection, Object)>;

fn flatten(map: &RegionMap<Object>, pages: usize) -> Vec<Page> {
    let mut flat = vec![None; pages];
    for region in map.iter() {
        for page in 0..region.pages() {
            let index = (region.start - BASE) / PAGE_SIZE + page;
            assert!(flat[index].is_none(), "regions do not overlap");
            flat[index] = Some((region.protection, region.backing.skip(page)));
        }
    }
    flat
}

/// The map says of every page what the model says, in as few regions as
/// possible.
fn check(map: &RegionMap<Object>, model: &[Page]) {
    assert_eq!(flatten(map, model.len()), *model);
    let mapped = model.iter().flatten().count();
    assert_eq!(map.pages(), mapped);
    let seams = map.iter().zip(map.iter().skip(1));
    for (low, high) in seams {
        let joined = low.end == high.start
            && low.protection == high.protection
            && low.backing.is_continued_by(low.pages(), &high.backing);
        assert!(!joined, "equal neighbours are one region");
    }
    for (page, expected) in model.iter().enumerate() {
        let found = map.find(at(page)).is_some();
        assert_eq!(found, expected.is_some());
        assert_eq!(map.is_free(at(page)..at(page + 1)), !found);
    }
}

/// Every operation against an array with one element for each page.
#[test]
fn random_operations_agree_with_an_array_of_pages() {
    const PAGES: usize = 64;
    let mut seed = 11u64;
    let mut random = move |bound: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(5);
        (seed >> 33) as usize % bound
    };
    for _ in 0..200 {
        let mut map = RegionMap::new();
        let mut model: Vec<Page> = vec![None; PAGES];
        for _ in 0..60 {
            let first = random(PAGES);
            let last = first + 1 + random((PAGES - first).min(12));
            let (pages, range) = (first..last, at(first)..at(last));
            let protection = Protection::from_bits_truncate(random(4) as u8);
            match random(4) {
                0 | 1 => {
                    let id = random(3) as u32;
                    let start = if id == 0 { 0 } else { first };
                    let backing = Object { id, first: start };
                    map.remove(range, &mut Vec::new()).unwrap();
                    let new =
                        Region { protection, backing, ..region(pages.clone()) };
                    map.insert(new).unwrap();
                    for (step, page) in model[pages].iter_mut().enumerate() {
                        *page = Some((protection, backing.skip(step)));
                    }
                }
                2 => {
                    map.remove(range, &mut Vec::new()).unwrap();
                    model[pages].fill(None);
                }
                _ => {
                    let whole =
                        model[pages.clone()].iter().all(Option::is_some);
                    let done = map.protect(range, protection);
                    assert_eq!(done.is_ok(), whole);
                    for page in model[pages].iter_mut().flatten() {
                        if whole {
                            page.0 = protection;
                        }
                    }
                }
            }
            check(&map, &model);
        }
    }
}

#[test]
fn many_regions_join_as_few_do() {
    let mut map = RegionMap::new();
    for page in 0..100 {
        let protection = if page % 2 == 0 { RW } else { Protection::READ };
        map.insert(Region { protection, ..region(page..page + 1) }).unwrap();
    }
    map.protect(at(1)..at(60), RW).unwrap();
    assert_eq!(ranges(&map)[..2], [(0, 61), (61, 62)]);
    map.protect(at(0)..at(100), Protection::READ).unwrap();
    assert_eq!((ranges(&map), map.pages()), (vec![(0, 100)], 100));
    let (none, marks) = (RegionFlags::empty(), RegionFlags::NO_DUMP);
    for page in (0..100).step_by(2) {
        map.change_flags(at(page)..at(page + 1), marks, none).unwrap();
    }
    map.change_flags(at(1)..at(60), marks, none).unwrap();
    assert_eq!(ranges(&map)[..2], [(0, 61), (61, 62)]);
    map.change_flags(at(0)..at(100), none, marks).unwrap();
    assert_eq!((ranges(&map), map.pages()), (vec![(0, 100)], 100));
}
