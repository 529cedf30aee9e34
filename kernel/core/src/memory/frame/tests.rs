use super::{
    Buddy, FrameError, FrameSpan, FrameTable, FrameUse, ORDERS, Record, Release,
};

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|_| Record::default()).collect()
}

fn span(first: u32, count: u32) -> FrameSpan {
    FrameSpan { first, count }
}

/// A fixed sequence of numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(99);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn every_frame_can_be_taken_once() {
    let records = records(3000);
    let table = FrameTable::new(&[span(5, 1000), span(9000, 2000)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(5, 1000));
    buddy.add(&table, span(9001, 1999));
    assert_eq!(buddy.stats().free, 2999);
    let mut taken: Vec<u32> =
        core::iter::from_fn(|| buddy.allocate(&table, 0, FrameUse::Kernel))
            .collect();
    taken.sort_unstable();
    let expected: Vec<u32> = (5..1005).chain(9001..11000).collect();
    assert_eq!(taken, expected);
    assert_eq!(buddy.stats().free, 0);
}

#[test]
fn freed_buddies_join_to_the_largest_block() {
    let records = records(1024);
    let table = FrameTable::new(&[span(1024, 1024)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(1024, 1024));
    let frames: Vec<u32> = (0..1024)
        .map(|_| buddy.allocate(&table, 0, FrameUse::Kernel).unwrap())
        .collect();
    assert_eq!(buddy.allocate(&table, 0, FrameUse::Kernel), None);
    for frame in frames {
        buddy.free(&table, frame).unwrap();
    }
    let whole = buddy.allocate(&table, ORDERS - 1, FrameUse::Kernel);
    assert_eq!(whole, Some(1024));
}

#[test]
fn blocks_never_join_across_a_hole() {
    let records = records(16);
    let table = FrameTable::new(&[span(8, 8), span(16, 8)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(8, 8));
    buddy.add(&table, span(16, 8));
    assert_eq!(buddy.allocate(&table, 4, FrameUse::Kernel), None);
    assert!(buddy.allocate(&table, 3, FrameUse::Kernel).is_some());
}

#[test]
fn double_free_and_wild_free_are_refused() {
    let records = records(64);
    let table = FrameTable::new(&[span(64, 64)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(66, 62));
    let frame = buddy.allocate(&table, 1, FrameUse::Kernel).unwrap();
    assert_eq!(
        buddy.free(&table, frame + 1),
        Err(FrameError::NotAllocated(frame + 1))
    );
    buddy.free(&table, frame).unwrap();
    assert_eq!(buddy.free(&table, frame), Err(FrameError::NotAllocated(frame)));
    assert_eq!(buddy.free(&table, 64), Err(FrameError::NotAllocated(64)));
    assert_eq!(buddy.free(&table, 5), Err(FrameError::Unknown(5)));
    assert_eq!(buddy.stats().free, 62);
}

#[test]
fn a_block_taken_apart_comes_back_frame_by_frame() {
    let records = records(64);
    let table = FrameTable::new(&[span(64, 64)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(64, 64));
    let first = buddy.allocate_singles(&table, 4, FrameUse::Kernel).unwrap();
    assert_eq!(buddy.stats().free, 48);
    for frame in (first..first + 16).rev() {
        buddy.free(&table, frame).unwrap();
    }
    assert_eq!(buddy.allocate(&table, 6, FrameUse::Kernel), Some(64));
}

#[test]
fn a_run_takes_no_more_frames_than_it_has() {
    let records = records(64);
    let table = FrameTable::new(&[span(64, 64)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(64, 64));
    for count in [1, 2, 5, 8, 33, 64] {
        let first = buddy.allocate_run(&table, count, FrameUse::Kernel);
        let first = first.unwrap();
        assert_eq!(buddy.stats().free, 64 - count);
        for frame in first..first + count as u32 {
            assert_eq!(table.references(frame), 1);
            buddy.free(&table, frame).unwrap();
        }
    }
    assert_eq!(buddy.allocate_run(&table, 65, FrameUse::Kernel), None);
    assert_eq!(buddy.allocate(&table, 6, FrameUse::Kernel), Some(64));
}

#[test]
fn users_never_reach_the_kernel_reserve() {
    let records = records(64 * 512);
    let table = FrameTable::new(&[span(0, 64 * 512)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(0, 64 * 512));
    assert_eq!(buddy.stats().reserve, 512);
    while buddy.allocate(&table, 0, FrameUse::File).is_some() {}
    assert_eq!(buddy.stats().free, 4 * 512, "files get less than programs");
    while buddy.allocate(&table, 0, FrameUse::User).is_some() {}
    assert_eq!(buddy.stats().free, 512);
    assert!(buddy.allocate(&table, 0, FrameUse::Kernel).is_some());
}

#[test]
fn the_reserve_is_at_least_one_mebibyte() {
    let records = records(300);
    let table = FrameTable::new(&[span(0, 300)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(0, 300));
    let users = (0..300)
        .take_while(|_| buddy.allocate(&table, 0, FrameUse::User).is_some());
    assert_eq!(users.count(), 300 - 256);
}

#[test]
fn references_are_counted() {
    let records = records(16);
    let table = FrameTable::new(&[span(16, 16)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(16, 16));
    let frame = buddy.allocate(&table, 0, FrameUse::Kernel).unwrap();
    table.share(frame);
    assert_eq!(table.references(frame), 2);
    assert_eq!(table.release(frame), Ok(Release::Shared));
    assert_eq!(table.release(frame), Ok(Release::Last));
    assert_eq!(table.release(frame), Err(FrameError::NotAllocated(frame)));
}

#[test]
fn a_frame_is_prepared_once_until_it_changes_or_is_new() {
    let records = records(16);
    let table = FrameTable::new(&[span(16, 16)], &records);
    let mut buddy = Buddy::new();
    buddy.add(&table, span(16, 16));
    let frame = buddy.allocate(&table, 0, FrameUse::Kernel).unwrap();
    let is_prepared_now = || {
        let mut is_now = false;
        table.prepare(frame, || is_now = true);
        is_now
    };
    assert!(is_prepared_now());
    assert!(!is_prepared_now());
    table.changed(frame);
    assert!(is_prepared_now());
    table.prepare(frame, || unreachable!("it is prepared"));
    table.changed(frame);
    table.prepare(frame, || table.changed(frame));
    assert!(is_prepared_now(), "a store came between");
    assert_eq!(table.release(frame), Ok(Release::Last));
    table.revive(frame);
    assert_eq!(table.references(frame), 1);
    assert!(is_prepared_now());
    buddy.free(&table, frame).unwrap();
}

/// Random blocks come and go; none ever overlaps another, the counts agree,
/// and in the end everything joins again.
#[test]
fn random_allocations_never_overlap_and_all_come_back() {
    let spans = [span(3, 1500), span(4096, 4096), span(20000, 777)];
    let records = records(FrameTable::records_needed(&spans));
    let table = FrameTable::new(&spans, &records);
    let mut buddy = Buddy::new();
    spans.iter().for_each(|&span| buddy.add(&table, span));
    let total = buddy.stats().total;
    let mut owner = vec![false; 21000];
    let mut held: Vec<(u32, usize)> = Vec::new();
    let mut random = Random(7);
    for _ in 0..60_000 {
        if held.is_empty() || random.below(100) < 52 {
            let order = random.below(ORDERS).min(random.below(ORDERS));
            let Some(frame) = buddy.allocate(&table, order, FrameUse::Kernel)
            else {
                continue;
            };
            assert_eq!(frame % (1 << order), 0, "blocks are aligned");
            for f in frame..frame + (1 << order) {
                let inside = spans
                    .iter()
                    .any(|s| (s.first..s.first + s.count).contains(&f));
                assert!(inside && !owner[f as usize]);
                owner[f as usize] = true;
            }
            held.push((frame, order));
        } else {
            let (frame, order) = held.swap_remove(random.below(held.len()));
            buddy.free(&table, frame).unwrap();
            owner[frame as usize..][..1 << order].fill(false);
        }
        let used: usize = held.iter().map(|(_, order)| 1 << order).sum();
        assert_eq!(buddy.stats().free, total - used);
    }
    for (frame, _) in held {
        buddy.free(&table, frame).unwrap();
    }
    assert_eq!(buddy.stats().free, total);
    let largest = core::iter::from_fn(|| {
        buddy.allocate(&table, ORDERS - 1, FrameUse::Kernel)
    });
    assert_eq!(largest.count(), 4);
}
