//! `cargo xtask qemu`: builds what changed and boots it.
use std::fs;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::build::{BootFiles, build};
use super::setup;
use crate::board::{self, Board, Emulator, UBoot};
use crate::debian;
use crate::initramfs::{self, Addition};
use crate::layout::{self, Profile};
use crate::media::temporary::TemporaryCard;
use crate::media::{Contents, Ways};
use crate::qemu::machine::{Firmware, Machine};
use crate::qemu::{session, terminal};
use crate::toolchain::Consent;

/// Options of `cargo xtask qemu`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder in `boards/`, in place of QEMU's own machine
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// Number of CPUs
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=8))]
    smp: Option<u32>,
    /// Size of memory
    #[arg(long, value_name = "SIZE")]
    mem: Option<String>,
    /// CPU model
    #[arg(long, value_name = "NAME", conflicts_with = "board")]
    cpu: Option<String>,
    /// Version of the interrupt controller
    #[arg(long, value_name = "2|3", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(2..=3),
        conflicts_with = "board")]
    gic: u32,
    /// Load to the addresses of this boot loader of the board
    #[arg(long, value_name = "NAME", requires = "board")]
    load: Option<String>,
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
    /// What runs on the kernel
    #[arg(
        long,
        value_name = "LAND",
        value_enum,
        default_value = "firn",
        conflicts_with = "initrd"
    )]
    user: UserLand,
    /// Put a file of the host into the initramfs; may repeat
    #[arg(long, value_name = "HOST=/GUEST")]
    add: Vec<Addition>,
    /// Let a real U-Boot boot it, from the card that `image` makes
    #[arg(long, value_name = "BY", value_enum, num_args = 0..=1,
        require_equals = true, default_missing_value = "extlinux",
        conflicts_with = "board")]
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

/// The programs that run on the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum UserLand {
    /// Firn's own shell and utilities
    Firn,
    /// Debian's static busybox and bash, fetched once, as Linux runs them
    Debian,
}

impl Arguments {
    /// Boots and stays until the machine powers off.
    ///
    /// # Errors
    /// A failed build, a kernel panic, a time-out, or an error of QEMU.
    pub fn run(self) -> Result<()> {
        let emulator = self.emulator()?;
        let files = build(self.profile)?;
        let limit = self.timeout.map(Duration::from_secs);
        let archive = self.archive()?;
        let (profile, ways) = (self.profile, self.u_boot);
        let mut machine = self.machine(emulator, files)?;
        if let Some(archive) = &archive {
            machine.initrd = Some(archive.0.clone());
        }
        let Some(ways) = ways else { return session::run(&machine, limit) };
        let card = insert_card(&mut machine, profile, ways)?;
        let result = session::run(&machine, limit);
        drop(card);
        result
    }

    /// The initramfs, where it is not the one in the image.
    fn archive(&self) -> Result<Option<TemporaryArchive>> {
        let bytes = match self.user {
            UserLand::Firn if self.add.is_empty() => return Ok(None),
            UserLand::Firn => initramfs::build(self.profile, &self.add)?,
            UserLand::Debian => {
                let programs = debian::fetch().context("--user debian")?;
                let mut tree = debian::user_land(&programs)?;
                for Addition { host, guest } in &self.add {
                    tree.copy_file(host, guest)?;
                }
                initramfs::pack(&tree)?
            }
        };
        TemporaryArchive::new(&bytes).map(Some)
    }

    /// What plays the board; the distribution's is installed if it is
    /// missing.
    fn emulator(&self) -> Result<Emulator> {
        let Some(name) = &self.board else {
            setup::find_qemu(Consent::Install)?;
            return board::usual_emulator();
        };
        // Before a long build for nothing.
        find_emulator(name, self.load.as_deref())
    }

    fn machine(self, emulator: Emulator, files: BootFiles) -> Result<Machine> {
        if let Some(initrd) = &self.initrd {
            ensure!(initrd.is_file(), "{} is no file", initrd.display());
        }
        let usual = Machine::of(emulator, files.image);
        Ok(Machine {
            load: self.load,
            cpus: self.smp.unwrap_or(usual.cpus),
            memory: self.mem.unwrap_or_else(|| usual.memory.clone()),
            cpu: self.cpu.or_else(|| usual.cpu.clone()),
            gic: self.gic,
            command_line: terminal::describe(&self.append),
            initrd: self.initrd,
            is_repeatable: self.icount,
            waits_for_gdb: self.gdb,
            ..usual
        })
    }
}

/// What plays the board `name`, all of it there, and loads as `load` says.
///
/// # Errors
/// There is no such board or boot loader, or what is missing.
pub fn find_emulator(name: &str, load: Option<&str>) -> Result<Emulator> {
    let board = Board::read(name)?;
    let title = board.title;
    let emulator = board.emulator.with_context(|| {
        format!("{title}: nothing plays it; boards/{name}/README.md")
    })?;
    emulator.find().with_context(|| title.clone())?;
    if let Err(missing) = emulator.find_tree() {
        debian::fetch_trees()
            .context(missing)
            .with_context(|| title.clone())?;
        emulator.find_tree().with_context(|| title)?;
    }
    if let Some(load) = load {
        let loads = &emulator.loads;
        let known: Vec<&str> = loads.keys().map(String::as_str).collect();
        let known = known.join(", ");
        ensure!(loads.contains_key(load), "--load: one of {known}");
    }
    Ok(emulator)
}

/// Makes a card with what `machine` boots, by default the user programs
/// that go with `profile`, and lets U-Boot boot it from there.
/// The card is there as long as what is returned.
///
/// # Errors
/// U-Boot is missing, or a file cannot be read or written.
pub fn insert_card(
    machine: &mut Machine,
    profile: Profile,
    ways: Ways,
) -> Result<TemporaryCard> {
    let loader = setup::find_u_boot(Consent::Install)?;
    let board = Board::read(&UBoot::of_qemu()?.card)?;
    let initramfs = match &machine.initrd {
        Some(archive) => {
            fs::read(archive).with_context(|| archive.display().to_string())?
        }
        None => initramfs::build(profile, &[])?,
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

/// An initramfs for this run only.
struct TemporaryArchive(PathBuf);

impl TemporaryArchive {
    fn new(bytes: &[u8]) -> Result<Self> {
        let name = format!("initramfs-{}", process::id());
        let path = layout::boot_dir(Profile::Release).join(name);
        fs::write(&path, bytes)?;
        Ok(TemporaryArchive(path))
    }
}

impl Drop for TemporaryArchive {
    fn drop(&mut self) {
        // A file left behind in `target/` harms nobody.
        fs::remove_file(&self.0).ok();
    }
}
