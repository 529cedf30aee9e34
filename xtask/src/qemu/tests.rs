//! What is typed when, and what a panic looks like.
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::machine::{Firmware, Machine};
use super::pacer::Pacer;
use super::screen::{Screen, is_panic};
use super::terminal;

const BLINK: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(11);

fn screen_with(output: &str) -> (Screen, Instant) {
    let now = Instant::now();
    let mut screen = Screen::new(now);
    screen.print(output.as_bytes(), now);
    (screen, now)
}

#[test]
fn prompt_at_the_end_is_a_prompt_after_a_moment() {
    let (screen, now) = screen_with("boot\r\n# ");
    assert!(!screen.has_prompt(now));
    assert!(screen.has_prompt(now + BLINK));
    let (screen, now) = screen_with("no line end/tmp # ");
    assert!(screen.has_prompt(now + BLINK));
}

#[test]
fn line_that_begins_like_a_prompt_is_none() {
    let (screen, now) = screen_with("boot\r\n# a comment");
    assert!(!screen.has_prompt(now + BLINK));
    let (screen, now) = screen_with("# a comment\r\n");
    assert!(!screen.has_prompt(now + BLINK));
}

#[test]
fn log_line_over_a_prompt_does_not_hide_it() {
    let (screen, now) = screen_with("/ # [    1.0] late news\r\n");
    assert!(screen.has_prompt(now + BLINK));
}

#[test]
fn answered_prompt_is_used_up() {
    let (mut screen, now) = screen_with("# ");
    screen.answer(now + BLINK);
    assert!(!screen.has_prompt(now + BLINK + BLINK));
    screen.print(b"ls\r\nbin\r\n# ", now + BLINK);
    assert!(screen.has_prompt(now + BLINK + BLINK));
}

#[test]
fn each_line_waits_for_its_prompt() {
    let (mut screen, now) = screen_with("# ");
    let mut pacer = Pacer::default();
    assert!(pacer.may_send(&screen, now + BLINK));
    screen.answer(now + BLINK);
    assert!(!pacer.may_send(&screen, now + 2 * BLINK));
    screen.print(b"sleep 5\r\n", now + 2 * BLINK);
    assert!(!pacer.may_send(&screen, now + 20 * BLINK));
    screen.print(b"# ", now + 20 * BLINK);
    assert!(pacer.may_send(&screen, now + 21 * BLINK));
}

#[test]
fn program_that_reads_gets_the_lines() {
    let (mut screen, now) = screen_with("cat\r\n");
    let mut pacer = Pacer::default();
    assert!(!pacer.may_send(&screen, now + BLINK));
    assert!(pacer.may_send(&screen, now + LONG));
    screen.answer(now + LONG);
    let now = now + LONG;
    assert!(!pacer.may_send(&screen, now + BLINK));
    assert!(pacer.may_send(&screen, now + 5 * BLINK));
}

#[test]
fn boot_loader_gets_no_input() {
    let now = Instant::now();
    let mut screen = Screen::with_loader(now);
    let mut pacer = Pacer::default();
    screen.print(b"Hit any key to stop autoboot: 2", now);
    assert!(!pacer.may_send(&screen, now + LONG));
    screen.print(b"\r\n# ", now);
    assert!(!pacer.may_send(&screen, now + LONG));
    screen.print(b"\r\nStarting kernel ...\r\n\r\n[    0.0] Firn\r\n", now);
    assert!(!pacer.may_send(&screen, now + BLINK));
    screen.print(b"/ # ", now);
    assert!(pacer.may_send(&screen, now + BLINK));
}

#[test]
fn boot_loader_that_gives_up_is_noticed() {
    let now = Instant::now();
    let mut screen = Screen::with_loader(now);
    screen.print(b"SCRIPT FAILED: continuing...\r\n=> ", now);
    assert!(!screen.has_loader_prompt(now));
    assert!(screen.has_loader_prompt(now + BLINK));
    let (screen, now) = screen_with("=> ");
    assert!(!screen.has_loader_prompt(now + BLINK));
}

#[test]
fn end_of_input_ends_the_shell_and_then_the_machine() {
    let (screen, now) = screen_with("# ");
    let mut pacer = Pacer::default();
    assert_eq!(pacer.farewell(&screen, now + BLINK), [4]);
    assert_eq!(pacer.farewell(&screen, now + BLINK), b"poweroff\n");
}

#[test]
fn panic_is_seen_with_and_without_a_time_stamp() {
    assert!(is_panic("kernel panic: out of luck"));
    assert!(is_panic("[    0.250000] kernel panic: out of luck"));
    assert!(is_panic("Kernel panic - not syncing"));
    assert!(is_panic("Firn cannot boot: no device tree at 0x0"));
    assert!(!is_panic("echo kernel panic"));
    assert!(!is_panic("héllo wörld ŝ"));
    let (screen, _) = screen_with("fine\r\nkernel panic: lost\r\nx0 1\r\n");
    assert_eq!(screen.panic(), Some("kernel panic: lost"));
}

fn line(machine: &Machine) -> String {
    let words: Vec<_> = machine
        .arguments()
        .unwrap()
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    words.join(" ")
}

#[test]
fn usual_machine_is_the_one_of_the_readme() {
    let machine = Machine::new(PathBuf::from("Image")).unwrap();
    assert_eq!(
        line(&machine),
        "-M virt,gic-version=3 -cpu cortex-a72 -smp 4 -m 1G -display none \
         -nic none -kernel Image -no-reboot"
    );
}

#[test]
fn boot_loader_gets_its_card_and_nothing_else() {
    let machine = Machine {
        command_line: "quiet".into(),
        initrd: Some("a".into()),
        firmware: Some(Firmware {
            loader: "u-boot.bin".into(),
            card: "a,b.img".into(),
        }),
        ..Machine::new(PathBuf::from("Image")).unwrap()
    };
    let line = line(&machine);
    assert!(line.contains("-bios u-boot.bin"), "{line}");
    assert!(line.contains("readonly=on,file=a,,b.img "), "{line}");
    for part in ["-kernel", "-append", "-initrd"] {
        assert!(!line.contains(part), "{part} in {line}");
    }
}

#[test]
fn options_reach_qemu() {
    let machine = Machine {
        gic: 2,
        cpus: 1,
        has_el2: true,
        command_line: "quiet".into(),
        initrd: Some("a".into()),
        is_repeatable: true,
        waits_for_gdb: true,
        ..Machine::new(PathBuf::from("Image")).unwrap()
    };
    let line = line(&machine);
    for part in [
        "virt,gic-version=2,virtualization=on",
        "-smp 1",
        "-append quiet",
        "-initrd a",
        "-icount shift=0,sleep=off -seed 1",
        "-s -S",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn guest_is_told_of_a_terminal_once() {
    let describe =
        |line: &str, term| terminal::with_words(line, term, Some((50, 132)));
    let all = "TERM=xterm LINES=50 COLUMNS=132";
    assert_eq!(describe("", Some("xterm")), all);
    assert_eq!(
        describe("quiet -- a", Some("xterm")),
        format!("{all} quiet -- a")
    );
    let said = "TERM=vt100 COLUMNS=80";
    assert_eq!(describe(said, Some("xterm")), format!("LINES=50 {said}"));
    assert!(describe("", Some("linux")).starts_with("TERM=vt220 "));
    assert_eq!(terminal::with_words("quiet", None, None), "quiet");
}
