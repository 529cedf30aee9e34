//! Real trees are read right, and no tree at all makes the reader panic.
//!
//! `virt-gic2.dtb` and `virt-gic3.dtb` are what QEMU 7.2 gives a machine
//! with four CPUs and 1 GiB (`-machine dumpdtb`), without the padding. Those
//! of real boards: `real/tests.rs`.

use std::panic::catch_unwind;
use std::string::String;
use std::vec::Vec;

use super::real::real_trees;
use super::writer::{Writer, small_machine};
use super::{
    Conduit, DeviceTree, Gic, Machine, MachineError, Reservation, SerialKind,
    Span, TreeError,
};

const VIRT_GIC2: &[u8] = include_bytes!("virt-gic2.dtb");
const VIRT_GIC3: &[u8] = include_bytes!("virt-gic3.dtb");
fn span(start: u64, size: u64) -> Span {
    Span { start, size }
}

/// `small_machine` with what `add` adds to the root.
fn machine_with(add: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let redistributors = [0, 0xfe68_0000, 0, 0x10_0000];
    let mut writer = small_machine(&redistributors);
    add(&mut writer);
    writer.end().blob()
}

fn read(blob: &[u8]) -> Result<Machine<'_>, MachineError> {
    Machine::read(&DeviceTree::new(blob).expect("a tree"))
}

#[test]
fn qemu_with_gic3_is_read_right() {
    let machine = read(VIRT_GIC3).unwrap();
    assert!(machine.model.starts_with("linux,"), "{}", machine.model);
    let memory: Vec<_> = machine.memory.iter().collect();
    assert_eq!(memory, [span(0x4000_0000, 0x4000_0000)]);
    let cpus: Vec<_> = machine.cpus.iter().map(|c| c.affinity).collect();
    assert_eq!(cpus, [0, 1, 2, 3]);
    assert_eq!(machine.conduit, Some(Conduit::Hvc));
    let Gic::V3 { distributor, redistributors, stride } = machine.gic else {
        panic!("version 2");
    };
    assert_eq!(distributor, span(0x800_0000, 0x1_0000));
    assert_eq!(stride, None);
    let regions: Vec<_> = redistributors.iter().collect();
    assert_eq!(regions, [span(0x80a_0000, 0xf6_0000)]);
    assert_eq!(machine.timer_interrupt, 27);
    let console = machine.console.unwrap();
    assert_eq!(console.registers, span(0x900_0000, 0x1000));
    assert_eq!(console.interrupt, Some(33));
    let clock = machine.clock.unwrap();
    assert_eq!(clock.registers, span(0x901_0000, 0x1000));
    assert_eq!(clock.interrupt, Some(34));
    assert_eq!(machine.seeds.map(<[u8]>::len), [32, 8]);
    assert_eq!(machine.initrd, None);
}

#[test]
fn qemu_with_gic2_is_read_right() {
    let machine = read(VIRT_GIC2).unwrap();
    let Gic::V2 { distributor, cpu_interface } = machine.gic else {
        panic!("version 3");
    };
    assert_eq!(distributor, span(0x800_0000, 0x1_0000));
    assert_eq!(cpu_interface, span(0x801_0000, 0x1_0000));
}

/// Compares every node and property with the `fdt` crate's reading.
fn agrees_with_fdt_crate(blob: &[u8]) {
    let tree = DeviceTree::new(blob).unwrap();
    let other = fdt::Fdt::new_unaligned_fallible(blob).unwrap();
    let ours: Vec<_> = tree.nodes().skip(1).collect();
    let theirs: Vec<_> = other.all_nodes().unwrap().collect();
    let theirs: Vec<_> =
        theirs.into_iter().map(|node| node.unwrap().1).collect();
    assert_eq!(ours.len(), theirs.len());
    for (our, their) in ours.iter().zip(theirs) {
        let name = their.name().unwrap();
        let unit = name.unit_address.map(|unit| std::format!("@{unit}"));
        let name: String =
            std::format!("{}{}", name.name, unit.unwrap_or_default());
        assert_eq!(our.name(), name);
        let their: Vec<_> = (their.properties().unwrap().into_iter())
            .map(|property| property.unwrap())
            .map(|property| (property.name, property.value))
            .collect();
        assert_eq!(our.properties().collect::<Vec<_>>(), their);
    }
}

