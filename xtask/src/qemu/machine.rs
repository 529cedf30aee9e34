//! The machine QEMU plays, and the command line that says so.
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::screen::Screen;

/// The program that plays it.
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

/// A QEMU `virt` machine with Firn in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The boot image.
    pub image: PathBuf,
    /// Number of CPUs.
    pub cpus: u32,
    /// Size of memory as QEMU reads it, such as `1G`.
    pub memory: String,
    /// Model of the CPUs.
    pub cpu: String,
    /// Version of the interrupt controller, 2 or 3.
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
    pub fn new(image: PathBuf) -> Machine {
        Machine {
            image,
            cpus: 4,
            memory: "1G".into(),
            cpu: "cortex-a72".into(),
            gic: 3,
            command_line: String::new(),
            initrd: None,
            has_el2: false,
            placement: None,
            firmware: None,
            is_repeatable: false,
            waits_for_gdb: false,
        }
    }

    /// QEMU's arguments, but for the serial port.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut all = Vec::new();
        let mut option = |name: &str, value: OsString| {
            all.extend([OsString::from(name), value]);
        };
        option("-M", self.board().into());
        option("-cpu", (&self.cpu).into());
        option("-smp", self.cpus.to_string().into());
        option("-m", (&self.memory).into());
        option("-display", "none".into());
        option("-nic", "none".into());
        match (&self.firmware, &self.placement) {
            (Some(firmware), _) => firmware.options(&mut option),
            (None, Some(placement)) => placement.options(&mut option),
            (None, None) => option("-kernel", (&self.image).into()),
        }
        if self.firmware.is_none() {
            self.kernel_options(&mut option);
        }
        all.push("-no-reboot".into());
        if self.is_repeatable {
            all.extend(REPEATABLE.map(OsString::from));
        }
        if self.waits_for_gdb {
            all.extend(["-s", "-S"].map(OsString::from));
        }
        all
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

    fn board(&self) -> String {
        let el2 = if self.has_el2 { ",virtualization=on" } else { "" };
        format!("virt,gic-version={}{el2}", self.gic)
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
    pub fn command(&self, serial: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", QEMU]);
        command.args(self.arguments());
        command.args(["-serial", serial]);
        if !serial.starts_with("mon:") {
            command.args(["-monitor", "none"]);
        }
        command
    }
}
