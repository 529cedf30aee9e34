//! A failure shows the end of the transcript, and only the end.
use anyhow::{Result, bail};

use super::{LINES, remember, run};

fn fails() -> Result<()> {
    let lines: Vec<String> = (1..=80).map(|n| format!("line {n}")).collect();
    remember(&lines.join("\n"));
    bail!("no prompt")
}

fn panics() -> Result<()> {
    remember("the only line");
    panic!("left is not right");
}

#[test]
fn failure_shows_the_last_lines() {
    let report = run(fails).unwrap_err();
    assert!(report.starts_with("no prompt\n"), "{report}");
    assert!(report.ends_with("\nline 80"), "{report}");
    assert!(!report.contains("line 30\n"), "{report}");
    assert_eq!(report.lines().count(), LINES + 2);
}

#[test]
fn panic_is_a_failure() {
    let report = run(panics).unwrap_err();
    assert!(report.starts_with("left is not right\n"), "{report}");
    assert!(report.ends_with("the only line"), "{report}");
}

#[test]
fn success_shows_nothing() {
    assert_eq!(run(|| Ok(())), Ok(()));
}
