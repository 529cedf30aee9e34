//! What is not RAM is never mapped or free, whatever the tree says.
//!
//! The layouts of memory are those of the boards in `boards/`, in made-up
//! trees and in real ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::string::String;
use std::vec::Vec;
use std::{eprintln, fs};

use super::{BootMemory, LayoutError};
use crate::device_tree::real::real_trees;
use crate::device_tree::writer::{Writer, bare_machine};
use crate::device_tree::{DeviceTree, Machine, Span};
use crate::memory::frame::{Buddy, FrameSpan, FrameTable, FrameUse, Record};
use crate::memory::range::PhysRange;
use crate::test_random::Random;

/// First addresses and those past the last.
type Banks = Vec<(u64, u64)>;

const MIB: u64 = 1 << 20;
const IMAGE_SIZE: u64 = 2 * MIB;

/// The layouts of memory of all boards, by board and size.
fn layouts() -> Vec<(String, Banks)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards");
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap().flatten() {
        let path = entry.path().join("board.toml");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let board: toml::Table = text.parse().unwrap();
        let Some(memory) = board.get("memory") else { continue };
        let sizes: BTreeMap<String, Banks> = memory.clone().try_into().unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let label = |size| std::format!("{name}, {size}");
        found.extend(sizes.into_iter().map(|(s, banks)| (label(s), banks)));
    }
    assert!(!found.is_empty(), "no board.toml has [memory]");
    found
}

/// The SoC of the boards whose layouts are known; others have devices there.
const SOC: &str = "rk3588";

/// Trees without memory: one that is made up, and those of real boards.
fn trees() -> Vec<(String, Vec<u8>)> {
    let made_up = bare_machine(&[0, 0xfe68_0000, 0, 0x10_0000]).end().blob();
    let mut all = real_trees();
    all.retain(|(name, _)| name.starts_with(SOC));
    all.push(("made up".into(), made_up));
    all
}

/// What a boot loader puts where.
#[derive(Clone, Copy, Debug)]
struct Loaded {
    image: u64,
    tree: u64,
    initrd: (u64, u64),
}

/// Below the first 4 GiB less the devices, and as vendors and others do it.
const LOADS: [Loaded; 4] = [
    Loaded {
        image: 0x20_0000,
        tree: 0xefff_f000,
        initrd: (0xefa0_0000, 0xefff_0000),
    },
    Loaded {
        image: 0x40_0000,
        tree: 0x830_0000,
        initrd: (0xa20_0000, 0xb00_1234),
    },
    Loaded {
        image: 0x200_0000,
        tree: 0xebb2_c000,
        initrd: (0xebbb_e000, 0xecbb_4e60),
    },
    // The initrd below the kernel, the tree across a line of 2 MiB.
    Loaded {
        image: 0x200_0000,
        tree: 0xebbf_f000,
        initrd: (0x40_0000, 0x1f0_0000),
    },
];

/// The tree `blob` with what a boot loader adds to it.
fn finished(blob: &[u8], banks: &[(u64, u64)], loaded: &Loaded) -> Vec<u8> {
    let tree = DeviceTree::new(blob).unwrap();
    let chosen = tree.find("/chosen");
    let (start, end) = loaded.initrd;
    let cells = |value: u64| [(value >> 32) as u32, value as u32];
    let add = |node: &mut Writer| {
        node.cells("linux,initrd-start", &cells(start))
            .cells("linux,initrd-end", &cells(end));
    };
    let mut writer = Writer::edit(blob);
    match chosen {
        Some(node) => writer.insert(node, add),
        None => {
            add(writer.begin("chosen"));
            writer.end();
        }
    }
    writer.reservations.push((start, end - start));
    writer.memory(banks).end().blob()
}

fn overlap(a: &PhysRange, b: &PhysRange) -> bool {
    a.start < b.end && b.start < a.end
}

fn inside(inner: &PhysRange, ranges: &[PhysRange]) -> bool {
    ranges.iter().any(|r| r.start <= inner.start && inner.end <= r.end)
}

