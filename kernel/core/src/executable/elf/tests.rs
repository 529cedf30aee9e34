//! The promises about programs, hostile ones included.

use kernel_abi::Errno;

use super::{ENTRY_SIZE, HEADER_SIZE, Header, Plan, USER_END};
use crate::test_random::Random;

#[derive(Clone, Copy)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file: u64,
    memory: u64,
}

const TEXT: ProgramHeader = ProgramHeader {
    kind: 1,
    flags: 5,
    offset: 0,
    address: 0x40_0000,
    file: 0x1234,
    memory: 0x1234,
};
const DATA: ProgramHeader = ProgramHeader {
    kind: 1,
    flags: 6,
    offset: 0x1240,
    address: 0x40_2240,
    file: 0x100,
    memory: 0x5000,
};
const INTERP: ProgramHeader =
    ProgramHeader { kind: 3, offset: 0x200, file: 20, memory: 20, ..TEXT };
const FILE_SIZE: u64 = 0x2000;

/// A program header and segment table.
fn program(kind: u16, entries: &[ProgramHeader]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(183_u16.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(0x40_0100_u64.to_le_bytes());
    bytes.extend(64_u64.to_le_bytes());
    bytes.extend([0; 12]);
    for half in [64, 56, entries.len() as u16, 0, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for entry in entries {
        bytes.extend(entry.kind.to_le_bytes());
        bytes.extend(entry.flags.to_le_bytes());
        let sizes = [entry.file, entry.memory, 4096];
        let addresses = [entry.offset, entry.address, entry.address];
        for word in addresses.into_iter().chain(sizes) {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes
}

fn plan(bytes: &[u8]) -> Result<Plan, Errno> {
    let header = Header::parse(bytes)?;
    let table = bytes.get(header.table_offset as usize..);
    Plan::new(&header, table.unwrap_or(&[]), FILE_SIZE)
}

#[test]
fn a_static_program_is_planned() {
    let plan = plan(&program(2, &[TEXT, DATA])).unwrap();
    assert_eq!(plan.entry, 0x40_0100);
    assert_eq!(plan.table_address, 0x40_0040);
    assert_eq!(plan.table_count, 2);
    assert_eq!((plan.start(), plan.end()), (0x40_0000, 0x40_8000));
    assert!(!plan.is_relocatable && plan.interpreter.is_none());
    let [text, data] = &plan.segments[..] else { panic!() };
    assert!(text.access.execute && !text.access.write);
    assert!(data.access.write && !data.access.execute);
    assert_eq!((data.map_start(), data.map_offset()), (0x40_2000, 0x1000));
    assert_eq!((data.file_end(), data.file_map_end()), (0x40_2340, 0x40_3000));
}

#[test]
fn a_dynamic_program_names_its_interpreter_and_moves() {
    let mut plan = plan(&program(3, &[INTERP, TEXT, DATA])).unwrap();
    assert_eq!(plan.interpreter, Some((0x200, 20)));
    assert!(plan.is_relocatable);
    plan.relocate(0x1_0000_0000).unwrap();
    assert_eq!(plan.start(), 0x1_0040_0000);
    assert_eq!(plan.entry, 0x1_0040_0100);
    assert_eq!(plan.table_address, 0x1_0040_0040);
    assert_eq!(plan.relocate(USER_END), Err(Errno::ENOEXEC));
    assert_eq!(plan.relocate(u64::MAX), Err(Errno::ENOEXEC));
}

#[test]
fn other_files_are_not_programs() {
    let good = program(2, &[TEXT]);
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        plan(&bytes).err()
    };
    assert_eq!(with(0, 0x7f), None);
    for (at, value) in [
        (0, 0),
        (4, 1),   // 32 bits
        (5, 2),   // big-endian
        (16, 1),  // relocatable object
        (18, 62), // x86-64
        (54, 32), // size of a table entry
        (56, 0),  // empty table
        (57, 9),  // long table
    ] {
        assert_eq!(with(at, value), Some(Errno::ENOEXEC), "byte {at}");
    }
    for len in 0..HEADER_SIZE + ENTRY_SIZE {
        assert_eq!(plan(&good[..len]), Err(Errno::ENOEXEC));
    }
}

#[test]
fn segments_that_make_no_sense_are_refused() {
    let bad = [
        ProgramHeader { file: 0x2001, ..TEXT },
        ProgramHeader { memory: 0x1233, ..TEXT },
        ProgramHeader { offset: u64::MAX, ..TEXT },
        ProgramHeader { offset: 8, file: 0x100, ..TEXT },
        ProgramHeader { address: u64::MAX - 10, ..TEXT },
        ProgramHeader { memory: u64::MAX, ..TEXT },
        ProgramHeader { memory: USER_END - 0x40_0000, ..TEXT },
        ProgramHeader { address: 0x80_0000, ..TEXT },
        ProgramHeader { memory: 0, ..TEXT },
    ];
    for entry in bad {
        let result = plan(&program(2, &[entry]));
        assert_eq!(result, Err(Errno::ENOEXEC));
    }
}

#[test]
fn segments_must_not_share_pages_or_go_back() {
    let touching = ProgramHeader { address: 0x40_1240, ..DATA };
    for entries in [[DATA, TEXT], [TEXT, TEXT], [TEXT, touching]] {
        assert_eq!(plan(&program(2, &entries)), Err(Errno::ENOEXEC));
    }
}

#[test]
fn a_table_that_is_not_mapped_has_no_address() {
    let mut bytes = program(2, &[ProgramHeader { offset: 0x1000, ..TEXT }]);
    bytes[64 + 32..64 + 40].copy_from_slice(&0x800_u64.to_le_bytes());
    assert_eq!(plan(&bytes).unwrap().table_address, 0);
}

#[test]
fn a_bad_interpreter_is_refused() {
    for (offset, file) in [(0, 1), (0, 5000), (0x1fff, 20), (u64::MAX, 20)] {
        let entry = ProgramHeader { offset, file, ..INTERP };
        let result = plan(&program(3, &[entry, TEXT]));
        assert_eq!(result, Err(Errno::ENOEXEC));
    }
}

#[test]
fn no_file_can_do_harm() {
    let mut random = Random::new(6);
    for _ in 0..100_000 {
        let kind = 2 + random.below(2) as u16;
        let mut bytes = program(kind, &[INTERP, TEXT, DATA]);
        random.mutate(&mut bytes);
        let Ok(mut plan) = plan(&bytes) else { continue };
        let _ = plan.relocate(random.next() & !0xfff);
        for segment in &plan.segments {
            assert!(segment.map_start() < segment.map_end());
            assert!(segment.map_end() <= USER_END);
            assert!(segment.file_map_end() <= segment.map_end());
            assert!(segment.offset + segment.file_size <= FILE_SIZE);
        }
    }
}
