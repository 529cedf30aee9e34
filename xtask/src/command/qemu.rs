//! `cargo xtask qemu`: builds what changed and boots it.
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::build::{BootFiles, build};
use super::setup;
use crate::board::{Board, UBoot};
use crate::initramfs::{self, Addition};
use crate::layout::{self, Profile};
use crate::media::temporary::TemporaryCard;
use crate::media::{Contents, Ways};
use crate::qemu::machine::{Firmware, Machine};
use crate::qemu::session;
use crate::toolchain::Consent;

/// Options of `cargo xtask qemu`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Number of CPUs
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=8))]
    smp: u32,
    /// Size of memory
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    mem: String,
    /// CPU model
    #[arg(long, value_name = "NAME", default_value = "cortex-a72")]
    cpu: String,
    /// Version of the interrupt controller
    #[arg(long, value_name = "2|3", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(2..=3))]
    gic: u32,
    /// Kernel command line
    #[arg(
        long,
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    append: String,
    /// Boot with this initramfs instead of our own
    #[arg(long, value_name = "FILE", conflicts_with = "add")]
    initrd: Option<PathBuf>,
    /// Put a file of the host into the initramfs; may repeat
    #[arg(long, value_name = "HOST=/GUEST")]
    add: Vec<Addition>,
    /// Let a real U-Boot boot it, from the card that `image` makes
    #[arg(long, value_name = "BY", value_enum, num_args = 0..=1,
        require_equals = true, default_missing_value = "extlinux")]
    u_boot: Option<Ways>,
    /// Wait for `cargo xtask gdb` before the first instruction
    #[arg(long)]
    gdb: bool,
    /// Count time in instructions, so that every run is the same
    #[arg(long)]
    icount: bool,
    /// End the machine after so many seconds, as a failure
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// How the kernel is compiled
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
}

impl Arguments {
    /// Boots and stays until the machine powers off.
    ///
    /// # Errors
    /// A failed build, a kernel panic, a time-out, or an error of QEMU.
    pub fn run(self) -> Result<()> {
        setup::find_qemu(Consent::Install)?;
        let files = build(self.profile)?;
        let limit = self.timeout.map(Duration::from_secs);
        let addition = (!self.add.is_empty())
            .then(|| TemporaryArchive::new(&files, &self.add))
            .transpose()?;
        let ways = self.u_boot;
        let mut machine = self.machine(files.clone())?;
        if let Some(archive) = &addition {
            machine.initrd = Some(archive.0.clone());
        }
        let Some(ways) = ways else { return session::run(&machine, limit) };
        let card = insert_card(&mut machine, &files.program, ways)?;
        let result = session::run(&machine, limit);
        drop(card);
        result
    }

    fn machine(self, files: BootFiles) -> Result<Machine> {
        if let Some(initrd) = &self.initrd {
            ensure!(initrd.is_file(), "{} is no file", initrd.display());
        }
        Ok(Machine {
            cpus: self.smp,
            memory: self.mem,
            cpu: self.cpu,
            gic: self.gic,
            command_line: self.append,
            initrd: self.initrd,
            is_repeatable: self.icount,
            waits_for_gdb: self.gdb,
            ..Machine::new(files.image)
        })
    }
}

/// Makes a card with what `machine` boots, by default with the user program
/// `program` in it, and lets U-Boot boot it from there.
/// The card is there as long as what is returned.
///
/// # Errors
/// U-Boot is missing, or a file cannot be read or written.
pub fn insert_card(
    machine: &mut Machine,
    program: &Path,
    ways: Ways,
) -> Result<TemporaryCard> {
    let loader = setup::find_u_boot(Consent::Install)?;
    let board = Board::read(&UBoot::of_qemu()?.card)?;
    let initramfs = match &machine.initrd {
        Some(archive) => {
            fs::read(archive).with_context(|| archive.display().to_string())?
        }
        None => initramfs::build(program, &[])?,
    };
    let contents = Contents {
        image: fs::read(&machine.image)?,
        initramfs,
        command_line: machine.command_line.clone(),
        ways,
        ..Contents::default()
    };
    let card = TemporaryCard::new(&contents.card(&board)?)?;
    let path = card.path().to_owned();
    machine.firmware = Some(Firmware { loader, card: path });
    Ok(card)
}

/// An initramfs with additions, for this run only.
struct TemporaryArchive(PathBuf);

impl TemporaryArchive {
    fn new(files: &BootFiles, additions: &[Addition]) -> Result<Self> {
        let name = format!("initramfs-{}", process::id());
        let path = layout::boot_dir(Profile::Release).join(name);
        fs::write(&path, initramfs::build(&files.program, additions)?)?;
        Ok(TemporaryArchive(path))
    }
}

impl Drop for TemporaryArchive {
    fn drop(&mut self) {
        // A file left behind in `target/` harms nobody.
        fs::remove_file(&self.0).ok();
    }
}