/// What holds for every layout that was accepted.
fn ensure_sound(machine: &Machine<'_>, memory: &BootMemory, image: Span) {
    let claimed = |range: &PhysRange| {
        // Ranges that touch were joined, so look at every byte's bank.
        let mut at = range.start;
        while at < range.end {
            let holds = |s: &Span| s.start <= at && at < s.end();
            let Some(bank) = machine.memory.iter().find(holds) else {
                return false;
            };
            at = bank.end();
        }
        true
    };
    let ram = memory.ram.as_slice();
    assert!(ram.iter().all(claimed), "more is mapped than is RAM");
    let free = memory.free();
    let image = PhysRange::new(image.start, image.end());
    assert!(inside(&image, ram), "the kernel is not mapped");
    for range in free.as_slice() {
        assert!(inside(range, ram), "{range:x?} is free and no RAM");
        assert!(!overlap(range, &image), "the kernel is free");
        for taken in memory.reserved.as_slice() {
            assert!(!overlap(range, taken), "{range:x?} is free and taken");
        }
        for taken in machine.reserved.iter().map(|taken| taken.span) {
            let taken = PhysRange::new(taken.start, taken.end());
            let is_free = taken.size() > 0 && overlap(range, &taken);
            assert!(!is_free, "{range:x?} is free and reserved");
        }
    }
    for hidden in machine.reserved.iter().filter(|taken| taken.is_hidden) {
        let hidden = PhysRange::new(hidden.span.start, hidden.span.end());
        let is_mapped =
            |r: &PhysRange| hidden.size() > 0 && overlap(r, &hidden);
        assert!(!ram.iter().any(is_mapped), "{hidden:x?} is mapped");
    }
    for device in machine.devices() {
        let device = PhysRange::new(device.start, device.end());
        let is_mapped =
            |r: &PhysRange| device.size() > 0 && overlap(r, &device);
        assert!(!ram.iter().any(is_mapped), "{device:x?} is RAM");
    }
}

/// Reads `blob` as the kernel does at boot, and checks what it makes of it.
fn boot(blob: &[u8], loaded: &Loaded) -> Option<BootMemory> {
    let tree = DeviceTree::new(blob).ok()?;
    let machine = Machine::read(&tree).ok()?;
    let image = Span { start: loaded.image, size: IMAGE_SIZE };
    let own = Span { start: loaded.tree, size: tree.used_size() as u64 };
    let memory = BootMemory::new(&machine, image, own).ok()?;
    ensure_sound(&machine, &memory, image);
    Some(memory)
}

#[test]
fn every_memory_of_every_board_is_taken_whole() {
    for (name, blob) in trees() {
        for (label, banks) in layouts() {
            for loaded in &LOADS {
                let blob = finished(&blob, &banks, loaded);
                let memory = boot(&blob, loaded);
                let memory = memory.unwrap_or_else(|| {
                    panic!("{name}, {label}: refused with {loaded:x?}")
                });
                let sum: u64 = banks.iter().map(|(a, b)| b - a).sum();
                assert_eq!(memory.ram.size(), sum, "{name}, {label}");
                let (start, end) = loaded.initrd;
                let most = IMAGE_SIZE + (end - start) + MIB;
                let free = memory.free().size();
                assert!(free <= sum - IMAGE_SIZE, "{name}, {label}");
                assert!(free >= sum - most, "{name}, {label}");
            }
        }
    }
}

#[test]
fn a_hole_of_firmware_splits_memory() {
    let (_, blob) = trees().pop().unwrap();
    let banks = [(0x20_0000, 0x840_0000), (0x940_0000, 0xf000_0000)];
    let memory = boot(&finished(&blob, &banks, &LOADS[1]), &LOADS[1]).unwrap();
    let ram: Banks =
        memory.ram.as_slice().iter().map(|r| (r.start, r.end)).collect();
    assert_eq!(ram, banks);
}

#[test]
fn frames_come_from_banks_only() {
    for (label, banks) in layouts() {
        let (_, blob) = trees().pop().unwrap();
        let memory =
            boot(&finished(&blob, &banks, &LOADS[2]), &LOADS[2]).unwrap();
        let span = |range: &PhysRange| FrameSpan {
            first: (range.start >> 12) as u32,
            count: (range.size() >> 12) as u32,
        };
        let spans: Vec<_> = memory.ram.as_slice().iter().map(span).collect();
        let count = FrameTable::records_needed(&spans);
        assert_eq!(count as u64, memory.ram.size() >> 12, "{label}");
        let mut records = Vec::new();
        records.resize_with(count, Record::default);
        let table = FrameTable::new(&spans, &records);
        let mut buddy = Buddy::new();
        for range in memory.free().as_slice() {
            buddy.add(&table, span(range));
        }
        let mut taken = 0;
        while let Some(frame) = buddy.allocate(&table, 10, FrameUse::Kernel) {
            let start = u64::from(frame) << 12;
            let block = PhysRange::new(start, start + 4 * MIB);
            assert!(inside(&block, memory.free().as_slice()), "{label}");
            taken += block.size();
        }
        assert!(taken > memory.ram.size() - 64 * MIB, "{label}: {taken:#x}");
    }
}

#[test]
fn a_device_in_memory_is_refused() {
    let blob = bare_machine(&[0, 0x4000_0000, 0, 0x10_0000])
        .memory(&[(0x20_0000, 0xf000_0000)])
        .end()
        .blob();
    let tree = DeviceTree::new(&blob).unwrap();
    let machine = Machine::read(&tree).unwrap();
    let image = Span { start: 0x20_0000, size: IMAGE_SIZE };
    let own = Span { start: 0x800_0000, size: 0x1000 };
    let error = BootMemory::new(&machine, image, own).err();
    assert_eq!(error, Some(LayoutError::DeviceInside(0x4000_0000)));
}

