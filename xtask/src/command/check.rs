//! `cargo xtask check`: what can be said about the code without running it.
mod members;
#[cfg(test)]
mod tests;

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::board;
use crate::layout::{self, Profile};
use crate::rules::{self, sizes, source};
use crate::toolchain::invocation::{Action, Invocation};
use crate::toolchain::probe::Host;
use crate::toolchain::{self, Consent, install};
use members::Members;

/// Options of `cargo xtask check`: none.
#[derive(clap::Args)]
pub struct Arguments {}

/// One check: its name, and the function that makes it.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: [Check; 4] = [
    ("rules", check_rules),
    ("format", check_format),
    ("clippy for the host", check_host),
    ("clippy for the target", check_target),
];

/// What the target runs, by the folders of their packages.
const PROGRAMS: [&str; 2] = ["user", "kernel"];

impl Arguments {
    /// Makes every check, also when one fails, and says how each went.
    ///
    /// # Errors
    /// At least one failed.
    pub fn run(self) -> Result<()> {
        let mut failed = Vec::new();
        for (name, check) in CHECKS {
            match check() {
                Ok(()) => println!("check: {name}: ok"),
                Err(error) => {
                    println!("check: {name}: {error:#}");
                    failed.push(name);
                }
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }
}

fn check_rules() -> Result<()> {
    let sources = source::read_all(&layout::root())?;
    for finding in sizes::check(&sources) {
        println!("warning: {finding}");
    }
    let boards = rules::boards::names(&board::all()?);
    let findings = rules::broken(&sources, &boards);
    for finding in &findings {
        println!("error: {finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("broken in {count} places"),
    }
}

fn check_format() -> Result<()> {
    ensure_component("rustfmt", "fmt", "rustfmt-web")?;
    cargo(&["fmt", "--all", "--check"])
}

fn check_host() -> Result<()> {
    ensure_component("clippy", "clippy", "rust-web-clippy")?;
    let lints = ["--quiet", "--", "-D", "warnings"];
    // `cargo test` leaves the guests out, and so does `--all-targets`.
    for targets in
        [&["--all-targets"][..], &["-p", "tests", "--test", "guests"]]
    {
        cargo(&[&["clippy"], targets, &lints].concat())?;
    }
    Ok(())
}

fn check_target() -> Result<()> {
    let host = Host::this();
    let way = toolchain::obtain(&host, Consent::Install)?;
    let members = Members::read(&cargo_program())?;
    members.ensure_complete(&PROGRAMS)?;
    for program in PROGRAMS {
        let packages = members.of(program);
        let (action, profile) = (Action::Clippy, Profile::Release);
        Invocation::new(&host, way, action, program, &packages, profile)
            .run()
            .with_context(|| packages.join(", "))?;
    }
    Ok(())
}

/// Sees to it that `cargo COMMAND` works, by rustup or by the distribution.
fn ensure_component(
    component: &str,
    command: &str,
    package: &str,
) -> Result<()> {
    if has_command(command) {
        return Ok(());
    }
    let host = Host::this();
    if install::add_component(&host, component) && has_command(command) {
        return Ok(());
    }
    install::packages(&[package])
}

fn has_command(command: &str) -> bool {
    Command::new(cargo_program())
        .args([command, "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The cargo that runs us.
fn cargo_program() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let status = Command::new(cargo_program())
        .current_dir(layout::root())
        .args(arguments)
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!("cargo {} failed", arguments[0]);
    }
    Ok(())
}
