//! A person at a terminal.

use kernel_abi::signal::{SIGINT, SIGQUIT, SIGTSTP};
use kernel_abi::terminal::{
    ECHO, ECHOE, ECHONL, ICANON, ICRNL, IEXTEN, IGNCR, IMAXBEL, INLCR, ISIG,
    IUTF8, IXANY, NOFLSH, OPOST, VEOL, VMIN, VTIME, XTABS,
};

use super::{CAPACITY, LineDiscipline, Received};
use crate::test_random::Random;

fn terminal() -> LineDiscipline {
    LineDiscipline::new().unwrap()
}

/// Types `keys` and returns what appears on the screen.
fn type_keys(terminal: &mut LineDiscipline, keys: &[u8]) -> String {
    let mut screen = Vec::new();
    for &key in keys {
        let _ = terminal.input(key, &mut |byte| screen.push(byte));
    }
    String::from_utf8_lossy(&screen).into_owned()
}

fn press(terminal: &mut LineDiscipline, key: u8) -> Received {
    terminal.input(key, &mut |_| ())
}

fn read(terminal: &mut LineDiscipline, size: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; size];
    let count = terminal.read(&mut buffer)?;
    buffer.truncate(count);
    Some(buffer)
}

fn change(
    terminal: &mut LineDiscipline,
    edit: impl FnOnce(&mut kernel_abi::terminal::Termios),
) {
    let mut termios = *terminal.termios();
    edit(&mut termios);
    terminal.set_termios(termios);
}

fn raw(terminal: &mut LineDiscipline, vmin: u8, vtime: u8) {
    change(terminal, |termios| {
        termios.lflag &= !(ICANON | ECHO | ISIG | IEXTEN);
        termios.cc[VMIN] = vmin;
        termios.cc[VTIME] = vtime;
    });
}

#[test]
fn a_line_is_read_once_it_is_complete() {
    let mut terminal = terminal();
    assert_eq!(type_keys(&mut terminal, b"ls"), "ls");
    assert_eq!(read(&mut terminal, 80), None);
    assert!(!terminal.is_readable());
    assert!(press(&mut terminal, b'\r').ready);
    assert!(terminal.is_readable());
    assert_eq!(terminal.available(), 3);
    assert_eq!(read(&mut terminal, 80).unwrap(), b"ls\n");
    assert_eq!(read(&mut terminal, 80), None);
}

#[test]
fn one_read_gives_one_line_and_a_short_read_a_part_of_it() {
    let mut terminal = terminal();
    type_keys(&mut terminal, b"one\ntwo\n");
    assert_eq!(read(&mut terminal, 2).unwrap(), b"on");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"e\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"two\n");
}

#[test]
fn end_of_file_is_a_read_of_nothing_at_the_start_of_a_line() {
    let mut terminal = terminal();
    assert!(press(&mut terminal, 4).ready);
    assert_eq!(read(&mut terminal, 80).unwrap(), b"");
    assert_eq!(type_keys(&mut terminal, b"ab\x04"), "ab");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"ab");
    type_keys(&mut terminal, b"ab\x04");
    assert_eq!(read(&mut terminal, 2).unwrap(), b"ab");
    assert_eq!(read(&mut terminal, 2), None);
}

#[test]
fn erasing_takes_characters_off_line_and_screen() {
    let mut terminal = terminal();
    let screen = type_keys(&mut terminal, b"ac\x7fb\x7f\x7f\x7f\x7fx\n");
    let wipe = "\x08 \x08";
    assert_eq!(screen, format!("ac{wipe}b{wipe}{wipe}x\r\n"));
    assert_eq!(read(&mut terminal, 80).unwrap(), b"x\n");
}

#[test]
fn erasing_does_not_reach_into_the_line_before() {
    let mut terminal = terminal();
    type_keys(&mut terminal, b"one\n\x7f\x15\x17two\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"one\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"two\n");
}

