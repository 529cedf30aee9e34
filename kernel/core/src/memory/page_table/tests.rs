use std::collections::HashMap;

use super::{
    Attributes, ENTRIES, Entry, MapError, Mapping, Memory, OutOfTables,
    Privilege, Tables, clear_empty, detach, find, for_each, for_each_within,
    free_all, index, map, slot,
};
use crate::memory::PAGE_SIZE;

/// Tables in a hash map, at made-up physical addresses.
struct FakeMemory {
    tables: HashMap<u64, [Entry; ENTRIES]>,
    next: u64,
    limit: usize,
}

impl FakeMemory {
    fn new(limit: usize) -> (Self, u64) {
        let mut memory =
            Self { tables: HashMap::new(), next: 0x8000_0000, limit };
        let root = memory.allocate().unwrap();
        (memory, root)
    }
}

impl Tables for FakeMemory {
    fn allocate(&mut self) -> Option<u64> {
        if self.tables.len() == self.limit {
            return None;
        }
        self.next += PAGE_SIZE as u64;
        self.tables.insert(self.next, [Entry::INVALID; ENTRIES]);
        Some(self.next)
    }
    fn free(&mut self, table: u64) {
        self.tables.remove(&table).expect("a table is freed once");
    }
    fn read(&self, table: u64, index: usize) -> Entry {
        self.tables[&table][index]
    }
    fn write(&mut self, table: u64, index: usize, entry: Entry) {
        self.tables.get_mut(&table).unwrap()[index] = entry;
    }
}

fn user(writable: bool, executable: bool) -> Attributes {
    let (memory, privilege) = (Memory::Normal, Privilege::User);
    Attributes { memory, privilege, writable, executable }
}

/// What the hardware would do with `address`: output address and entry.
fn translate(
    memory: &FakeMemory,
    root: u64,
    address: usize,
) -> Option<(u64, Entry)> {
    let mut table = root;
    for level in 0..4 {
        let entry = memory.read(table, index(address, level));
        if !entry.is_valid() {
            return None;
        }
        if !entry.is_table(level) {
            let mask = (1u64 << super::level_shift(level)) - 1;
            return Some((entry.address() + (address as u64 & mask), entry));
        }
        table = entry.address();
    }
    None
}

#[test]
fn descriptors_have_the_bits_of_the_architecture() {
    let page = Entry::leaf(0x1234_5000, 3, user(true, false));
    assert_eq!(page.0, 0x1234_5000 | 0x3 | 0x3 << 53 | 0xf40);
    let text = Entry::leaf(0x1000, 3, user(false, true));
    assert_eq!(text.0, 0x1000 | 0x3 | 1 << 53 | 0xfc0);
    let block = Entry::leaf(0x20_0000, 2, Attributes::kernel_data());
    assert_eq!(block.0, 0x20_0000 | 0x1 | 0x3 << 53 | 0x700);
    let device = Attributes::kernel(Memory::Device, true, false);
    let device = Entry::leaf(0x900_0000, 3, device);
    assert_eq!(device.0, 0x900_0000 | 0x3 | 0x3 << 53 | 0x404);
}

#[test]
fn kernel_text_is_read_only_and_closed_to_users() {
    let text = Attributes::kernel(Memory::Normal, false, true);
    let entry = Entry::leaf(0, 3, text);
    assert!(!entry.is_user_writable() && !entry.is_user_executable());
    assert_eq!(entry.0 >> 53 & 1, 0, "EL1 may execute it");
}

#[test]
#[should_panic(expected = "W^X")]
fn kernel_memory_is_never_writable_and_executable() {
    let _ = Attributes::kernel(Memory::Normal, true, true);
}

#[test]
fn prot_none_keeps_the_page_but_closes_it() {
    let open = Entry::leaf(0x5000, 3, user(true, false)).owned();
    let closed = open.with_attributes(Attributes {
        privilege: Privilege::UserNone,
        ..user(false, false)
    });
    assert!(closed.is_valid() && closed.is_owned());
    assert!(!closed.is_user_writable());
    assert_eq!(closed.0 & 1 << 6, 0, "EL0 has no access");
    assert_eq!(closed.address(), 0x5000);
}

