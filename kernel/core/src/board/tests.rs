//! A table finds its boards, and guesses only where there is one answer.

use super::{by_name, by_place};
use crate::device_tree::{Console, SerialKind, Span};

const TABLE: &str = "\
maker,high 40000000 8000000000 0 arm,pl011 0 4 9000000
maker,low 200000 40000000 d05 snps,dw-apb-uart 2 4 feb50000
maker,other 200000 40000000 d03 ns16550a 0 1 ff000000
not a line
";
const A53: u64 = 0x410f_d034;
const A55: u64 = 0x412f_d050;

fn console(kind: SerialKind, start: u64) -> Option<Console> {
    let registers = Span { start, size: 0x1000 };
    Some(Console { kind, registers, interrupt: None })
}

fn low() -> Option<Console> {
    let kind =
        SerialKind::Uart16550 { shift: 2, is_wide: true, is_designware: true };
    console(kind, 0xfeb5_0000)
}

#[test]
fn a_board_is_found_by_its_name() {
    let found = by_name(TABLE, |name| name == "maker,high");
    assert_eq!(found, console(SerialKind::Pl011, 0x900_0000));
    assert_eq!(by_name(TABLE, |name| name == "maker,low"), low());
    assert_eq!(by_name(TABLE, |name| name == "not"), None);
    assert_eq!(by_name("", |_| true), None);
}

#[test]
fn a_board_is_guessed_by_place_and_cpu() {
    let high = console(SerialKind::Pl011, 0x900_0000);
    assert_eq!(by_place(TABLE, 0x4020_0000, A53), high);
    assert_eq!(by_place(TABLE, 0x200_0000, A55), low());
    let other = by_place(TABLE, 0x200_0000, A53).unwrap();
    assert_eq!(other.registers.start, 0xff00_0000);
    // Nobody, and a CPU of another maker with the same part number.
    assert_eq!(by_place(TABLE, 0x200_0000, 0x410f_d0b0), None);
    assert_eq!(by_place(TABLE, 0x200_0000, 0x512f_d050), None);
    assert_eq!(by_place(TABLE, 0, A55), None);
}

#[test]
fn two_boards_that_fit_are_none() {
    let line = "a 0 100 0 arm,pl011 0 4 9000000\n";
    assert!(by_place(line, 0, A53).is_some());
    assert_eq!(by_place(&line.repeat(2), 0, A53), None);
}

#[test]
fn a_wrong_line_is_no_board() {
    for line in [
        "a 0 100 0 arm,pl011 0 4",
        "a 0 100 0 arm,pl011 0 4 x",
        "a 0 100 0 arm,pl999 0 4 9000000",
        "a 0 100 0 arm,pl011 0 4 ffffffffffffffff",
        "a 0 100 0 ns16550a 9 4 9000000",
    ] {
        assert_eq!(by_name(line, |_| true), None, "{line}");
    }
}
