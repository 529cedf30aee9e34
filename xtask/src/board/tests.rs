//! Every board's description can be read; a wrong one is named.
use super::{Board, EarlyConsole, Emulator, all, names, parse, table};
use crate::layout;

#[test]
fn every_board_has_a_description_that_can_be_read() {
    let names = names(&layout::root().join("boards")).unwrap();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        let board = Board::read(&name).unwrap();
        assert_eq!(board.name, name);
        assert!(!board.title.is_empty());
    }
}

#[test]
fn unknown_board_is_told_with_those_there_are() {
    let known = names(&layout::root().join("boards")).unwrap().remove(0);
    let path = format!("../boards/{known}");
    for name in ["of-nobody", "", "..", &path] {
        let error = Board::read(name).unwrap_err().to_string();
        assert!(error.contains(&format!("no board `{name}`")), "{error}");
        assert!(error.contains(&known), "{error}");
    }
}

#[test]
fn misspelt_word_is_told() {
    let text = "title = \"A\"\ncompatible = \"b\"\ncolour = 3\n";
    let error = parse("a", text).unwrap_err().to_string();
    assert!(error.contains("colour"), "{error}");
}

#[test]
fn boot_loader_and_partition_fit_on_every_card() {
    for name in names(&layout::root().join("boards")).unwrap() {
        let Some(card) = Board::read(&name).unwrap().card else { continue };
        assert!(card.loader_sector > 0, "{name}: the table is sector 0");
        assert!(card.loader_sector < card.partition_mib * 2048, "{name}");
        assert!(card.partition_mib < card.size_mib, "{name}");
    }
}

#[test]
fn table_has_a_line_for_each_board() {
    let names = names(&layout::root().join("boards")).unwrap();
    let table = table().unwrap();
    assert_eq!(table.lines().count(), names.len());
    for line in table.lines() {
        assert_eq!(line.split(' ').count(), 8, "{line}");
    }
}

#[test]
fn line_of_a_board_is_what_the_kernel_reads() {
    let text = "compatible = \"ns16550a\"\naddress = 0xfeb5_0000\n\
        loaded_from = 0x20_0000\nloaded_below = 0x4000_0000\n";
    let console: EarlyConsole = toml::from_str(text).unwrap();
    let line = "maker,board 200000 40000000 0 ns16550a 0 1 feb50000\n";
    assert_eq!(console.line("maker,board"), line);
}

#[test]
fn missing_emulator_is_told_with_what_would_help() {
    let emulator = Emulator {
        program: "qemu-of-nobody".into(),
        variable: Some("FIRN_QEMU_OF_NOBODY".into()),
        device_trees: vec!["nowhere/tree.dtb".into()],
        ..Emulator::default()
    };
    let error = emulator.find().unwrap_err().to_string();
    for part in ["qemu-of-nobody", "FIRN_QEMU_OF_NOBODY"] {
        assert!(error.contains(part), "no {part} in: {error}");
    }
    let error = emulator.find_tree().unwrap_err().to_string();
    assert!(error.contains("nowhere/tree.dtb"), "{error}");
    assert_eq!(Emulator::default().find_tree().unwrap(), None);
}

#[test]
fn one_emulator_is_the_usual_one() {
    let emulators = all().unwrap().into_iter().filter_map(|b| b.emulator);
    assert_eq!(emulators.filter(|emulator| emulator.is_usual).count(), 1);
}

#[test]
fn memory_of_every_size_is_as_much_as_is_sold() {
    for board in all().unwrap() {
        for (size, banks) in &board.memory {
            let gib: u64 = size.strip_suffix('G').unwrap().parse().unwrap();
            let sum: u64 = banks.iter().map(|(start, end)| end - start).sum();
            // Firmware and holes take some of it; 32 GiB lose 256 MiB.
            let missing = (gib << 30) - sum;
            assert!(missing <= 272 << 20, "{}, {size}", board.name);
            let ends = banks.iter().flat_map(|(start, end)| [start, end]);
            assert!(ends.is_sorted(), "{}, {size}", board.name);
        }
    }
}