#[test]
fn read_only_copies_lose_only_the_right_to_write() {
    let page = Entry::leaf(0x5000, 3, user(true, false)).owned();
    assert!(page.is_user_writable());
    assert!(!page.read_only().is_user_writable());
    assert_eq!(page.read_only().0 ^ page.0, 1 << 7);
}

#[test]
fn ranges_are_mapped_with_the_largest_leaves() {
    let (mut memory, root) = FakeMemory::new(100);
    let mapping = Mapping {
        address: 0xffff_0000_3fff_f000,
        physical: 0x3fff_f000,
        size: 0x4000_0000 + 0x20_0000 + 0x3000,
    };
    map(&mut memory, root, mapping, Attributes::kernel_data()).unwrap();
    // Root, level 1, and levels 2 and 3 on both sides of the 1 GiB block.
    assert_eq!(memory.tables.len(), 6);
    let end = mapping.address + mapping.size;
    for address in (mapping.address..end).step_by(0x7f_f000) {
        let (physical, _) = translate(&memory, root, address).unwrap();
        assert_eq!(physical as usize, address & 0xffff_ffff_ffff);
    }
    assert!(translate(&memory, root, end).is_none());
    assert!(translate(&memory, root, mapping.address - 1).is_none());
}

#[test]
fn a_valid_entry_is_not_replaced() {
    let (mut memory, root) = FakeMemory::new(100);
    let mapping =
        Mapping { address: 0x4000, physical: 0x1000, size: PAGE_SIZE };
    let data = Attributes::kernel_data();
    map(&mut memory, root, mapping, data).unwrap();
    assert_eq!(
        map(&mut memory, root, mapping, data),
        Err(MapError::BreakBeforeMake(0x4000))
    );
}

#[test]
fn missing_tables_are_made_and_shortage_is_an_error() {
    let (mut memory, root) = FakeMemory::new(4);
    assert_eq!(find(&memory, root, 0x40_0000), None);
    let made = slot(&mut memory, root, 0x40_0000).unwrap();
    assert_eq!(find(&memory, root, 0x40_0000), Some(made));
    assert_eq!(made.index, 0);
    assert_eq!(slot(&mut memory, root, 1 << 39), Err(OutOfTables));
    let near = slot(&mut memory, root, 0x40_5000).unwrap();
    assert_eq!((near.table, near.index), (made.table, 5));
}

#[test]
fn visiting_steps_over_absent_tables() {
    let (mut memory, root) = FakeMemory::new(100);
    let places = [0x1000, 0x1f_f000, 0x20_0000, 0x4000_0000, 0xffff_ffff_f000];
    for &address in &places {
        let at = slot(&mut memory, root, address).unwrap();
        let entry = Entry::leaf(address as u64, 3, user(true, false));
        memory.write(at.table, at.index, entry);
    }
    let mut seen = Vec::new();
    for_each(&mut memory, root, 0..1 << 48, |_, address, entry| {
        assert_eq!(entry.address() as usize, address);
        seen.push(address);
        Entry::INVALID
    });
    assert_eq!(seen, places);
    for_each(&mut memory, root, 0..1 << 48, |_, _, _| unreachable!());
}

#[test]
fn visiting_stays_inside_its_range() {
    let (mut memory, root) = FakeMemory::new(100);
    for page in 0..20 {
        let at = slot(&mut memory, root, page * PAGE_SIZE).unwrap();
        let entry = Entry::leaf(0, 3, user(true, false));
        memory.write(at.table, at.index, entry);
    }
    let mut seen = 0;
    for_each(&mut memory, root, 0x3000..0x7000, |_, address, entry| {
        assert!((0x3000..0x7000).contains(&address));
        seen += 1;
        entry
    });
    assert_eq!(seen, 4);
}

#[test]
fn a_visit_ends_early_and_goes_on_where_it_ended() {
    let (mut memory, root) = FakeMemory::new(1000);
    let places = [0x1000, 0x1f_f000, 0x20_0000, 0x4000_0000, 0xffff_ffff_f000];
    for &address in &places {
        let at = slot(&mut memory, root, address).unwrap();
        let entry = Entry::leaf(address as u64, 3, user(true, false));
        memory.write(at.table, at.index, entry);
    }
    let (mut seen, mut next, mut pieces) = (Vec::new(), 0, 0);
    while next < 1 << 48 {
        let mut left = 600;
        let rest = next..1 << 48;
        next = for_each_within(
            &mut memory,
            root,
            rest,
            &mut left,
            |_, address, _| {
                seen.push(address);
                Entry::INVALID
            },
        );
        pieces += 1;
        assert!(left == 0 || next == 1 << 48);
    }
    assert_eq!(seen, places);
    // Four tables of 512 entries, and the steps over what is absent.
    assert!((4..10).contains(&pieces), "{pieces} pieces");
}