#[test]
fn a_kernel_outside_memory_or_in_hidden_memory_is_refused() {
    let made = |hidden: &[u32]| {
        let mut writer = bare_machine(&[0, 0xfe68_0000, 0, 0x10_0000]);
        writer
            .memory(&[(0x20_0000, 0xf000_0000)])
            .begin("reserved-memory")
            .cells("#address-cells", &[1])
            .cells("#size-cells", &[1])
            .bytes("ranges", &[])
            .begin("firmware")
            .cells("reg", hidden)
            .bytes("no-map", &[])
            .end()
            .end();
        writer.end().blob()
    };
    let error = |hidden: &[u32], start| {
        let blob = made(hidden);
        let machine = Machine::read(&DeviceTree::new(&blob).unwrap()).unwrap();
        let image = Span { start, size: IMAGE_SIZE };
        let own = Span { start: 0x800_0000, size: 0x1000 };
        BootMemory::new(&machine, image, own).err()
    };
    let outside = Some(LayoutError::KernelOutside);
    assert_eq!(error(&[0x1000_0000, 0x1000], 0x20_0000), None);
    assert_eq!(error(&[0x1000_0000, 0x1000], 0), outside);
    assert_eq!(error(&[0x1000_0000, 0x1000], 0xeff0_0000), outside);
    assert_eq!(error(&[0x30_0800, 8], 0x20_0000), outside);
}

/// One of the boards' trees as the kernel gets it.
fn typical() -> Vec<Vec<u8>> {
    let (_, banks) = layouts().pop().unwrap();
    let all = trees();
    all.iter().map(|(_, blob)| finished(blob, &banks, &LOADS[2])).collect()
}

#[test]
fn trees_cut_short_are_refused() {
    for blob in typical() {
        let step = blob.len() / 500 + 1;
        for length in (0..blob.len()).step_by(step) {
            let mut cut = blob[..length].to_vec();
            assert!(DeviceTree::new(&cut).is_err(), "{length} bytes");
            if length >= 8 {
                // Even if its header says that this is all.
                cut[4..8].copy_from_slice(&(length as u32).to_be_bytes());
                assert!(DeviceTree::new(&cut).is_err(), "{length} bytes");
            }
        }
    }
}

#[test]
fn ten_thousand_random_changes_of_a_byte_free_nothing_that_is_not_ram() {
    let mut random = Random::new(4);
    let mut accepted = 0;
    let trees = typical();
    for round in 0..10_000 {
        let mut blob = trees[round % trees.len()].clone();
        let at = random.below(blob.len() as u64) as usize;
        blob[at] = random.next() as u8;
        accepted += usize::from(boot(&blob, &LOADS[2]).is_some());
    }
    eprintln!("{accepted} of 10000 were accepted");
    assert!((1_000..10_000).contains(&accepted));
}

/// Where the value of each property with this name is in `blob`.
fn values(blob: &[u8], name: &str) -> Vec<(usize, usize)> {
    let tree = DeviceTree::new(blob).unwrap();
    let place = |value: &[u8]| {
        let start = value.as_ptr().addr() - blob.as_ptr().addr();
        (start, value.len())
    };
    let nodes = tree.nodes();
    nodes.filter_map(|node| node.property(name)).map(place).collect()
}

#[test]
fn wild_registers_free_nothing_that_is_not_ram() {
    let mut random = Random::new(5);
    for original in typical() {
        for name in ["reg", "ranges", "linux,initrd-start", "interrupts"] {
            let places = values(&original, name);
            let rounds = if places.is_empty() { 0 } else { 300 };
            for _ in 0..rounds {
                let mut blob = original.clone();
                for _ in 0..=random.below(4) {
                    let which = random.below(places.len() as u64) as usize;
                    let (start, length) = places[which];
                    for byte in &mut blob[start..start + length] {
                        let special = [0, 0xff, 0x7f, 0x80, 0xf0];
                        let choice = random.below(8) as usize;
                        let other = random.next() as u8;
                        *byte = special.get(choice).copied().unwrap_or(other);
                    }
                }
                boot(&blob, &LOADS[2]);
            }
        }
    }
}

#[test]
fn wrong_cells_and_phandles_free_nothing_that_is_not_ram() {
    let names = [
        "#address-cells",
        "#size-cells",
        "#interrupt-cells",
        "interrupt-parent",
        "phandle",
    ];
    for original in typical() {
        for name in names {
            let mut all = original.clone();
            for (start, length) in values(&original, name) {
                if length != 4 {
                    continue;
                }
                for cells in [0, 1, 3, 5, u32::MAX] {
                    let mut blob = original.clone();
                    blob[start..start + 4]
                        .copy_from_slice(&cells.to_be_bytes());
                    boot(&blob, &LOADS[2]);
                }
                // Every node its own parent, every handle the same.
                all[start..start + 4].copy_from_slice(&1_u32.to_be_bytes());
            }
            boot(&all, &LOADS[2]);
        }
    }
}
