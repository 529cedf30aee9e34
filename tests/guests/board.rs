//! Firn runs on every board of `boards/` that something here plays; where
//! nothing does, the tests are reported as ignored. `cargo xtask test --board
//! NAME` runs all the other tests on one of them.
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use xtask::board::{Board, Emulator};

use tests::catalog::Test;
use tests::results::ensure_passed_on_board;
use tests::setup::{BOOT, Firn, Setup, emulated_boards, is_long};

pub const MACHINE: &[Test] = tests::list![
    boards_boot_with_every_memory_from_every_address,
    kernel_passes_its_tests_on_boards,
    cut_trees_of_boards_end_in_a_line,
    spoiled_trees_of_boards_end_in_a_line_or_a_prompt,
];

pub const SYSTEM: &[Test] = tests::list![
    boards_tell_their_model_and_cpus,
    boards_start_again_after_a_reset_and_end_when_powered_off,
    status_light_of_boards_beats_and_holds_still_while_frozen,
    running_watchdogs_of_boards_are_kept_quiet,
    serial_ports_of_boards_lose_nothing,
    all_promises_hold_on_boards,
    all_promises_hold_on_boards_with_little_memory,
];

/// All tests of `check`, on a busy host.
const LIMIT: Duration = Duration::from_secs(300);

/// A host has no room for more, pretended or not.
const MOST_MEMORY: &str = "16G";

/// Runs `test` on every board that something plays.
pub fn on_boards(test: impl Fn(&Board, Setup) -> Result<()>) -> Result<()> {
    for (board, emulator) in emulated_boards()? {
        let Emulator { cpus, memory, .. } = emulator.clone();
        let setup = Setup::of(emulator).cpus(cpus).memory(&memory);
        let title = board.title.clone();
        test(&board, setup).with_context(|| title)?;
    }
    Ok(())
}

/// Fails unless the shell works.
fn ensure_shell(mut firn: Firn) -> Result<()> {
    let kernel = firn.run("uname -s")?;
    ensure!(kernel == "Linux\n", "uname says {kernel:?}");
    firn.power_off()
}

fn boards_boot_with_every_memory_from_every_address() -> Result<()> {
    on_boards(|board, setup| {
        let Some(emulator) = &board.emulator else { return Ok(()) };
        let mut sizes: Vec<&String> = board.memory.keys().collect();
        sizes.sort_by_key(|size| size.len());
        sizes.retain(|size| (size.len(), *size) <= (3, &MOST_MEMORY.into()));
        let loads: Vec<&String> = emulator.loads.keys().collect();
        // Each size and each way to load, not each pair of them.
        for round in 0..sizes.len().max(loads.len()) {
            let mut setup = setup.clone();
            if let Some(size) = sizes.get(round % sizes.len().max(1)) {
                setup = setup.memory(size);
            }
            if let Some(load) = loads.get(round % loads.len().max(1)) {
                setup = setup.load(load);
            }
            let what = format!("round {round} of {sizes:?}, {loads:?}");
            ensure_shell(setup.boot().context(what)?)?;
        }
        Ok(())
    })
}

fn kernel_passes_its_tests_on_boards() -> Result<()> {
    on_boards(|_, setup| {
        let mut firn = setup.append("firn.selftest=1").start()?;
        firn.wait_for_end(BOOT)?;
        ensure_passed_on_board(firn.transcript())
    })
}

fn boards_tell_their_model_and_cpus() -> Result<()> {
    on_boards(|board, setup| {
        let cpus = board.emulator.as_ref().map_or(1, |one| one.cpus);
        let mut firn = setup.boot()?;
        let said = firn.transcript().to_owned();
        ensure!(said.contains(&board.title), "no model in:\n{said}");
        ensure!(said.contains(&format!("] {cpus} CPUs")), "{said}");
        let info = firn.run("cat /proc/cpuinfo")?;
        let count = info.matches("CPU part").count();
        ensure!(count == cpus as usize, "{count} CPUs in:\n{info}");
        firn.power_off()
    })
}

/// From a reset the machine comes back to the prompt, with all it had.
fn boards_start_again_after_a_reset_and_end_when_powered_off() -> Result<()> {
    on_boards(|board, setup| {
        let mut firn = setup.clone().restarts().boot()?;
        let start = firn.transcript().len();
        firn.send("reboot\n")?;
        firn.wait_for("Restarting system", start, BOOT)?;
        let start = firn.transcript().len();
        firn.wait_for(&board.title, start, BOOT)?;
        // The prompt of the second life: the log ran over that of the first.
        firn.wait_for("\n/ # ", start, BOOT)?;
        ensure_shell(firn)?;
        // Where a reset ends the machine, it is no panic and no failure.
        let mut firn = setup.boot()?;
        firn.send("reboot\n")?;
        firn.wait_for_end(BOOT)
    })
}

/// When the status light changed, in seconds, as the emulator tells.
fn changes(told: &str) -> Vec<f64> {
    let when = |line: &str| -> Option<f64> {
        let (_, words) = line.split_once(" LED ")?;
        words.split(' ').nth(2)?.parse().ok()
    };
    told.lines().filter_map(when).collect()
}

/// A heart never rests as long, and a freeze of the test is longer, in seconds.
const REST_S: f64 = 3.0;