#[test]
fn reads_what_the_fdt_crate_reads() {
    agrees_with_fdt_crate(VIRT_GIC2);
    agrees_with_fdt_crate(VIRT_GIC3);
    for (_, blob) in real_trees() {
        agrees_with_fdt_crate(&blob);
    }
}

#[test]
fn a_memory_node_without_unit_address_with_banks_is_read() {
    let blob = machine_with(|_| {});
    let machine = read(&blob).unwrap();
    let memory: Vec<_> = machine.memory.iter().collect();
    let banks =
        [span(0x20_0000, 0xefe0_0000), span(0x1_0000_0000, 0x1_0000_0000)];
    assert_eq!(memory, banks);
    // The tree says 530, but there is no faster one.
    assert_eq!(machine.cpus.get(0).unwrap().capacity, 1024);
    assert_eq!(machine.conduit, None);
    assert!(machine.console.is_none());
}

#[test]
fn reservations_come_from_the_header_and_from_nodes() {
    let blob = machine_with(|root| {
        root.reservations.push((0x4800_0000, 0x1234));
        root.begin("reserved-memory")
            .cells("#address-cells", &[1])
            .cells("#size-cells", &[1])
            .bytes("ranges", &[])
            .begin("secure@8400000")
            .cells("reg", &[0x840_0000, 0x100_0000])
            .bytes("no-map", &[])
            .end()
            .end();
    });
    let reserved: Vec<_> = read(&blob).unwrap().reserved.iter().collect();
    let expected = [
        Reservation { span: span(0x4800_0000, 0x1234), is_hidden: false },
        Reservation { span: span(0x840_0000, 0x100_0000), is_hidden: true },
    ];
    assert_eq!(reserved, expected);
}

#[test]
fn an_initrd_of_one_or_two_cells_must_lie_in_memory() {
    let chosen = |start: &[u32], end: &[u32]| {
        machine_with(|root| {
            root.begin("chosen")
                .cells("linux,initrd-start", start)
                .cells("linux,initrd-end", end)
                .text("bootargs", "quiet")
                .end();
        })
    };
    let blob = chosen(&[0x4000_0000], &[0x4010_0000]);
    let machine = read(&blob).unwrap();
    assert_eq!(machine.initrd, Some(span(0x4000_0000, 0x10_0000)));
    assert_eq!(machine.command_line, "quiet");
    let blob = chosen(&[1, 0x4000_0000], &[1, 0x4010_0000]);
    let initrd = Some(span(0x1_4000_0000, 0x10_0000));
    assert_eq!(read(&blob).unwrap().initrd, initrd);
    for (start, end) in [
        ([0, 0x1000], [0, 0x2000]),
        ([1, 0], [0, 0x4000_0000]),
        ([u32::MAX, 0], [u32::MAX, 0x1000]),
        ([0, 0x4000_0000], [u32::MAX, 0]),
    ] {
        let blob = chosen(&start, &end);
        assert_eq!(read(&blob).err(), Some(MachineError::BadInitrd));
    }
}

/// The console of `small_machine` with this port in it.
fn serial(
    compatible: &str,
    layout: &[(&str, u32)],
) -> Option<(SerialKind, u64)> {
    let blob = machine_with(|root| {
        root.begin("serial@feb50000")
            .text("compatible", compatible)
            .cells("reg", &[0, 0xfeb5_0000, 0, 0x100]);
        for (name, value) in layout {
            root.cells(name, &[*value]);
        }
        root.end();
    });
    let console = read(&blob).unwrap().console?;
    Some((console.kind, console.registers.start))
}

