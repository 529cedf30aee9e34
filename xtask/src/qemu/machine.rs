//! The machine QEMU plays, and the command line that says so.
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use super::screen::Screen;
use crate::board::{self, Emulator};

/// The distribution's QEMU.
pub const QEMU: &str = "qemu-system-aarch64";

/// Makes a run repeatable: one instruction is one nanosecond, time stands
/// still for nobody, chance comes from a seed, and the date is fixed.
const REPEATABLE: [&str; 6] = [
    "-icount",
    "shift=0,sleep=off",
    "-seed",
    "1",
    "-rtc",
    "base=2024-01-01T00:00:00,clock=vm",
];

/// Files put into memory as they are, and where the first CPU starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Files and their addresses.
    pub files: Vec<(PathBuf, u64)>,
    /// Address of the first instruction.
    pub start: u64,
}

/// A boot loader that QEMU starts like a board's firmware, with a card to
/// boot from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// The boot loader.
    pub loader: PathBuf,
    /// The image of the card, which is not written to.
    pub card: PathBuf,
}

/// An emulated board with Firn in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What plays the board.
    pub emulator: Emulator,
    /// The boot loader whose way to load it follows, one of
    /// `emulator.loads`; its own if `None`.
    pub load: Option<String>,
    /// What else is added to the machine's name.
    pub options: String,
    /// The boot image.
    pub image: PathBuf,
    /// Number of CPUs.
    pub cpus: u32,
    /// Size of memory as QEMU reads it, such as `1G`.
    pub memory: String,
    /// Model of the CPUs, where there is a choice.
    pub cpu: Option<String>,
    /// Version of the interrupt controller, 2 or 3, where there is a choice.
    pub gic: u32,
    /// The kernel's command line.
    pub command_line: String,
    /// An archive that replaces the one in the image.
    pub initrd: Option<PathBuf>,
    /// Whether the kernel is entered at EL2 instead of EL1.
    pub has_el2: bool,
    /// Where the boot loader would put the image and the tree; QEMU's own
    /// boot loader, which reads and changes the tree, is then left out.
    pub placement: Option<Placement>,
    /// A real boot loader, which finds image, archive and command line on
    /// its card; those of this machine are then left out.
    pub firmware: Option<Firmware>,
    /// Whether time is counted in instructions.
    pub is_repeatable: bool,
    /// Whether a reset starts it again; else it ends.
    pub restarts: bool,
    /// Whether QEMU waits for gdb on port 1234 before the first instruction.
    pub waits_for_gdb: bool,
}

impl Placement {
    fn options(&self, option: &mut impl FnMut(&str, OsString)) {
        for (file, address) in &self.files {
            let mut value = OsString::from("loader,force-raw=on,file=");
            value.push(file);
            value.push(format!(",addr={address:#x}"));
            option("-device", value);
        }
        let start = format!("loader,addr={:#x},cpu-num=0", self.start);
        option("-device", start.into());
    }
}

impl Firmware {
    fn options(&self, option: &mut impl FnMut(&str, OsString)) {
        option("-bios", (&self.loader).into());
        let mut drive =
            OsString::from("if=none,id=card,format=raw,readonly=on,file=");
        // QEMU takes two commas for one.
        drive.push(self.card.to_string_lossy().replace(',', ",,"));
        option("-drive", drive);
        option("-device", "virtio-blk-device,drive=card".into());
    }
}

impl Machine {
    /// The usual machine: four Cortex-A72, 1 GiB, GIC version 3.
    ///
    /// # Errors
    /// No board describes it.
    pub fn new(image: PathBuf) -> Result<Machine> {
        Ok(Machine::of(board::usual_emulator()?, image))
    }

    /// The machine of `emulator`, as it is unless told otherwise.
    pub fn of(emulator: Emulator, image: PathBuf) -> Machine {
        Machine {
            load: None,
            options: String::new(),
            image,
            cpus: emulator.cpus,
            memory: emulator.memory.clone(),
            cpu: emulator.cpu.clone(),
            gic: 3,
            emulator,
            command_line: String::new(),
            initrd: None,
            has_el2: false,
            placement: None,
            firmware: None,
            is_repeatable: false,
            restarts: false,
            waits_for_gdb: false,
        }
    }

    /// QEMU's arguments, but for the serial port.
    ///
    /// # Errors
    /// The board's device tree is missing.
    pub fn arguments(&self) -> Result<Vec<OsString>> {
        let tree = self.emulator.find_tree()?;
        let mut all = Vec::new();
        let mut option = |name: &str, value: OsString| {
            all.extend([OsString::from(name), value]);
        };
        option("-M", self.board().into());
        if let Some(cpu) = &self.cpu {
            option("-cpu", cpu.into());
        }
        option("-smp", self.cpus.to_string().into());
        option("-m", (&self.memory).into());
        option("-display", "none".into());
        option("-nic", "none".into());
        match (&self.firmware, &self.placement) {
            (Some(firmware), _) => firmware.options(&mut option),
            (None, Some(placement)) => placement.options(&mut option),
            (None, None) => option("-kernel", (&self.image).into()),
        }
        if let Some(tree) = tree {
            option("-dtb", tree.into());
        }
        if self.firmware.is_none() {
            self.kernel_options(&mut option);
        }
        if !self.restarts {
            all.push("-no-reboot".into());
        }
        if self.is_repeatable {
            all.extend(REPEATABLE.map(OsString::from));
        }
        if self.waits_for_gdb {
            all.extend(["-s", "-S"].map(OsString::from));
        }
        Ok(all)
    }

    /// What QEMU's own boot loader hands to the kernel.
    fn kernel_options(&self, option: &mut impl FnMut(&str, OsString)) {
        if !self.command_line.is_empty() {
            option("-append", (&self.command_line).into());
        }
        if let Some(initrd) = &self.initrd {
            option("-initrd", initrd.into());
        }
    }

    /// What QEMU calls the machine, with its options.
    fn board(&self) -> String {
        let Emulator { machine, el2, loads, .. } = &self.emulator;
        let machine = machine.replace("{gic}", &self.gic.to_string());
        let el2 = el2.as_deref().filter(|_| self.has_el2);
        let load = self.load.as_ref().and_then(|name| loads.get(name));
        let load = load.map_or("", String::as_str);
        machine + el2.unwrap_or("") + load + &self.options
    }

    /// The screen before the machine starts.
    pub fn screen(&self) -> Screen {
        let now = Instant::now();
        match self.firmware {
            Some(_) => Screen::with_loader(now),
            None => Screen::new(now),
        }
    }

    /// The process to start, with the serial port at `serial`. It ends with
    /// us, however we end: an orphan would keep a CPU busy for ever.
    ///
    /// # Errors
    /// The emulator or the board's device tree is missing.
    pub fn command(&self, serial: &str) -> Result<Command> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        command.arg(self.emulator.find()?);
        command.args(self.arguments()?);
        command.args(["-serial", serial]);
        if !serial.starts_with("mon:") {
            command.args(["-monitor", "none"]);
        }
        Ok(command)
    }
}
