//! `cargo xtask test`: the tiers of tests, and one line that sums them up.
//!
//! Tiers `unit` and `model` run on the host. `machine`, `system` and `stress`
//! are one program of the crate `tests`, which boots guests.
#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::build::build;
use super::qemu::find_emulator;
use super::setup::{find_card_tools, find_qemu, find_u_boot};
use crate::debian;
use crate::layout::{self, Profile};
use crate::toolchain::Consent;

/// Tiers that run on the host, in this order, then those in guests.
const TIERS: [&str; 5] = ["unit", "model", "machine", "system", "stress"];

/// Crates with tests for the host.
const UNIT_TESTED: [&str; 5] =
    ["kernel-abi", "kernel-core", "user-prompt", "xtask", "tests"];

/// Guests at a time: as many as a small machine has CPUs.
const GUESTS: &str = "2";

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Arguments {
    /// unit, model, machine, system or stress; or a part of a test's name
    #[arg(value_name = "TIER|NAME")]
    filters: Vec<String>,
    /// Run the stress tier with its full figures
    #[arg(long)]
    long: bool,
    /// Run the guests on what plays this folder of `boards/`
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// Size of that board's memory
    #[arg(long, value_name = "SIZE", requires = "board")]
    mem: Option<String>,
    /// Load to the addresses of this boot loader of the board
    #[arg(long, value_name = "NAME", requires = "board")]
    load: Option<String>,
    /// Run everything chosen so many times
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
}

impl Arguments {
    /// Runs the chosen tests and prints `N passed, N failed` at the end.
    ///
    /// # Errors
    /// A test failed, could not be built, or none was found.
    pub fn run(self) -> Result<()> {
        let mut total = Total::default();
        let machine = self.machine()?;
        for _ in 0..self.repeat {
            for mut tier in Tier::chosen(&self.filters, self.long) {
                tier.command.envs(machine.iter().cloned());
                tier.run(&mut total)?;
            }
        }
        println!("{} passed, {} failed", total.passed, total.failed);
        if total.failed > 0 || total.is_broken {
            bail!("tests failed");
        }
        if total.passed == 0 {
            let words = self.filters.join(" ");
            bail!("no test ran: none is called `{words}`, or it needs --long");
        }
        Ok(())
    }
}

impl Arguments {
    /// What the tests are told of the machine, if it is not the usual one.
    fn machine(&self) -> Result<Vec<(&'static str, String)>> {
        let Some(name) = &self.board else { return Ok(Vec::new()) };
        find_emulator(name, self.load.as_deref())?;
        let words = [
            ("FIRN_BOARD", Some(name)),
            ("FIRN_MEMORY", self.mem.as_ref()),
            ("FIRN_LOAD", self.load.as_ref()),
        ];
        let said =
            |(key, word): (_, Option<&String>)| Some((key, word?.clone()));
        Ok(words.into_iter().filter_map(said).collect())
    }
}

/// The sum of several test programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    passed: u64,
    failed: u64,
    /// A program failed without counting a test as failed.
    is_broken: bool,
}

impl Total {
    /// Adds the numbers in a line such as
    /// `test result: ok. 3 passed; 0 failed; 1 ignored`.
    pub(super) fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else {
            return;
        };
        let words: Vec<&str> = counts
            .split([' ', ';', ','])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let number: u64 = pair[0].parse().unwrap_or(0);
            match pair[1] {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }
}

/// Tests that one cargo command runs.
struct Tier {
    title: String,
    command: Command,
    /// Whether guests are booted, which takes an image.
    needs_image: bool,
    /// Whether device trees of real boards are read.
    needs_trees: bool,
}

impl Tier {
    /// The commands for `filters`. Words that name a tier choose it; others
    /// are parts of the names of tests, of all tiers or of the chosen ones.
    fn chosen(filters: &[String], is_long: bool) -> Vec<Tier> {
        let (mut tiers, names): (Vec<&str>, Vec<&str>) = filters
            .iter()
            .map(String::as_str)
            .partition(|word| TIERS.contains(word));
        let is_any_tier = tiers.is_empty();
        if is_any_tier {
            tiers = TIERS.to_vec();
        }
        let mut chosen = Vec::new();
        if tiers.contains(&"unit") {
            chosen.push(Tier::unit(&names));
        }
        // Models have their own build, in which no other test works: with a
        // name they are only run when they are asked for.
        let is_asked_for = !is_any_tier || names.is_empty();
        if tiers.contains(&"model") && is_asked_for {
            chosen.push(Tier::model(&names));
        }
        let guests: Vec<&str> = tiers
            .into_iter()
            .filter(|tier| !matches!(*tier, "unit" | "model"))
            .collect();
        if !guests.is_empty() {
            chosen.push(Tier::guests(&guests, &names, is_long));
        }
        chosen
    }

    fn unit(names: &[&str]) -> Tier {
        // `tests` without its guests: only what the library itself tests.
        let mut command = cargo(&["test", "--quiet"]);
        for package in UNIT_TESTED {
            command.args(["--package", package]);
        }
        command.args(["--lib", "--"]).args(names);
        let title = "unit".into();
        Tier { title, command, needs_image: false, needs_trees: true }
    }

    fn model(names: &[&str]) -> Tier {
        let mut command = cargo(&["test", "--quiet", "--release"]);
        let folder = layout::target_dir("model");
        command.args(["--package", "kernel-core", "--lib", "--target-dir"]);
        command.arg(folder).arg("--");
        command.args(if names.is_empty() { &["model"] } else { names });
        command.env("RUSTFLAGS", "--cfg loom");
        let title = "model".into();
        Tier { title, command, needs_image: false, needs_trees: false }
    }

    fn guests(tiers: &[&str], names: &[&str], is_long: bool) -> Tier {
        let mut command = cargo(&["test", "--quiet", "--package", "tests"]);
        command.args(["--test", "guests", "--", "--test-threads", GUESTS]);
        command.env("FIRN_TIERS", tiers.join(","));
        command.env("FIRN_NAMES", names.join(","));
        if is_long {
            command.env("FIRN_LONG", "1");
        }
        let title = tiers.join(", ");
        Tier { title, command, needs_image: true, needs_trees: true }
    }

    /// Runs it, passing on its output, and adds up its results.
    fn run(mut self, total: &mut Total) -> Result<()> {
        println!("tests: {}", self.title);
        if self.needs_trees {
            fetch_trees()?;
        }
        if self.needs_image {
            find_qemu(Consent::Install)?;
            // Only some tests need these; without, they tell why they fail.
            for missing in [
                find_u_boot(Consent::Install).err(),
                find_card_tools(Consent::Install).err(),
            ] {
                missing.iter().for_each(|error| println!("tests: {error}"));
            }
            build(Profile::Checked)?;
        }
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .context("cargo does not start")?;
        let failed_before = total.failed;
        let output = child.stdout.take().context("stdout is piped")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            total.add(&line);
            println!("{line}");
        }
        let has_failed = !child.wait()?.success();
        total.is_broken |= has_failed && total.failed == failed_before;
        Ok(())
    }
}

/// Fetches the device trees of real boards; says why if they do not come.
///
/// # Errors
/// They must come.
fn fetch_trees() -> Result<()> {
    let Err(error) = debian::fetch_trees() else { return Ok(()) };
    if debian::is_required() {
        return Err(error.context("device trees of Debian"));
    }
    println!("tests: device trees of Debian: {error:#}");
    Ok(())
}

/// The cargo that runs us, without what would make it compile otherwise.
fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or(OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(layout::root()).args(arguments);
    command
}