#[test]
fn erasing_wipes_as_wide_as_the_character_was() {
    let mut terminal = terminal();
    type_keys(&mut terminal, b"\x16\x01");
    let screen = type_keys(&mut terminal, b"\x7f");
    assert_eq!(screen, "\x08 \x08\x08 \x08");
    type_keys(&mut terminal, b"abc\t");
    let screen = type_keys(&mut terminal, b"\x7f");
    assert_eq!(screen, "\x08 \x08".repeat(5));
}

#[test]
fn tabs_are_measured_from_the_prompt() {
    let mut terminal = terminal();
    for byte in *b"$ " {
        terminal.output(byte, &mut |_| ());
    }
    type_keys(&mut terminal, b"\t");
    let screen = type_keys(&mut terminal, b"\x7f");
    assert_eq!(screen, "\x08 \x08".repeat(6));
}

#[test]
fn a_utf8_character_is_erased_whole() {
    let mut terminal = terminal();
    change(&mut terminal, |termios| termios.iflag |= IUTF8);
    type_keys(&mut terminal, "aé".as_bytes());
    assert_eq!(type_keys(&mut terminal, b"\x7f"), "\x08 \x08");
    type_keys(&mut terminal, b"\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"a\n");
}

#[test]
fn words_and_lines_are_erased() {
    let mut terminal = terminal();
    type_keys(&mut terminal, b"rm -rf foo_1  \x17x\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"rm -rf x\n");
    let screen = type_keys(&mut terminal, b"abc\x15\n");
    assert_eq!(screen, format!("abc{}\r\n", "\x08 \x08".repeat(3)));
    assert_eq!(read(&mut terminal, 80).unwrap(), b"\n");
}

#[test]
fn without_echoe_the_keys_themselves_are_shown() {
    let mut terminal = terminal();
    change(&mut terminal, |termios| termios.lflag &= !ECHOE);
    assert_eq!(type_keys(&mut terminal, b"a\x7fb\x15"), "a^?b^U\r\n");
}

#[test]
fn a_line_can_be_shown_again() {
    let mut terminal = terminal();
    let screen = type_keys(&mut terminal, b"a\x16\x03b\x12");
    assert_eq!(screen, "a^\x08^Cb^R\r\na^Cb");
}

#[test]
fn keys_send_signals_and_forget_the_line() {
    for (key, signal, shown) in
        [(3, SIGINT, "^C"), (0x1c, SIGQUIT, "^\\"), (0x1a, SIGTSTP, "^Z")]
    {
        let mut terminal = terminal();
        type_keys(&mut terminal, b"old");
        let mut screen = Vec::new();
        let received = terminal.input(key, &mut |byte| screen.push(byte));
        assert_eq!(received.signal, Some(signal));
        assert_eq!(screen, shown.as_bytes());
        type_keys(&mut terminal, b"new\n");
        assert_eq!(read(&mut terminal, 80).unwrap(), b"new\n");
    }
}

#[test]
fn noflsh_keeps_the_line_and_no_isig_makes_it_data() {
    let mut terminal = terminal();
    change(&mut terminal, |termios| termios.lflag |= NOFLSH);
    type_keys(&mut terminal, b"a\x03b\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"ab\n");
    change(&mut terminal, |termios| termios.lflag &= !ISIG);
    type_keys(&mut terminal, b"a\x03\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"a\x03\n");
}

#[test]
fn carriage_returns_and_newlines_are_translated() {
    for (flags, expected) in [
        (ICRNL, &b"\n\n"[..]),
        (IGNCR, b"\n"),
        (INLCR, b"\r\r"),
        (IGNCR | ICRNL, b"\n"),
        (0, b"\r\n"),
    ] {
        let mut terminal = terminal();
        raw(&mut terminal, 1, 0);
        change(&mut terminal, |termios| termios.iflag = flags);
        type_keys(&mut terminal, b"\r\n");
        assert_eq!(read(&mut terminal, 80).unwrap(), expected, "{flags:o}");
    }
}

#[test]
fn output_is_translated() {
    let mut terminal = terminal();
    let mut screen = Vec::new();
    for byte in *b"a\nb" {
        terminal.output(byte, &mut |byte| screen.push(byte));
    }
    change(&mut terminal, |termios| termios.oflag |= XTABS);
    terminal.output(b'\t', &mut |byte| screen.push(byte));
    change(&mut terminal, |termios| termios.oflag &= !OPOST);
    for byte in *b"\n\t" {
        terminal.output(byte, &mut |byte| screen.push(byte));
    }
    assert_eq!(screen, b"a\r\nb       \n\t");
}

#[test]
fn echo_can_be_off_for_passwords() {
    let mut terminal = terminal();
    change(&mut terminal, |termios| {
        termios.lflag = termios.lflag & !ECHO | ECHONL;
    });
    assert_eq!(type_keys(&mut terminal, b"secret\n"), "\r\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"secret\n");
}

#[test]
fn another_end_of_line_can_be_chosen() {
    let mut terminal = terminal();
    change(&mut terminal, |termios| termios.cc[VEOL] = b';');
    type_keys(&mut terminal, b"a;b\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"a;");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"b\n");
}

#[test]
fn output_stops_and_goes_on_by_key() {
    let mut terminal = terminal();
    assert!(press(&mut terminal, 0x13).flow_changed);
    assert!(terminal.is_output_stopped());
    type_keys(&mut terminal, b"x");
    assert!(terminal.is_output_stopped());
    assert!(press(&mut terminal, 0x11).flow_changed);
    assert!(!terminal.is_output_stopped());
    change(&mut terminal, |termios| termios.iflag |= IXANY);
    let _ = press(&mut terminal, 0x13);
    type_keys(&mut terminal, b"y\n");
    assert!(!terminal.is_output_stopped());
    assert_eq!(read(&mut terminal, 80).unwrap(), b"xy\n");
}

#[test]
fn a_line_that_is_too_long_rings_the_bell_and_can_be_ended() {
    let mut terminal = terminal();
    type_keys(&mut terminal, &[b'x'; CAPACITY - 1]);
    assert_eq!(type_keys(&mut terminal, b"yz"), "\x07\x07");
    assert!(press(&mut terminal, b'\n').ready);
    let line = read(&mut terminal, 2 * CAPACITY).unwrap();
    assert_eq!((line.len(), line[CAPACITY - 1]), (CAPACITY, b'\n'));
}

#[test]
fn raw_reads_follow_vmin_and_vtime() {
    let mut terminal = terminal();
    raw(&mut terminal, 1, 0);
    assert_eq!(read(&mut terminal, 9), None);
    assert!(press(&mut terminal, 3).ready);
    assert!(terminal.is_readable());
    assert_eq!(read(&mut terminal, 9).unwrap(), b"\x03");
    raw(&mut terminal, 3, 0);
    type_keys(&mut terminal, b"ab");
    assert!(!terminal.is_readable());
    assert_eq!(read(&mut terminal, 9), None);
    assert_eq!(terminal.wait_ns(), None);
    assert_eq!(read(&mut terminal, 2).unwrap(), b"ab");
    raw(&mut terminal, 0, 0);
    assert_eq!(read(&mut terminal, 9).unwrap(), b"");
}

#[test]
fn raw_reads_with_a_time_wait_for_it() {
    let mut terminal = terminal();
    raw(&mut terminal, 0, 5);
    assert_eq!(read(&mut terminal, 9), None);
    assert_eq!(terminal.wait_ns(), Some(500_000_000));
    assert_eq!(terminal.read_timed_out(&mut [0; 9]), 0);
    raw(&mut terminal, 3, 5);
    assert_eq!(terminal.wait_ns(), None);
    type_keys(&mut terminal, b"a");
    assert_eq!(terminal.wait_ns(), Some(500_000_000));
    assert_eq!(terminal.read_timed_out(&mut [0; 9]), 1);
}

#[test]
fn a_change_of_mode_keeps_what_was_typed() {
    let mut terminal = terminal();
    type_keys(&mut terminal, b"ab\x04cd");
    raw(&mut terminal, 1, 0);
    assert_eq!(terminal.available(), 4);
    assert_eq!(read(&mut terminal, 9).unwrap(), b"abcd");
    type_keys(&mut terminal, b"ef");
    change(&mut terminal, |termios| termios.lflag |= ICANON);
    assert_eq!(read(&mut terminal, 9), None);
    type_keys(&mut terminal, b"\n");
    assert_eq!(read(&mut terminal, 9).unwrap(), b"ef\n");
}

#[test]
fn lines_typed_in_raw_mode_are_lines_afterwards() {
    let mut terminal = terminal();
    raw(&mut terminal, 1, 0);
    type_keys(&mut terminal, b"one\ntwo\nthr");
    assert_eq!(read(&mut terminal, 2).unwrap(), b"on");
    change(&mut terminal, |termios| termios.lflag |= ICANON);
    assert_eq!(read(&mut terminal, 80).unwrap(), b"e\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"two\n");
    assert_eq!(read(&mut terminal, 80), None);
    type_keys(&mut terminal, b"ee\n");
    assert_eq!(read(&mut terminal, 80).unwrap(), b"three\n");
}

#[test]
fn any_keys_and_settings_keep_the_state_sound() {
    let mut random = Random::new(11);
    for _ in 0..300 {
        let mut terminal = terminal();
        for _ in 0..400 {
            match random.below(40) {
                0 => change(&mut terminal, |termios| {
                    termios.lflag ^= random.next() as u32;
                    termios.iflag ^= random.next() as u32 & !IMAXBEL;
                    termios.oflag ^= random.next() as u32;
                    let at = random.below(19) as usize;
                    termios.cc[at] = random.next() as u8;
                }),
                1..=3 => {
                    read(&mut terminal, random.below(9) as usize);
                }
                _ => {
                    type_keys(&mut terminal, &[random.next() as u8 & 0x9f]);
                }
            }
            assert!(terminal.cells.len() <= CAPACITY);
            assert!(terminal.available() <= terminal.cells.len());
        }
    }
}

#[test]
fn there_is_room_for_what_can_be_typed_without_loss() {
    let mut terminal = terminal();
    raw(&mut terminal, 1, 0);
    while terminal.input_room() > 0 {
        let before = terminal.available();
        assert!(press(&mut terminal, b'x').ready);
        assert_eq!(terminal.available(), before + 1);
    }
    assert_eq!(terminal.available(), CAPACITY - 1);
    // Who edits a line is never kept waiting: nobody could read it. Byte by
    // byte, so that none behind the newline is lost.
    let mut terminal = self::terminal();
    type_keys(&mut terminal, &[b'x'; 2 * CAPACITY]);
    assert_eq!(terminal.input_room(), 1);
    assert!(press(&mut terminal, b'\n').ready);
    assert_eq!(terminal.input_room(), 0);
}

#[test]
fn no_more_is_wiped_than_was_typed() {
    let mut terminal = terminal();
    type_keys(&mut terminal, b"ab");
    // A program moves the cursor far away.
    for _ in 0..100_000 {
        terminal.output(b'\t', &mut |_| ());
    }
    assert_eq!(type_keys(&mut terminal, b"\x7f"), "\x08 \x08");
    assert_eq!(type_keys(&mut terminal, b"\x15"), "\x08 \x08");
}

#[test]
fn a_read_of_less_than_vmin_waits_for_no_more() {
    let mut terminal = terminal();
    raw(&mut terminal, 10, 0);
    type_keys(&mut terminal, b"12345");
    assert!(!terminal.is_readable());
    assert!(terminal.is_readable_for(5) && !terminal.is_readable_for(6));
    assert_eq!(read(&mut terminal, 5), Some(b"12345".to_vec()));
}