#[test]
fn a_serial_port_is_read_with_the_layout_of_its_registers() {
    let wide = [("reg-shift", 2), ("reg-io-width", 4)];
    let kind = |shift, is_wide, is_designware| {
        let kind = SerialKind::Uart16550 { shift, is_wide, is_designware };
        Some((kind, 0xfeb5_0000))
    };
    let names = "maker,uart\0snps,dw-apb-uart";
    assert_eq!(serial(names, &wide), kind(2, true, true));
    assert_eq!(serial("ns16550a", &[]), kind(0, false, false));
    assert_eq!(serial("ns16550", &[("reg-shift", 2)]), kind(2, false, false));
    assert_eq!(serial("maker,uart", &wide), None);
    // Layouts that no port can have.
    assert_eq!(serial("ns16550", &[("reg-shift", 4)]), None);
    assert_eq!(serial("ns16550", &[("reg-io-width", 4)]), None);
}

#[test]
fn an_early_console_in_memory_is_none() {
    let blob = machine_with(|root| {
        root.begin("serial@40000000")
            .text("compatible", "arm,pl011")
            .cells("reg", &[0, 0x4000_0000, 0, 0x1000])
            .end();
    });
    let tree = DeviceTree::new(&blob).unwrap();
    assert!(Machine::read(&tree).unwrap().console.is_some());
    assert_eq!(Machine::early_console(&tree), None);
}

#[test]
fn a_stride_of_redistributors_is_read_if_they_fit() {
    for (stride, expected) in [
        (&[0, 0x4_0000][..], Some(0x4_0000)),
        (&[0x2_0000], Some(0x2_0000)),
        (&[0, 0x1_0000], None),
        (&[0, 0x2_1000], None),
        (&[0, 0], None),
    ] {
        let mut writer = small_machine(&[0, 0xfe68_0000, 0, 0x10_0000]);
        let blob = writer.end().blob();
        let at = DeviceTree::new(&blob).unwrap();
        let gic = at.find("/gic").unwrap();
        let mut writer = Writer::edit(&blob);
        writer.insert(gic, |gic| {
            gic.cells("redistributor-stride", stride);
        });
        let blob = writer.end().blob();
        let Gic::V3 { stride, .. } = read(&blob).unwrap().gic else {
            panic!("version 2");
        };
        assert_eq!(stride, expected);
    }
}

#[test]
fn a_device_behind_a_bus_has_a_translated_address() {
    let blob = machine_with(|root| {
        root.begin("soc")
            .text("compatible", "simple-bus")
            .cells("#address-cells", &[1])
            .cells("#size-cells", &[1])
            .cells("ranges", &[0x1000, 0, 0xfe00_1000, 0x1000])
            .begin("serial@1000")
            .text("compatible", "arm,pl011")
            .cells("reg", &[0x1000, 0x1000])
            .end()
            .end();
    });
    let console = read(&blob).unwrap().console.unwrap();
    assert_eq!(console.registers, span(0xfe00_1000, 0x1000));
}

#[test]
fn what_is_missing_is_named() {
    let mut empty = Writer::default();
    let blob = empty.begin("").end().blob();
    assert_eq!(read(&blob).err(), Some(MachineError::NoMemory));
    let blob = small_machine(&[]).end().blob();
    let missing = Some(MachineError::NoInterruptController);
    assert_eq!(read(&blob).err(), missing);
    let blob = machine_with(|root| {
        for _ in 0..65 {
            root.begin("memory@0").cells("reg", &[0, 0, 0, 4096]).end();
        }
    });
    let missing = Some(MachineError::TooMany("memory ranges"));
    assert_eq!(read(&blob).err(), missing);
}

