use super::{PhysRange, RangeList, RangeListFull};

fn list(ranges: &[(u64, u64)]) -> RangeList<8> {
    let mut list = RangeList::new();
    for &(start, end) in ranges {
        list.insert(PhysRange::new(start, end)).unwrap();
    }
    list
}

fn pairs(list: &RangeList<8>) -> Vec<(u64, u64)> {
    list.as_slice().iter().map(|r| (r.start, r.end)).collect()
}

#[test]
fn ranges_are_sorted_and_joined() {
    assert_eq!(pairs(&list(&[(40, 50), (0, 10)])), [(0, 10), (40, 50)]);
    assert_eq!(pairs(&list(&[(0, 10), (10, 20)])), [(0, 20)]);
    assert_eq!(pairs(&list(&[(0, 10), (20, 30), (5, 25)])), [(0, 30)]);
    assert_eq!(pairs(&list(&[(5, 5), (9, 3)])), []);
}

#[test]
fn removal_cuts_and_splits() {
    let mut a = list(&[(0, 100), (200, 300)]);
    a.remove(PhysRange::new(40, 50)).unwrap();
    assert_eq!(pairs(&a), [(0, 40), (50, 100), (200, 300)]);
    a.remove(PhysRange::new(90, 250)).unwrap();
    assert_eq!(pairs(&a), [(0, 40), (50, 90), (250, 300)]);
    a.remove(PhysRange::new(0, 1000)).unwrap();
    assert_eq!(pairs(&a), []);
}

#[test]
fn a_full_list_never_keeps_reserved_bytes() {
    let mut a = RangeList::<1>::new();
    a.insert(PhysRange::new(0, 100)).unwrap();
    assert_eq!(
        a.insert(PhysRange::new(200, 300)),
        Err(RangeListFull(PhysRange::new(200, 300)))
    );
    assert!(a.remove(PhysRange::new(40, 50)).is_err());
    assert_eq!(a.as_slice(), [PhysRange::new(0, 40)]);
}

#[test]
fn list_agrees_with_a_byte_array_on_random_input() {
    let mut seed = 1u64;
    let mut random = move |bound: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
        (seed >> 33) % bound
    };
    for _ in 0..300 {
        let mut list = RangeList::<64>::new();
        let mut bytes = [false; 100];
        for _ in 0..40 {
            let start = random(100);
            let end = start + random(100 - start + 1);
            let add = random(2) == 0;
            let range = PhysRange::new(start, end);
            let done =
                if add { list.insert(range) } else { list.remove(range) };
            done.unwrap();
            bytes[start as usize..end as usize].fill(add);
        }
        let mut seen = [false; 100];
        for range in list.as_slice() {
            seen[range.start as usize..range.end as usize].fill(true);
        }
        assert_eq!(seen, bytes);
    }
}

#[test]
fn alignment_shrinks_or_grows_to_pages() {
    let range = PhysRange::new(0x1001, 0x4fff);
    assert_eq!(range.shrink_to_pages(), PhysRange::new(0x2000, 0x4000));
    assert_eq!(range.grow_to_pages(), PhysRange::new(0x1000, 0x5000));
}
