//! What changes the machine: rustup's target and the distribution's packages.
//! Each action is announced in one line before it starts.
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::probe::Host;
use super::target::TARGET;

/// `rustup target add` without network may hang; it gets this long.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// The compiler with its library source, the linker, and clippy for `check`.
const COMPILER_PACKAGES: [&str; 5] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "lld"];

/// Asks rustup for the target. A refusal is noted, so that the next command
/// goes on to the distribution's compiler at once; `setup` asks again.
pub fn add_target(host: &Host) -> bool {
    eprintln!("setup: rustup target add {TARGET}");
    let added = run_limited(
        Command::new("rustup")
            .env("PATH", &host.path)
            .args(["target", "add", TARGET])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
        RUSTUP_LIMIT,
    );
    let works = added && host.has_target();
    if !works {
        eprintln!("setup: rustup has no library for {TARGET}; going on");
        note_refusal(host);
    }
    works
}

/// Asks rustup for a tool such as clippy. True when it has come.
pub fn add_component(host: &Host, component: &str) -> bool {
    eprintln!("setup: rustup component add {component}");
    run_limited(
        Command::new("rustup")
            .env("PATH", &host.path)
            .args(["component", "add", component])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
        RUSTUP_LIMIT,
    )
}

fn note_refusal(host: &Host) {
    let (Some(folder), Some(version)) =
        (host.refusal_note.parent(), host.compiler_version())
    else {
        return;
    };
    // A note that cannot be written only makes the next run ask again.
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&host.refusal_note, version));
    if let Err(error) = written {
        eprintln!("setup: {}: {error}", host.refusal_note.display());
    }
}

/// Forgets that rustup was asked before.
pub fn forget_refusal(host: &Host) {
    // The note is not there most of the time; nothing is lost.
    fs::remove_file(&host.refusal_note).ok();
}

/// Runs `command` and kills it after `limit`. True when it succeeded.
fn run_limited(command: &mut Command, limit: Duration) -> bool {
    let Ok(mut child) = command.spawn() else { return false };
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < end => {
                thread::sleep(Duration::from_millis(50));
            }
            _ => break,
        }
    }
    // It has just been seen alive; if it ended since, both calls are no-ops.
    child.kill().ok();
    child.wait().ok();
    false
}

/// Installs the distribution's compiler.
///
/// # Errors
/// `apt-get` failed; its own output says why.
pub fn distribution_compiler() -> Result<()> {
    packages(&COMPILER_PACKAGES)
}

/// Installs Debian packages, without those they only recommend.
///
/// # Errors
/// `apt-get` failed; its own output says why.
pub fn packages(names: &[&str]) -> Result<()> {
    eprintln!("setup: apt-get install {}", names.join(" "));
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    let arguments = [&install[..], names].concat();
    // A machine with fresh package lists needs no update; one without lists
    // fails at once, and then gets them.
    if apt_get(&arguments)? {
        return Ok(());
    }
    eprintln!("setup: apt-get update, then again");
    if apt_get(&["update", "-q"])? && apt_get(&arguments)? {
        return Ok(());
    }
    bail!("apt-get could not install {}", names.join(" "))
}

fn apt_get(arguments: &[&str]) -> Result<bool> {
    let output = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("apt-get does not start")?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.status.success())
}
