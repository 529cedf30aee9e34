//! The promises about gzip's frame.

use super::{Check, data_start, is_gzip};

const PLAIN: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

#[test]
fn the_data_starts_after_all_optional_fields() {
    assert_eq!(data_start(&PLAIN), Some(10));
    let mut full = PLAIN.to_vec();
    full[3] = 0x1e;
    full.extend([3, 0, 1, 2, 3]);
    full.extend(b"name\0comment\0xx");
    assert_eq!(data_start(&full), Some(full.len()));
    for length in 0..full.len() {
        assert_eq!(data_start(&full[..length]), None, "{length}");
    }
}

#[test]
fn what_is_no_gzip_is_refused() {
    assert!(is_gzip(&PLAIN) && !is_gzip(b"070701"));
    for (at, value) in [(0, 0), (1, 0), (2, 7), (3, 0x20)] {
        let mut bytes = PLAIN;
        bytes[at] = value;
        assert_eq!(data_start(&bytes), None);
    }
}

#[test]
fn the_sum_is_the_usual_one_in_pieces_of_any_size() {
    let text = b"123456789";
    let trailer = [0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0];
    for size in 1..=text.len() {
        let mut check = Check::new();
        text.chunks(size).for_each(|piece| check.add(piece));
        assert!(check.matches(&trailer), "pieces of {size}");
        assert!(!check.matches(&trailer[..7]));
    }
    assert!(Check::new().matches(&[0; 8]));
}
