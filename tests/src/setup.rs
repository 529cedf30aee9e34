//! A machine for one test, from its description to its prompt.
use std::env;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use xtask::command::{BootFiles, build, insert_card};
use xtask::initramfs::{self, Addition};
use xtask::layout::{Profile, boot_dir, elf};
use xtask::media::Ways;
use xtask::media::temporary::TemporaryCard;
use xtask::qemu::guest::Guest;
use xtask::qemu::machine::{Machine, Placement};

use crate::report;

/// Time from the start of QEMU to the first prompt, on a busy host.
pub const BOOT: Duration = Duration::from_secs(120);

/// Whether the stress tests run with their full figures.
pub fn is_long() -> bool {
    env::var_os("FIRN_LONG").is_some()
}

/// The boot files with all checks compiled in; what changed is built.
///
/// # Errors
/// The build fails.
pub fn boot_files() -> Result<BootFiles> {
    build(Profile::Checked)
}

/// A machine that is not running yet.
#[derive(Clone, Debug)]
pub struct Setup {
    machine: Machine,
    additions: Vec<Addition>,
    u_boot: Option<Ways>,
}

impl Setup {
    /// The usual machine: four Cortex-A72, 1 GiB, GIC version 3.
    pub fn new() -> Setup {
        let image = boot_dir(Profile::Checked).join("Image");
        Setup {
            machine: Machine::new(image).expect("boards/ is complete"),
            additions: Vec::new(),
            u_boot: None,
        }
    }

    /// With so many CPUs.
    pub fn cpus(mut self, count: u32) -> Setup {
        self.machine.cpus = count;
        self
    }

    /// With so much memory, as QEMU reads it.
    pub fn memory(mut self, size: &str) -> Setup {
        self.machine.memory = size.into();
        self
    }

    /// With CPUs of this model.
    pub fn cpu(mut self, model: &str) -> Setup {
        self.machine.cpu = Some(model.into());
        self
    }

    /// With an interrupt controller of this version.
    pub fn gic(mut self, version: u32) -> Setup {
        self.machine.gic = version;
        self
    }

    /// With these words at the end of the kernel's command line.
    pub fn append(mut self, words: &str) -> Setup {
        if !self.machine.command_line.is_empty() {
            self.machine.command_line.push(' ');
        }
        self.machine.command_line.push_str(words);
        self
    }

    /// With the host's file `host` as `guest`.
    pub fn add(mut self, host: &Path, guest: &str) -> Setup {
        let addition = Addition { host: host.into(), guest: guest.into() };
        self.additions.push(addition);
        self
    }

    /// With this archive in place of the one in the image.
    pub fn initrd(mut self, archive: &Path) -> Setup {
        self.machine.initrd = Some(archive.into());
        self
    }

    /// Entered at EL2.
    pub fn el2(mut self) -> Setup {
        self.machine.has_el2 = true;
        self
    }

    /// With these files in memory and no boot loader but ours.
    pub fn place(mut self, placement: Placement) -> Setup {
        self.machine.placement = Some(placement);
        self
    }

    /// Booted by U-Boot, from a card with these files on it.
    pub fn u_boot(mut self, ways: Ways) -> Setup {
        self.u_boot = Some(ways);
        self
    }

    /// The boot image.
    pub fn image(&self) -> &Path {
        &self.machine.image
    }

    /// With time counted in instructions.
    pub fn repeatable(mut self) -> Setup {
        self.machine.is_repeatable = true;
        self
    }

    /// Starts the machine without waiting for anything.
    ///
    /// # Errors
    /// The boot files are missing, or QEMU does not start.
    pub fn start(mut self) -> Result<Firn> {
        ensure!(self.machine.image.is_file(), "no image: run the build first");
        let mut archive = None;
        if !self.additions.is_empty() {
            let file = Archive::new(&self.additions)?;
            self.machine.initrd = Some(file.0.clone());
            archive = Some(file);
        }
        let card = match self.u_boot {
            Some(ways) => {
                let program = elf("user", Profile::Release);
                Some(insert_card(&mut self.machine, &program, ways)?)
            }
            None => None,
        };
        let guest = Guest::start(&self.machine)?;
        Ok(Firn { guest, _archive: archive, _card: card })
    }

    /// Starts the machine and waits for the shell's first prompt.
    ///
    /// # Errors
    /// As [`Setup::start`], or there is no prompt.
    pub fn boot(self) -> Result<Firn> {
        let mut firn = self.start()?;
        firn.wait_for_prompt(BOOT).context("booting")?;
        Ok(firn)
    }
}

impl Default for Setup {
    fn default() -> Setup {
        Setup::new()
    }
}

/// A running guest. What it printed is kept for the report of a failure.
pub struct Firn {
    guest: Guest,
    _archive: Option<Archive>,
    _card: Option<TemporaryCard>,
}

impl Firn {
    /// Powers the guest off.
    ///
    /// # Errors
    /// It does not end, or not cleanly.
    pub fn power_off(mut self) -> Result<()> {
        self.send("poweroff\n")?;
        self.wait_for_end(xtask::qemu::guest::PATIENCE)
    }
}

impl Deref for Firn {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        &self.guest
    }
}

impl DerefMut for Firn {
    fn deref_mut(&mut self) -> &mut Guest {
        &mut self.guest
    }
}

impl Drop for Firn {
    fn drop(&mut self) {
        report::remember(self.transcript());
    }
}

/// An initramfs for one test.
struct Archive(PathBuf);

impl Archive {
    fn new(additions: &[Addition]) -> Result<Archive> {
        let thread = format!("{:?}", std::thread::current().id());
        let number: String =
            thread.chars().filter(char::is_ascii_digit).collect();
        let name = format!("initramfs-{}-{number}", std::process::id());
        let path = boot_dir(Profile::Checked).join(name);
        let program = boot_files()?.program;
        fs::write(&path, initramfs::build(&program, additions)?)?;
        Ok(Archive(path))
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        // A file left behind in `target/` harms nobody.
        fs::remove_file(&self.0).ok();
    }
}
