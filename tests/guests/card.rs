//! A board's boot card, as a real U-Boot and other programs read it.
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use xtask::board::{Board, UBoot};
use xtask::command::find_card_tools;
use xtask::layout;
use xtask::media::Ways;
use xtask::toolchain::Consent;

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

pub const TESTS: &[Test] = tests::list![
    u_boot_boots_the_card_by_extlinux: UBoot,
    u_boot_boots_the_card_by_its_script_at_el2: UBoot,
    two_cards_are_the_same_and_other_programs_find_no_fault,
    image_on_the_card_is_the_one_qemu_boots,
    wrong_words_for_a_card_are_told,
];

/// Boots to the shell; returns what the guest printed until then.
fn boot(setup: Setup) -> Result<(Firn, String)> {
    let firn = setup.boot()?;
    let said = firn.transcript().to_owned();
    for line in ["Starting kernel ...", "Loading Ramdisk to", "Firn"] {
        ensure!(said.contains(line), "no `{line}` in:\n{said}");
    }
    Ok((firn, said))
}

fn u_boot_boots_the_card_by_extlinux() -> Result<()> {
    let (mut firn, said) = boot(Setup::new().u_boot(Ways::Both))?;
    ensure!(said.contains("Found /extlinux/extlinux.conf"), "{said}");
    let kernel = firn.run("uname -s")?;
    ensure!(kernel == "Linux\n", "uname says {kernel:?}");
    let line = firn.run("cat /proc/cmdline")?;
    ensure!(line == "\n", "a command line from nowhere: {line:?}");
    firn.power_off()
}

fn u_boot_boots_the_card_by_its_script_at_el2() -> Result<()> {
    let setup = Setup::new().cpus(2).memory("256M").gic(2).el2();
    let setup = setup.append("hello=card").u_boot(Ways::OnlyScript);
    let (mut firn, said) = boot(setup)?;
    ensure!(said.contains("Found U-Boot script /boot.scr"), "{said}");
    let line = firn.run("cat /proc/cmdline")?;
    ensure!(line == "hello=card\n", "the command line is {line:?}");
    ensure!(said.contains("] 2 CPUs"), "not two CPUs:\n{said}");
    firn.power_off()
}

/// `cargo xtask image` for the board whose card U-Boot gets.
fn image(words: &[&str]) -> Result<Output> {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    Command::new(cargo)
        .current_dir(layout::root())
        .args(["run", "--quiet", "--package", "xtask", "--", "image"])
        .args(["--profile", "checked"])
        .args(words)
        .output()
        .context("cargo does not start")
}

fn board() -> Result<Board> {
    Board::read(&UBoot::of_qemu()?.card)
}

/// Boot files and card, made in a folder of their own.
fn made() -> Result<TempDir> {
    let folder = TempDir::new()?;
    let path = folder.path().to_string_lossy().into_owned();
    let output = image(&["--board", &board()?.name, "--out", &path])?;
    ensure!(output.status.success(), "{}", text(&output));
    Ok(folder)
}

fn text(output: &Output) -> String {
    let bytes = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a program says that must find no fault.
fn says(program: &str, words: &[&str], folder: &Path) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.current_dir(folder).args(words).output();
    let output = output.with_context(|| program.to_owned())?;
    let said = text(&output);
    ensure!(output.status.success(), "{program} finds fault: {said}");
    Ok(said)
}

fn card_name() -> Result<String> {
    Ok(format!("firn-{}.img", board()?.name))
}

fn two_cards_are_the_same_and_other_programs_find_no_fault() -> Result<()> {
    find_card_tools(Consent::ReportOnly)?;
    let (one, other) = (made()?, made()?);
    let name = card_name()?;
    let card = fs::read(one.path().join(&name))?;
    ensure!(card == fs::read(other.path().join(&name))?, "two cards differ");

    let said = says("file", &["Image", &name], one.path())?;
    ensure!(
        said.contains("Linux kernel ARM64 boot executable Image"),
        "{said}"
    );
    ensure!(said.contains("partition 1 : ID=0xe, active"), "{said}");
    let said = says("mkimage", &["-l", "boot.scr"], one.path())?;
    ensure!(said.contains("AArch64 Linux Script (uncompressed)"), "{said}");

    let start = board()?.card.context("a card")?.partition_mib as usize;
    fs::write(one.path().join("volume"), &card[start << 20..])?;
    let said = says("fsck.fat", &["-n", "volume"], one.path())?;
    // A line about the version and one with the result.
    ensure!(said.lines().count() == 2, "fsck.fat finds fault: {said}");
    Ok(())
}

fn image_on_the_card_is_the_one_qemu_boots() -> Result<()> {
    find_card_tools(Consent::ReportOnly)?;
    let folder = made()?;
    let start = board()?.card.context("a card")?.partition_mib;
    let volume = format!("{}@@{start}M", card_name()?);
    for path in ["Image", "initramfs.cpio.gz", "extlinux/extlinux.conf"] {
        let source = format!("::{path}");
        says("mcopy", &["-i", &volume, &source, "copy"], folder.path())?;
        let copy = fs::read(folder.path().join("copy"))?;
        let original = fs::read(folder.path().join(path))?;
        ensure!(copy == original, "{path} is another on the card");
        fs::remove_file(folder.path().join("copy"))?;
    }
    let booted = fs::read(Setup::new().image())?;
    let image = fs::read(folder.path().join("Image"))?;
    ensure!(image == booted, "QEMU boots another image");
    Ok(())
}

fn wrong_words_for_a_card_are_told() -> Result<()> {
    let board = board()?.name;
    let folder = TempDir::new()?;
    let large = folder.path().join("large");
    fs::File::create(&large)?.set_len(17 << 20)?;
    let large = large.to_string_lossy().into_owned();
    let cases: [(&[&str], &str); 7] = [
        (&["--board", "sled"], "there is no board `sled`; there are: "),
        (&["--board", &board, "--out", "/dev/null/a"], "/dev/null/a"),
        (&["--board", &board, "--u-boot", "/nowhere"], "read /nowhere"),
        (&["--board", &board, "--u-boot", &large], "more than fit"),
        (&["--board", &board, "--dtb", "/dev/null"], "no compiled device"),
        (&["--board", &board, "--append", "a;b"], "U-Boot would change"),
        (&[], "--board <NAME>"),
    ];
    for (words, reason) in cases {
        let output = image(words)?;
        let said = text(&output);
        ensure!(!output.status.success(), "{words:?} is accepted");
        ensure!(said.contains(reason), "no `{reason}` in: {said}");
    }
    Ok(())
}
