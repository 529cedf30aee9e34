//! What a machine must have beside its device tree: an archive with a first
//! program. Without it there is one clear line, and the machine stops.
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use tests::catalog::Test;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    archive_that_is_none_is_told,
    archive_that_is_cut_off_is_told,
    missing_first_program_is_told,
];

/// Time to boot and stop on a busy host.
const LIMIT: Duration = Duration::from_secs(120);

/// What the kernel says when there is no way on.
const STOP: &str = "Firn cannot boot: ";

const INIT: &str = "no working init found";

/// Fails unless a machine with an archive of these bytes gives `reasons` and
/// then stops, with one line more and without a prompt.
fn ensure_stop(archive: &[u8], words: &str, reasons: &[&str]) -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("archive");
    fs::write(&file, archive)?;
    let setup = Setup::new().cpus(1).append(words);
    let mut firn = setup.initrd(&file).start()?;
    let waited = firn.wait_for_prompt(LIMIT);
    ensure!(waited.is_err(), "it boots all the same");
    let said = firn.transcript();
    for reason in reasons {
        ensure!(said.contains(reason), "no `{reason}`");
    }
    let stops = said.matches(STOP).count();
    ensure!(stops == 1, "{stops} lines say that it stops");
    let last = said.lines().last().context("silence")?;
    ensure!(last.starts_with(STOP), "the last line is {last:?}");
    Ok(())
}

fn archive_that_is_none_is_told() -> Result<()> {
    let reason = "initramfs: neither cpio nor gzip at byte 0";
    ensure_stop(&[b'x'; 4096], "", &[reason, INIT])
}

/// A gzip header, and the first bytes of nothing that could follow.
fn archive_that_is_cut_off_is_told() -> Result<()> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xed, 0xbd];
    let reason = "initramfs: damaged gzip stream at byte 0";
    ensure_stop(&head, "", &[reason, INIT])
}

/// An archive with nothing but its end.
fn empty() -> Vec<u8> {
    let fields = "00000000".repeat(11) + "0000000b" + "00000000";
    let mut bytes = format!("070701{fields}TRAILER!!!\0").into_bytes();
    bytes.resize(512, 0);
    bytes
}

fn missing_first_program_is_told() -> Result<()> {
    ensure_stop(&empty(), "quiet init=/nowhere", &[INIT])
}
