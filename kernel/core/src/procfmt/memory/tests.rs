//! Memory files as Linux writes them.

use super::{Mapping, Meminfo, Statm};

const FILE: Mapping = Mapping {
    start: 0x5604_5f0c_5000,
    end: 0x5604_5f0c_a000,
    access: [true, false, true],
    is_shared: false,
    offset: 0x2000,
    device: (0xfe, 0),
    inode: 247_030,
    name: b"/usr/bin/cat",
};

fn line(mapping: Mapping) -> String {
    let mut out = b"earlier line\n".to_vec();
    mapping.render(&mut out);
    String::from_utf8(out[13..].to_vec()).unwrap()
}

#[test]
fn a_mapping_is_one_line_with_its_name_in_column_73() {
    let expected = "56045f0c5000-56045f0ca000 r-xp 00002000 fe:00 247030 \
        \u{20}                   /usr/bin/cat\n";
    assert_eq!(line(FILE), expected);
    assert_eq!(line(FILE).find('/'), Some(73));
}

#[test]
fn a_mapping_without_name_ends_with_its_inode() {
    let anonymous = Mapping {
        start: 0x1000,
        end: 0x2000,
        access: [true, true, false],
        is_shared: true,
        offset: 0,
        device: (0, 0),
        inode: 0,
        name: b"",
    };
    let expected = "00001000-00002000 rw-s 00000000 00:00 0 \n";
    assert_eq!(line(anonymous), expected);
}

#[test]
fn a_name_cannot_break_a_line() {
    let text = line(Mapping { name: b"/a\nb", ..FILE });
    assert!(text.ends_with("/a\\012b\n"));
}

#[test]
fn statm_has_seven_numbers() {
    let statm = Statm { size: 1, resident: 2, shared: 3, code: 4, data: 5 };
    let mut out = Vec::new();
    statm.render(&mut out);
    assert_eq!(out, b"1 2 3 4 0 5 0\n");
}

#[test]
fn meminfo_is_aligned_as_in_linux() {
    let meminfo = Meminfo { total: 24_684_084, ..Meminfo::default() };
    let mut out = Vec::new();
    meminfo.render(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("MemTotal:       24684084 kB\n"));
    assert!(text.contains("SwapCached:            0 kB\n"));
    assert!(text.lines().all(|line| line.len() == 27));
}