fn status_light_of_boards_beats_and_holds_still_while_frozen() -> Result<()> {
    on_boards(|board, setup| {
        let emulator = board.emulator.as_ref();
        let log = emulator.and_then(|one| one.light_log.as_deref());
        let Some(log) = log else { return Ok(()) };
        let mut firn = setup.option(log).boot()?;
        firn.run(
            "echo 6 > /sys/module/suspend/parameters/pm_test_delay; \
             echo freezer > /sys/power/pm_test; sleep 4; \
             echo mem > /sys/power/state; sleep 4",
        )?;
        firn.send("poweroff\n")?;
        firn.wait_for_end(BOOT)?;
        let times = changes(&firn.complaints());
        let gap = |at: usize| times[at + 1] - times[at];
        let rests: Vec<usize> = (0..times.len().saturating_sub(1))
            .filter(|at| gap(*at) > REST_S)
            .collect();
        let [rest] = rests[..] else { bail!("rests {rests:?} of {times:?}") };
        ensure!(gap(rest) > 5.5, "it changed while frozen: {times:?}");
        let (before, after) = (rest + 1, times.len() - rest - 1);
        ensure!(before > 6 && after > 6, "too few changes: {times:?}");
        Ok(())
    })
}

/// The dog would bite within 90 s: the machine would end.
fn running_watchdogs_of_boards_are_kept_quiet() -> Result<()> {
    on_boards(|board, setup| {
        let emulator = board.emulator.as_ref();
        let dog = emulator.and_then(|one| one.watchdog.as_deref());
        let Some(dog) = dog else { return Ok(()) };
        let mut firn = setup.option(dog).repeatable().boot()?;
        let said = firn.transcript().to_owned();
        ensure!(said.contains("watchdog runs"), "it does not run:\n{said}");
        // Frozen or not.
        firn.run(
            "sleep 120; echo freezer > /sys/power/pm_test; \
             echo 120 > /sys/module/suspend/parameters/pm_test_delay; \
             echo mem > /sys/power/state",
        )?;
        let seconds = firn.run("cat /proc/uptime")?;
        let seconds: f64 =
            seconds.split(' ').next().unwrap_or_default().parse()?;
        ensure!(seconds > 240.0, "{seconds} s have passed");
        ensure_shell(firn)
    })
}

/// More than any FIFO holds, both ways.
fn serial_ports_of_boards_lose_nothing() -> Result<()> {
    on_boards(|_, setup| {
        let mut firn = setup.append("loglevel=1").boot()?;
        let word = "0123456789abcdef".repeat(12);
        let output = firn.run(&format!("echo {word}"))?;
        ensure!(output == format!("{word}\n"), "echo says {output:?}");
        let output = firn.run("seq 1000")?;
        let lines: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
        ensure!(output.trim_end() == lines.join("\n"), "seq says:\n{output}");
        firn.power_off()
    })
}

fn ensure_promises(setup: Setup) -> Result<()> {
    let mut firn = setup.append("loglevel=1").boot()?;
    let output = firn.run_within("check", LIMIT)?;
    ensure_passed_on_board(&output)?;
    firn.power_off()
}

fn all_promises_hold_on_boards() -> Result<()> {
    on_boards(|_, setup| ensure_promises(setup))
}

/// The least that is sold, as the other boot loader loads it.
fn all_promises_hold_on_boards_with_little_memory() -> Result<()> {
    on_boards(|board, setup| {
        let loads = board.emulator.as_ref().map(|one| &one.loads);
        let load = loads.and_then(|loads| loads.keys().next_back());
        let sizes = board.memory.keys().min_by_key(|size| (size.len(), *size));
        let setup =
            load.into_iter().fold(setup, |setup, name| setup.load(name));
        let setup =
            sizes.into_iter().fold(setup, |setup, size| setup.memory(size));
        ensure_promises(setup)
    })
}

/// How a boot with a tree that may be wrong ends, if it does.
fn end(setup: Setup) -> Result<&'static str> {
    let mut firn = setup.start()?;
    let waited = firn.wait_for_prompt(Duration::from_secs(30));
    if waited.is_ok() {
        return Ok("a prompt");
    }
    let said = firn.transcript();
    if said.contains("Firn cannot boot: ") {
        return Ok("a line");
    }
    // The boot loader, which adds memory to the tree, has its own opinion.
    ensure!(said.is_empty() && firn.has_ended(), "silence after:\n{said}");
    Ok("a boot loader's refusal")
}

/// Bytes of the device tree of `board`, and a place for another.
fn tree(board: &Board) -> Result<Option<(Vec<u8>, TempDir)>> {
    let emulator = board.emulator.as_ref().context("an emulator")?;
    let Some(file) = emulator.find_tree()? else { return Ok(None) };
    Ok(Some((fs::read(file)?, TempDir::new()?)))
}

fn cut_trees_of_boards_end_in_a_line() -> Result<()> {
    on_boards(|board, setup| {
        let Some((tree, folder)) = tree(board)? else { return Ok(()) };
        let file = folder.path().join("tree");
        for length in [0, 30, tree.len() / 2] {
            fs::write(&file, &tree[..length])?;
            let end = end(setup.clone().tree(&file))?;
            ensure!(end != "a prompt", "{length} bytes boot");
        }
        Ok(())
    })
}

/// Numbers that look random and are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or(0)
    }
}

fn spoiled_trees_of_boards_end_in_a_line_or_a_prompt() -> Result<()> {
    on_boards(|board, setup| {
        let Some((original, folder)) = tree(board)? else { return Ok(()) };
        let file = folder.path().join("tree");
        let mut dice = Dice(0x5eed);
        for round in 0..if is_long() { 200 } else { 12 } {
            let mut tree = original.clone();
            let at = dice.below(tree.len());
            tree[at] = u8::try_from(dice.below(256))?;
            fs::write(&file, tree)?;
            let what = || format!("round {round}, byte {at:#x}");
            end(setup.clone().tree(&file)).with_context(what)?;
        }
        Ok(())
    })
}
