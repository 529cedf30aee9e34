//! A machine for one test, from its description to its prompt.
use std::env;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use xtask::board::{self, Board, Emulator, Need, usual_emulator};
use xtask::command::{BootFiles, build, insert_card};
use xtask::initramfs::{self, Addition};
use xtask::layout::{Profile, boot_dir};
use xtask::media::Ways;
use xtask::media::temporary::TemporaryCard;
use xtask::qemu::guest::Guest;
use xtask::qemu::machine::{Machine, Placement};

use crate::report;

/// The environment variable that names the board of all tests.
pub const BOARD: &str = "FIRN_BOARD";

/// The environment variables that say how much memory that board has, and
/// which boot loader's addresses it loads to.
const MEMORY: &str = "FIRN_MEMORY";
const LOAD: &str = "FIRN_LOAD";

/// Time from the start of QEMU to the first prompt, on a busy host.
pub const BOOT: Duration = Duration::from_secs(120);

/// Whether the stress tests run with their full figures.
pub fn is_long() -> bool {
    env::var_os("FIRN_LONG").is_some()
}

/// The board that all tests are to run on, if not on the usual machine.
///
/// # Panics
/// If there is no such board: `cargo xtask test` looked.
pub fn chosen_board() -> Option<Board> {
    let name = env::var(BOARD).ok()?;
    Some(Board::read(&name).expect("a board in boards/"))
}

/// Boards other than the usual machine that something here plays.
///
/// # Errors
/// Nothing plays any of them: what is missing for each.
pub fn emulated_boards() -> Result<Vec<(Board, Emulator)>> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for board in board::all()? {
        let Some(emulator) = board.emulator.clone() else { continue };
        if emulator.is_usual {
            continue;
        }
        let files = emulator.find().and_then(|_| emulator.find_tree());
        match files {
            Ok(_) => found.push((board, emulator)),
            Err(why) => {
                let Board { name, title, .. } = board;
                let page = format!("boards/{name}/README.md");
                missing.push(format!("{title}: {why:#}; see {page}"));
            }
        }
    }
    ensure!(!found.is_empty(), "{}", missing.join("; "));
    Ok(found)
}

/// What the machine of [`Setup::new`] lacks for a test; `None` if nothing.
pub fn lacks(need: Need) -> Option<String> {
    let emulator = chosen_board()?.emulator?;
    emulator.lacks.get(&need).cloned()
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
    /// How many CPUs the kernel uses.
    cpus: u32,
    additions: Vec<Addition>,
    u_boot: Option<Ways>,
}

impl Setup {
    /// The usual machine: four Cortex-A72, 1 GiB, GIC version 3; or the
    /// board that `cargo xtask test --board` names.
    pub fn new() -> Setup {
        let emulator = match chosen_board() {
            Some(board) => board.emulator,
            None => usual_emulator().ok(),
        };
        let mut setup = Setup::of(emulator.expect("boards/ is complete"));
        if let Ok(size) = env::var(MEMORY) {
            setup.machine.memory = size;
        }
        setup.machine.load = env::var(LOAD).ok();
        setup
    }

    /// A board as `emulator` plays it.
    pub fn of(emulator: Emulator) -> Setup {
        let image = boot_dir(Profile::Checked).join("Image");
        let machine = Machine::of(emulator, image);
        let cpus = machine.cpus;
        Setup { machine, cpus, additions: Vec::new(), u_boot: None }
    }

    /// With what a boot loader loads at the addresses of this one.
    pub fn load(mut self, name: &str) -> Setup {
        self.machine.load = Some(name.into());
        self
    }

    /// With more of what the machine is told, such as `,led-log=on`.
    pub fn option(mut self, words: &str) -> Setup {
        self.machine.options.push_str(words);
        self
    }

    /// A reset starts it again.
    pub fn restarts(mut self) -> Setup {
        self.machine.restarts = true;
        self
    }

    /// With this device tree, where the machine does not make its own.
    pub fn tree(mut self, file: &Path) -> Setup {
        self.machine.emulator.device_trees = vec![file.into()];
        self
    }

    /// With so many CPUs; where the machine always has the same, the kernel
    /// uses no more.
    pub fn cpus(mut self, count: u32) -> Setup {
        self.cpus = count;
        if self.machine.emulator.cpu.is_some() {
            self.machine.cpus = count;
        } else if count < self.machine.cpus {
            self = self.append(&format!("nr_cpus={count}"));
        }
        self
    }

    /// How many CPUs the kernel uses.
    pub fn count_cpus(&self) -> u32 {
        self.cpus
    }

    /// Size of its memory in KiB.
    ///
    /// # Panics
    /// If the size is none: a test, or whoever runs it, wrote it wrong.
    pub fn memory_kib(&self) -> u64 {
        let size = &self.machine.memory;
        let (number, unit) = size.split_at(size.len().saturating_sub(1));
        let shift = if unit == "G" { 20 } else { 10 };
        number.parse::<u64>().expect("a number and M or G") << shift
    }

    /// With so much memory, as QEMU reads it.
    pub fn memory(mut self, size: &str) -> Setup {
        self.machine.memory = size.into();
        let is_sold = |board: Board| board.memory.contains_key(size);
        if !chosen_board().is_none_or(is_sold) {
            // It may end below where the boot loader loads to.
            self.machine.load = None;
        }
        self
    }

    /// With CPUs of this model, where there is a choice.
    pub fn cpu(mut self, model: &str) -> Setup {
        if self.machine.emulator.cpu.is_some() {
            self.machine.cpu = Some(model.into());
        }
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
                Some(insert_card(&mut self.machine, Profile::Checked, ways)?)
            }
            None => None,
        };
        let measures = self.machine.is_repeatable && self.cpus == 1;
        let guest = Guest::start(&self.machine)?;
        Ok(Firn { guest, measures, _archive: archive, _card: card })
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

/// Where the kernel shows how long tasks ran without a freeze point.
const STRETCHES: &str = "/sys/power/longest_stretches";

/// The longest stretch that may be, in nanoseconds.
const LONGEST_NS: u64 = 1_000_000;

/// Fails if one of the stretches is too long.
// spec: Y9
fn ensure_short(stretches: &str) -> Result<()> {
    let times = stretches.lines().filter_map(|line| line.split(' ').next());
    let longest = times.filter_map(|time| time.parse::<u64>().ok()).max();
    ensure!(
        longest.is_some_and(|ns| ns <= LONGEST_NS),
        "a task ran for too long without a freeze point: {stretches}"
    );
    Ok(())
}

/// A running guest. What it printed is kept for the report of a failure.
pub struct Firn {
    guest: Guest,
    /// Time is that of its one CPU's instructions.
    measures: bool,
    _archive: Option<Archive>,
    _card: Option<TemporaryCard>,
}

impl Firn {
    /// Powers the guest off.
    ///
    /// # Errors
    /// It does not end, or not cleanly; or a task ran for longer than it may
    /// without a freeze point, where that can be measured.
    pub fn power_off(mut self) -> Result<()> {
        if self.measures {
            let longest = self.run(&format!("cat {STRETCHES}"))?;
            ensure_short(&longest)?;
        }
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
        fs::write(&path, initramfs::build(Profile::Checked, additions)?)?;
        Ok(Archive(path))
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        // A file left behind in `target/` harms nobody.
        fs::remove_file(&self.0).ok();
    }
}
