//! Every board's description can be read; a wrong one is named.
use super::{Board, EarlyConsole, names, parse, table};
use crate::layout;

#[test]
fn every_board_has_a_description_that_can_be_read() {
    let names = names(&layout::root().join("boards")).unwrap();
    assert!(names.contains(&"orangepi5".to_owned()), "{names:?}");
    for name in names {
        let board = Board::read(&name).unwrap();
        assert_eq!(board.name, name);
        assert!(!board.title.is_empty());
    }
}

#[test]
fn unknown_board_is_told_with_those_there_are() {
    for name in ["orangepi6", "", "..", "../boards/orangepi5"] {
        let error = Board::read(name).unwrap_err().to_string();
        assert!(error.contains(&format!("no board `{name}`")), "{error}");
        assert!(error.contains("orangepi5"), "{error}");
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