#[test]
fn only_branches_wholly_inside_a_range_are_detached() {
    const GIB: usize = 1 << 30;
    let (mut memory, root) = FakeMemory::new(100);
    let places =
        [0x1000, 0x20_0000, 0x40_0000, GIB, 2 * GIB, 2 * GIB + 0x20_0000];
    for &address in &places {
        let at = slot(&mut memory, root, address).unwrap();
        let entry = Entry::leaf(address as u64, 3, user(true, false));
        memory.write(at.table, at.index, entry);
    }
    let mut levels = Vec::new();
    // From within the first table to within the last but one.
    let range = 0x1000..2 * GIB + 0x1000;
    detach(&mut memory, root, &range, |(_, level)| levels.push(level));
    // Two tables of pages, and all of the second GiB.
    assert_eq!(levels, [3, 3, 2]);
    let mut left = Vec::new();
    for_each(&mut memory, root, 0..4 * GIB, |_, address, entry| {
        left.push(address);
        entry
    });
    assert_eq!(left, [0x1000, 2 * GIB, 2 * GIB + 0x20_0000]);
}

#[test]
fn only_tables_wholly_inside_the_hole_are_freed() {
    let (mut memory, root) = FakeMemory::new(100);
    for address in [0x1000, 0x20_0000, 0x40_0000, 0x8000_0000] {
        slot(&mut memory, root, address).unwrap();
    }
    assert_eq!(memory.tables.len(), 3 + 3 + 2);
    let mut clear = |range, hole| clear_empty(&mut memory, root, range, hole);
    // The last level of 0x1000 begins below the hole and stays; that of
    // 0x40_0000 did not serve the range.
    assert_eq!(clear(0x1000..0x40_0000, 0x1000..0x60_0000), 1);
    assert_eq!(clear(0x1000..0x60_0000, 0x1000..0x60_0000), 1);
    assert!(find(&memory, root, 0x1000).is_some());
    assert_eq!(find(&memory, root, 0x20_0000), None);
    assert!(find(&memory, root, 0x8000_0000).is_some());
    let below = 0..0x8000_0000;
    assert_eq!(clear_empty(&mut memory, root, 0x1000..0x2000, below), 1);
    assert_eq!(memory.tables.len(), 4);
    let all = 0..1 << 48;
    assert_eq!(clear_empty(&mut memory, root, all.clone(), all), 1);
    assert_eq!(memory.tables.len(), 1, "tables below go with it");
}

#[test]
fn teardown_frees_every_table() {
    let (mut memory, root) = FakeMemory::new(1000);
    for shift in 12..48 {
        slot(&mut memory, root, 1 << shift).unwrap();
    }
    free_all(&mut memory, root);
    assert!(memory.tables.is_empty());
}

/// Random pages come and go against a plain map of what should be there.
#[test]
fn random_mappings_agree_with_a_plain_map() {
    let (mut memory, root) = FakeMemory::new(5000);
    let mut model = HashMap::new();
    let mut seed = 3u64;
    let mut random = move |bound: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(17);
        (seed >> 33) % bound
    };
    for step in 0..4000u64 {
        let address = (random(4) << 39 | random(3) << 30 | random(3) << 21)
            + random(512) * PAGE_SIZE as u64;
        let address = address as usize;
        if random(3) > 0 {
            let at = slot(&mut memory, root, address).unwrap();
            let entry = Entry::leaf(step << 12, 3, user(true, false));
            memory.write(at.table, at.index, entry);
            model.insert(address, step << 12);
        } else {
            let end =
                address + random(1 << 20) as usize / PAGE_SIZE * PAGE_SIZE;
            for_each(&mut memory, root, address..end, |_, at, _| {
                assert!(model.remove(&at).is_some());
                Entry::INVALID
            });
            assert!(model.keys().all(|at| !(address..end).contains(at)));
        }
    }
    for (&address, &physical) in &model {
        assert_eq!(translate(&memory, root, address).unwrap().0, physical);
    }
}
