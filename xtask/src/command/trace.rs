//! `cargo xtask trace`: a freeze as a picture.
//!
//! Boots the kernel in QEMU's repeatable mode, lets it play a scenario, reads
//! its event ring (`/sys/kernel/tracing/snapshot`) and writes that twice: as
//! JSON for Perfetto or `chrome://tracing`, and as a picture. The same image
//! gives the same files, byte by byte.
//!
//! Read next: `trace/timeline.rs`, what both are made of.
mod chrome;
mod drawing;
mod lane;
mod picture;
mod scale;
mod scenario;
#[cfg(test)]
mod tests;
mod timeline;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::build::{BootFiles, build};
use super::setup::find_qemu;
use crate::initramfs::{self, Addition};
use crate::layout::{Profile, boot_dir};
use crate::qemu::guest::Guest;
use crate::qemu::machine::Machine;
use crate::toolchain::Consent;
use scenario::Scenario;
use timeline::Timeline;

/// A scenario, on a busy host.
const LIMIT: Duration = Duration::from_secs(300);

/// Options of `cargo xtask trace`.
#[derive(clap::Args)]
pub struct Arguments {
    /// What happens: see --list
    #[arg(value_name = "SCENARIO", default_value = "freeze")]
    scenarios: Vec<String>,
    /// List the scenarios
    #[arg(long)]
    list: bool,
    /// Where to write; the default is in target/
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Arguments {
    /// Plays the scenarios and writes `NAME.json` and `NAME.svg`.
    ///
    /// # Errors
    /// There is no such scenario, or it does not come to its end.
    pub fn run(self) -> Result<()> {
        if self.list {
            for Scenario { name, title, .. } in scenario::ALL {
                println!("{name:<10} {title}");
            }
            return Ok(());
        }
        let scenarios: Vec<&Scenario> = self
            .scenarios
            .iter()
            .map(|name| scenario::find(name))
            .collect::<Result<_>>()?;
        find_qemu(Consent::Install)?;
        let files = build(Profile::Release)?;
        let folder = match self.out {
            Some(folder) => folder,
            None => boot_dir(Profile::Release).join("trace"),
        };
        for scenario in scenarios {
            let text = play(scenario, &files)?;
            write(&folder, scenario, &Timeline::read(&text)?)?;
        }
        Ok(())
    }
}

/// Plays a scenario; gives what the kernel noted. The guest finds its lines
/// in `/etc/rc`: nothing that comes from outside can change its course.
fn play(scenario: &Scenario, files: &BootFiles) -> Result<String> {
    let folder = boot_dir(Profile::Release);
    let script = folder.join("trace-rc");
    fs::write(&script, scenario.script())?;
    let addition = Addition { host: script, guest: "/etc/rc".into() };
    let archive = folder.join("trace-initramfs");
    fs::write(&archive, initramfs::build(Profile::Release, &[addition])?)?;
    let machine = Machine {
        is_repeatable: true,
        command_line: format!("loglevel=1 {}", scenario.append),
        initrd: Some(archive),
        ..Machine::new(files.image.clone())?
    };
    let mut guest = Guest::start(&machine)?;
    guest.wait_for_end(LIMIT)?;
    let text = guest.transcript().to_owned();
    ensure!(text.contains("thaw_end"), "no freeze in the ring:\n{text}");
    Ok(text)
}

fn write(
    folder: &Path,
    scenario: &Scenario,
    timeline: &Timeline,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let json = format!("{:#}\n", chrome::trace(timeline));
    let svg = picture::svg(timeline, scenario.title)?;
    for (ending, text) in [("json", json), ("svg", svg)] {
        let path = folder.join(scenario.name).with_extension(ending);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        println!("{}", path.display());
    }
    Ok(())
}
