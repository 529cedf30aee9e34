//! The promises about archives, hostile ones included.

use super::{ArchiveMember, Error, Reader, Sink};
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

/// Remembers what comes.
#[derive(Default)]
struct Found {
    entries: Vec<(String, u32, Vec<u8>)>,
    numbers: Vec<[u32; 9]>,
    skipped: Vec<usize>,
}

impl Sink for Found {
    fn entry(&mut self, entry: &ArchiveMember<'_>) {
        let name = String::from_utf8_lossy(entry.name).into_owned();
        self.entries.push((name, entry.mode, Vec::new()));
        let (device, rdevice) = (entry.device, entry.rdevice);
        self.numbers.push([
            entry.inode,
            entry.uid,
            entry.gid,
            entry.nlink,
            entry.mtime,
            device.0,
            device.1,
            rdevice.0,
            rdevice.1,
        ]);
    }

    fn data(&mut self, bytes: &[u8]) {
        let last = self.entries.last_mut().unwrap();
        last.2.extend_from_slice(bytes);
    }

    fn skipped(&mut self, at: usize) {
        self.skipped.push(at);
    }
}

/// Reads a stream in pieces of `size`; stops at the end of the first archive
/// that ends in a piece's middle only to go on with the rest.
fn read(bytes: &[u8], size: usize) -> (Found, Result<(), Error>) {
    let (mut reader, mut found) = (Reader::new(), Found::default());
    for piece in bytes.chunks(size) {
        let mut rest = piece;
        while !rest.is_empty() {
            match reader.feed(rest, &mut found) {
                Ok(used) => rest = &rest[used..],
                Err(error) => return (found, Err(error)),
            }
        }
    }
    let end = reader.finish();
    (found, end)
}

#[test]
fn entries_are_read_with_all_their_fields() {
    let bytes = archive();
    for size in [1, 3, 110, 111, 1000] {
        let (found, end) = read(&bytes, size);
        assert_eq!(end, Ok(()), "pieces of {size}");
        let expected = [
            ("bin".into(), 0o040755, b"".to_vec()),
            ("bin/sh".into(), 0o100755, b"hello".to_vec()),
            ("dev/tty".into(), 0o020666, b"".to_vec()),
        ];
        assert_eq!(found.entries, expected);
        assert_eq!(found.numbers[1], [7, 1, 2, 1, 1000, 8, 9, 4, 64]);
    }
}

#[test]
fn another_archive_may_follow() {
    let mut bytes = archive();
    let length = bytes.len();
    bytes.extend([0; 511]);
    bytes.extend(archive());
    let (found, end) = read(&bytes, 64);
    assert_eq!((found.entries.len(), end), (6, Ok(())));
    let (mut reader, mut found) = (Reader::new(), Found::default());
    assert_eq!(reader.feed(&bytes, &mut found), Ok(length));
    assert_eq!(found.entries.len(), 3);
}

fn first(bytes: &[u8]) -> Error {
    read(bytes, 4096).1.unwrap_err()
}

#[test]
fn an_archive_without_trailer_is_cut_off() {
    let bytes = entry("a", 0o100644, b"x");
    assert_eq!(first(&bytes), Error::Truncated(bytes.len()));
    assert_eq!(read(&[0; 9], 4).1, Ok(()));
}

#[test]
fn bad_entries_are_named_by_their_place() {
    assert_eq!(first(&[0x41; 200]), Error::BadMagic(0));
    let mut bytes = archive();
    bytes[20] = b'x';
    assert_eq!(first(&bytes), Error::BadNumber(0));
    let mut bytes = archive();
    bytes[111] = 0;
    assert_eq!(first(&bytes), Error::BadName(0));
    let mut bytes = archive();
    bytes[94..102].copy_from_slice(b"ffffffff");
    assert_eq!(first(&bytes), Error::Truncated(0));
    let mut bytes = archive();
    bytes[54..62].copy_from_slice(b"ffffffff");
    assert_eq!(first(&bytes), Error::Truncated(0));
    assert_eq!(Error::BadName(16).to_string(), "bad name at byte 16");
}

#[test]
fn an_entry_with_too_long_a_name_is_left_out() {
    let first = entry("a", 0o100644, b"x");
    let at = first.len();
    for length in [4095, 4096, 4097, 5000] {
        let long = entry(&"n".repeat(length), 0o100644, b"content");
        let bytes = [first.clone(), long, archive()].concat();
        for size in [1, 7, 110, 4096, 100_000] {
            let (found, end) = read(&bytes, size);
            assert_eq!(end, Ok(()), "{length} in pieces of {size}");
            let is_long = length > 4095;
            assert_eq!(found.skipped, [at][..usize::from(is_long)]);
            let names = found.entries.iter().map(|it| &it.0[..]);
            let last: Vec<_> = names.rev().take(4).collect();
            assert_eq!(last[..3], ["dev/tty", "bin/sh", "bin"]);
            assert_eq!(last[3] == "a", is_long);
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    let bytes = archive();
    for len in 1..bytes.len() {
        let (_, end) = read(&bytes[..len], 50);
        assert!(matches!(end, Err(Error::Truncated(_))), "{len}");
    }
}

#[test]
fn no_archive_can_do_harm() {
    let mut random = Random::new(2);
    for _ in 0..50_000 {
        let mut bytes = archive();
        random.mutate(&mut bytes);
        let (found, _) = read(&bytes, 100);
        assert!(found.entries.len() < 10);
    }
}