#[test]
fn nops_are_passed_over() {
    let mut writer = Writer::default();
    let blob = writer
        .nop()
        .begin("")
        .nop()
        .text("model", "test")
        .nop()
        .begin("child")
        .nop()
        .end()
        .nop()
        .end()
        .nop()
        .blob();
    let tree = DeviceTree::new(&blob).unwrap();
    assert_eq!(tree.root().text("model"), Some("test"));
    assert!(tree.find("/child").is_some());
}

#[test]
fn broken_trees_are_refused_with_a_reason() {
    let error = |blob: &[u8]| DeviceTree::new(blob).err().unwrap();
    assert_eq!(error(&[]), TreeError::BadSize(0));
    assert_eq!(error(&[0; 64]), TreeError::BadMagic(0));
    let good = machine_with(|_| {});
    let cut = &good[..good.len() - 1];
    assert!(matches!(error(cut), TreeError::BadSize(_)));

    let with_word = |index: usize, word: u32| {
        let mut blob = good.clone();
        blob[index * 4..index * 4 + 4].copy_from_slice(&word.to_be_bytes());
        error(&blob)
    };
    assert_eq!(with_word(1, u32::MAX), TreeError::BadSize(u32::MAX));
    assert_eq!(with_word(2, u32::MAX), TreeError::BadBlock("structure"));
    assert_eq!(with_word(2, 41), TreeError::BadBlock("structure"));
    assert_eq!(with_word(3, 0), TreeError::BadBlock("strings"));
    assert_eq!(with_word(4, u32::MAX), TreeError::BadBlock("reservation"));
    assert_eq!(with_word(6, 18), TreeError::BadVersion(18));

    let deep = {
        let mut writer = Writer::default();
        for _ in 0..=super::MAX_DEPTH {
            writer.begin("");
        }
        writer.blob()
    };
    assert!(matches!(error(&deep), TreeError::TooDeep(_)));
    let two = Writer::default().begin("").end().begin("").end().blob();
    assert!(matches!(error(&two), TreeError::NotATree(_)));
    let open = Writer::default().begin("").blob();
    assert!(matches!(error(&open), TreeError::NotATree(_)));
    let late = Writer::default()
        .begin("")
        .begin("a")
        .end()
        .text("late", "")
        .end()
        .blob();
    assert!(matches!(error(&late), TreeError::BadToken(_)));
    let name = Writer::default().begin("\u{1b}[2J").end().blob();
    assert!(matches!(error(&name), TreeError::BadName(_)));
}

/// Reads everything that there is to read.
fn read_all(blob: &[u8]) {
    let Ok(tree) = DeviceTree::new(blob) else { return };
    let _ = Machine::read(&tree);
    let _ = Machine::early_console(&tree);
    let bytes: usize = tree
        .nodes()
        .flat_map(|node| node.properties())
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(bytes < blob.len() * blob.len());
    assert!(tree.used_size() <= blob.len());
}

#[test]
fn no_mutation_of_a_real_tree_makes_the_reader_panic() {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut random = move |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let values = [0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff];
    for round in 0..2_000 {
        let source = if round % 2 == 0 { VIRT_GIC2 } else { VIRT_GIC3 };
        let mut blob = source.to_vec();
        for _ in 0..=random(8) {
            // Half of the changes go where structure is densest.
            let limit = if random(2) == 0 { blob.len() } else { 600 };
            let at = random(limit);
            blob[at] = values[random(values.len())];
        }
        if random(16) == 0 {
            blob.truncate(random(source.len()));
        }
        let outcome = catch_unwind(|| read_all(&blob));
        assert!(outcome.is_ok(), "round {round}");
    }
}

#[test]
fn a_machine_without_lights_and_dogs_has_none() {
    for blob in [VIRT_GIC2, VIRT_GIC3] {
        let machine = Machine::read(&DeviceTree::new(blob).unwrap()).unwrap();
        assert_eq!((machine.status_light, machine.watchdog), (None, None));
    }
}
