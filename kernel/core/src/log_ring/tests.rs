use std::string::String;
use std::vec::Vec;

use super::{LogRing, TEXT_LIMIT};

fn texts<const N: usize>(ring: &LogRing<N>) -> Vec<String> {
    let text = |record: super::Record<'_>| {
        String::from_utf8(record.text.concat()).unwrap()
    };
    ring.records().map(text).collect()
}

#[test]
fn records_come_back_as_they_were_pushed() {
    let mut ring = LogRing::<1024>::new();
    ring.push(1_500, 6, b"first");
    ring.push(2_500, 3, b"");
    let found: Vec<_> = ring.records().map(|r| (r.time_ns, r.level)).collect();
    assert_eq!(found, [(1_500, 6), (2_500, 3)]);
    assert_eq!(texts(&ring), ["first", ""]);
}

#[test]
fn the_newest_records_are_kept_whatever_the_wrap() {
    let mut ring = LogRing::<600>::new();
    let line = |n: usize| format!("line {n} {}", "x".repeat(n % 50));
    for n in 0..1_000 {
        ring.push(n as u64, 6, line(n).as_bytes());
        let texts = texts(&ring);
        let first = n + 1 - texts.len();
        let expected: Vec<_> = (first..=n).map(line).collect();
        assert_eq!(texts, expected);
        assert!(ring.used() <= 600);
    }
}

#[test]
fn a_long_text_is_cut_off() {
    let mut ring = LogRing::<1024>::new();
    ring.push(0, 6, &[b'a'; 5_000]);
    assert_eq!(texts(&ring)[0].len(), TEXT_LIMIT);
}

#[test]
fn a_cleared_ring_is_empty_and_usable() {
    let mut ring = LogRing::<1024>::new();
    ring.push(0, 6, b"gone");
    ring.clear();
    assert!(texts(&ring).is_empty());
    ring.push(0, 6, b"here");
    assert_eq!(texts(&ring), ["here"]);
}
