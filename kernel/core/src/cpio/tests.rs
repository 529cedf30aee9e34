//! The promises about archives, hostile ones included.

use super::{Archive, Entry, Error};
use crate::test_random::Random;

/// An entry as cpio writes it.
fn entry(name: &str, mode: u32, data: &[u8]) -> Vec<u8> {
    let fields = [
        7,
        mode,
        1,
        2,
        1,
        1000,
        data.len() as u32,
        8,
        9,
        4,
        64,
        name.len() as u32 + 1,
        0,
    ];
    let mut bytes = b"070701".to_vec();
    for field in fields {
        bytes.extend(format!("{field:08x}").bytes());
    }
    bytes.extend(name.bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn archive() -> Vec<u8> {
    let parts = [
        entry("bin", 0o040755, b""),
        entry("bin/sh", 0o100755, b"hello"),
        entry("dev/tty", 0o020666, b""),
        entry("TRAILER!!!", 0, b""),
    ];
    parts.concat()
}

#[test]
fn entries_are_read_with_all_their_fields() {
    let bytes = archive();
    let entries: Vec<_> =
        Archive::new(&bytes).collect::<Result<_, _>>().unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry.name).collect();
    assert_eq!(names, [&b"bin"[..], b"bin/sh", b"dev/tty"]);
    let file = entries[1];
    assert_eq!((file.mode, file.data), (0o100755, &b"hello"[..]));
    assert_eq!((file.uid, file.gid, file.mtime), (1, 2, 1000));
    assert_eq!((file.inode, file.nlink), (7, 1));
    assert_eq!((file.device, file.rdevice), ((8, 9), (4, 64)));
}

#[test]
fn another_archive_may_follow() {
    let mut bytes = archive();
    bytes.extend([0; 512]);
    bytes.extend(b"\x1f\x8bmore");
    let mut archive = Archive::new(&bytes);
    assert!(archive.by_ref().all(|entry| entry.is_ok()));
    assert_eq!(archive.rest(), b"\x1f\x8bmore");
    assert_eq!(archive.next(), None);
}

#[test]
fn an_archive_without_trailer_is_cut_off() {
    let bytes = entry("a", 0o100644, b"x");
    let mut archive = Archive::new(&bytes);
    assert!(archive.next().unwrap().is_ok());
    assert_eq!(archive.next(), Some(Err(Error::Truncated(bytes.len()))));
    assert_eq!(archive.next(), None);
    assert_eq!(archive.rest(), b"");
}

fn first(bytes: &[u8]) -> Result<Entry<'_>, Error> {
    Archive::new(bytes).next().unwrap()
}

#[test]
fn bad_entries_are_named_by_their_place() {
    assert_eq!(first(b""), Err(Error::Truncated(0)));
    assert_eq!(first(&[0x41; 200]), Err(Error::BadMagic(0)));
    let mut bytes = archive();
    bytes[20] = b'x';
    assert_eq!(first(&bytes), Err(Error::BadNumber(0)));
    let mut bytes = archive();
    bytes[111] = 0;
    assert_eq!(first(&bytes), Err(Error::BadName(0)));
    let mut bytes = archive();
    bytes[54..62].copy_from_slice(b"ffffffff");
    assert_eq!(first(&bytes), Err(Error::Truncated(0)));
    assert_eq!(Error::BadName(16).to_string(), "bad name at byte 16");
}

#[test]
fn every_cut_is_noticed() {
    let bytes = archive();
    for len in 0..bytes.len() - 3 {
        let result: Result<Vec<_>, _> = Archive::new(&bytes[..len]).collect();
        assert!(matches!(result, Err(Error::Truncated(_))), "{len}");
    }
}

#[test]
fn no_archive_can_do_harm() {
    let mut random = Random::new(2);
    for _ in 0..50_000 {
        let mut bytes = archive();
        random.mutate(&mut bytes);
        let mut archive = Archive::new(&bytes);
        let entries: Vec<_> = archive.by_ref().flatten().collect();
        assert!(entries.len() < 10);
        assert!(archive.rest().len() <= bytes.len());
    }
}
