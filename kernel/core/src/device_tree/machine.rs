//! What the kernel takes from a device tree: the machine in one value.
//!
//! Nothing here trusts the tree. Ranges that overflow are left out, lists
//! that are too long are an error, and what the kernel cannot run without is
//! asked for by name, so that a bad tree ends in one clear line.

use super::console::{Console, console};
use super::search::{find_on_bus, interrupt};
use super::small::{self, StatusLight};
use super::{Bus, DeviceTree, List, Node, Span};
use crate::schedule::capacity::Scale;

/// How firmware is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// `hvc`: a hypervisor, or QEMU, answers.
    Hvc,
    /// `smc`: firmware at EL3 answers.
    Smc,
}

/// A CPU that may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its affinity, `MPIDR_EL1` without flags.
    pub affinity: u64,
    /// Speed; 1024 for the fastest kind, and where the tree says nothing.
    pub capacity: u32,
}

/// The interrupt controller's registers.
#[derive(Clone, Copy, Debug)]
pub enum Gic {
    /// Version 2: distributor and interface of the reading CPU.
    V2 {
        /// Distributor registers.
        distributor: Span,
        /// CPU interface registers.
        cpu_interface: Span,
    },
    /// Version 3 or 4: distributor and regions of redistributors.
    V3 {
        /// Distributor registers.
        distributor: Span,
        /// Regions that hold a redistributor for each CPU.
        redistributors: List<Span, 4>,
        /// Bytes from one redistributor to the next, if they do not say so
        /// themselves.
        stride: Option<u64>,
    },
}

/// Registers and interrupt of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its registers.
    pub registers: Span,
    /// Its first interrupt as an INTID.
    pub interrupt: Option<u32>,
}

/// Memory that is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Where.
    pub span: Span,
    /// Must not even be mapped (`no-map`): firmware's own.
    pub is_hidden: bool,
}

/// Why the kernel cannot run on the machine that the tree describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineError {
    /// No `/memory` node with a usable range.
    NoMemory,
    /// No `/cpus` with a CPU in it.
    NoCpu,
    /// No GICv2 or GICv3 with the registers it needs.
    NoInterruptController,
    /// No `arm,armv8-timer` with a virtual timer.
    NoTimer,
    /// More of these than the kernel keeps.
    TooMany(&'static str),
    /// The initrd is not inside memory, or ends before it starts.
    BadInitrd,
}

impl core::fmt::Display for MachineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            MachineError::NoMemory => f.write_str("no usable memory"),
            MachineError::NoCpu => f.write_str("no CPU"),
            MachineError::NoInterruptController => {
                f.write_str("no GICv2 or GICv3")
            }
            MachineError::NoTimer => f.write_str("no virtual timer"),
            MachineError::TooMany(what) => write!(f, "too many {what}"),
            MachineError::BadInitrd => f.write_str("initrd outside memory"),
        }
    }
}

/// The machine.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// Its name.
    pub model: &'a str,
    /// Memory, in the order of the tree; ranges may touch or overlap.
    pub memory: List<Span, 32>,
    /// Memory that is taken, from `/memreserve/` and `/reserved-memory`.
    pub reserved: List<Reservation, 64>,
    /// The CPUs that are enabled, in the order of the tree; the first 64.
    pub cpus: List<Cpu, 64>,
    /// How firmware is called, if there is PSCI.
    pub conduit: Option<Conduit>,
    /// The interrupt controller.
    pub gic: Gic,
    /// INTID of the virtual timer.
    pub timer_interrupt: u32,
    /// The serial port that `stdout-path` names, else the first.
    pub console: Option<Console>,
    /// A PL031 clock.
    pub clock: Option<Device>,
    /// The light that tells how the machine is.
    pub status_light: Option<StatusLight>,
    /// Registers of a watchdog.
    pub watchdog: Option<Span>,
    /// The kernel command line.
    pub command_line: &'a str,
    /// The initrd.
    pub initrd: Option<Span>,
    /// Random bytes from the boot loader, as many as it gave.
    pub seeds: [&'a [u8]; 2],
}

impl<'a> Machine<'a> {
    /// Reads the machine from a checked tree.
    ///
    /// # Errors
    /// [`MachineError`]: what is missing first.
    pub fn read(tree: &DeviceTree<'a>) -> Result<Self, MachineError> {
        let root = tree.root();
        let bus = Bus::new(root, None);
        let memory = memory(root, &bus)?;
        let (gic, cells) =
            gic(tree).ok_or(MachineError::NoInterruptController)?;
        let chosen = tree.find("/chosen");
        let text = |name| chosen.and_then(|node| node.text(name));
        let seed = |name| chosen.and_then(|node| node.property(name));
        Ok(Machine {
            model: root.text("model").unwrap_or("unknown machine"),
            reserved: reserved(tree, &bus)?,
            cpus: cpus(tree)?,
            conduit: conduit(tree),
            gic,
            timer_interrupt: timer_interrupt(tree, cells)
                .ok_or(MachineError::NoTimer)?,
            console: console(tree, cells),
            clock: find_device(tree, &["arm,pl031"], cells),
            status_light: small::status_light(tree),
            watchdog: small::watchdog(tree),
            command_line: text("bootargs").unwrap_or(""),
            initrd: initrd(chosen, &memory)?,
            seeds: ["rng-seed", "kaslr-seed"]
                .map(|name| seed(name).unwrap_or(&[])),
            memory,
        })
    }

    /// The console without its interrupt, for a caller that must print
    /// before, or about, everything else. `None` if there is none, or if its
    /// registers lie in memory: who wrote there would write to anything.
    pub fn early_console(tree: &DeviceTree<'a>) -> Option<Console> {
        let port = console(tree, 3)?;
        let root = tree.root();
        let memory = memory(root, &Bus::new(root, None)).unwrap_or_default();
        let is_memory = memory.iter().any(|r| r.overlaps(port.registers));
        (!is_memory).then_some(Console { interrupt: None, ..port })
    }

    /// The registers of every device that the kernel drives.
    pub fn devices(&self) -> impl Iterator<Item = Span> + '_ {
        let (distributor, others) = match &self.gic {
            Gic::V2 { distributor, cpu_interface } => {
                let mut others = List::new();
                let _ = others.push(*cpu_interface);
                (*distributor, others)
            }
            Gic::V3 { distributor, redistributors, .. } => {
                (*distributor, *redistributors)
            }
        };
        let console = self.console.map(|port| port.registers);
        let clock = self.clock.map(|device| device.registers);
        let light = self.status_light.map(|light| light.registers);
        let all = [Some(distributor), console, clock, light, self.watchdog];
        let more = (0..others.len()).filter_map(move |at| others.get(at));
        all.into_iter().flatten().chain(more)
    }
}

fn memory(
    root: Node<'_>,
    bus: &Bus<'_, '_>,
) -> Result<List<Span, 32>, MachineError> {
    let mut list = List::new();
    let nodes = root.children().filter(|node| {
        node.is_enabled()
            && (node.base_name() == "memory"
                || node.text("device_type") == Some("memory"))
    });
    for node in nodes {
        for span in bus.reg(node).filter(|span| span.size > 0) {
            if !list.push(span) {
                return Err(MachineError::TooMany("memory ranges"));
            }
        }
    }
    if list.is_empty() { Err(MachineError::NoMemory) } else { Ok(list) }
}

fn reserved(
    tree: &DeviceTree<'_>,
    bus: &Bus<'_, '_>,
) -> Result<List<Reservation, 64>, MachineError> {
    let mut list = List::new();
    let mut push = |span: Option<Span>, is_hidden| {
        let Some(span) = span.filter(|span| span.size > 0) else {
            return Ok(());
        };
        let pushed = list.push(Reservation { span, is_hidden });
        pushed.then_some(()).ok_or(MachineError::TooMany("reservations"))
    };
    for (start, size) in tree.memory_reservations() {
        push(Span::new(start, size), false)?;
    }
    if let Some(parent) = tree.find("/reserved-memory") {
        let bus = Bus::new(parent, Some(bus));
        for node in parent.children().filter(Node::is_enabled) {
            let is_hidden = node.property("no-map").is_some();
            for span in bus.reg(node) {
                push(Some(span), is_hidden)?;
            }
        }
    }
    Ok(list)
}

pub(super) fn cpus(
    tree: &DeviceTree<'_>,
) -> Result<List<Cpu, 64>, MachineError> {
    let mut list = List::new();
    let parent = tree.find("/cpus").ok_or(MachineError::NoCpu)?;
    let bus = Bus::new(parent, None);
    let nodes = || {
        parent.children().filter(|node| {
            node.is_enabled() && node.text("device_type") == Some("cpu")
        })
    };
    let says = |node: Node<'_>| node.word("capacity-dmips-mhz");
    let scale = Scale::new(nodes().map(says));
    for node in nodes() {
        let Some((affinity, _)) = bus.raw_reg(node).next() else { continue };
        let capacity = scale.capacity(says(node));
        if !list.push(Cpu { affinity, capacity }) {
            return Err(MachineError::TooMany("CPUs"));
        }
    }
    if list.is_empty() { Err(MachineError::NoCpu) } else { Ok(list) }
}

fn conduit(tree: &DeviceTree<'_>) -> Option<Conduit> {
    let names = ["arm,psci-1.0", "arm,psci-0.2"];
    let node = tree.nodes().find(|node| node.is_compatible(&names))?;
    match node.text("method")? {
        "hvc" => Some(Conduit::Hvc),
        "smc" => Some(Conduit::Smc),
        _ => None,
    }
}

/// The controller, and how many cells one interrupt has in the tree.
pub(super) fn gic(tree: &DeviceTree<'_>) -> Option<(Gic, usize)> {
    let v2 = ["arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a9-gic"];
    let v3 = ["arm,gic-v3"];
    let is_gic =
        |node: &Node<'_>| node.is_compatible(&v2) || node.is_compatible(&v3);
    find_on_bus(tree, is_gic, |node, bus| {
        let mut spans = bus.reg(node);
        let distributor = spans.next()?;
        let cells = node.word("#interrupt-cells").unwrap_or(3) as usize;
        let gic = if node.is_compatible(&v3) {
            let regions = node.word("#redistributor-regions").unwrap_or(1);
            let mut redistributors = List::new();
            for span in spans.take(regions as usize) {
                let _ = redistributors.push(span);
            }
            let stride = node.number("redistributor-stride");
            // Less than their registers, or not in whole pages of 64 KiB.
            let stride = stride.filter(|stride| {
                *stride >= 0x2_0000 && stride.is_multiple_of(0x1_0000)
            });
            (!redistributors.is_empty()).then_some(Gic::V3 {
                distributor,
                redistributors,
                stride,
            })?
        } else {
            Gic::V2 { distributor, cpu_interface: spans.next()? }
        };
        (3..=4).contains(&cells).then_some((gic, cells))
    })
}

fn timer_interrupt(tree: &DeviceTree<'_>, cells: usize) -> Option<u32> {
    let node = tree.nodes().find(|n| n.is_compatible(&["arm,armv8-timer"]))?;
    // Secure, physical, virtual, hypervisor.
    interrupt(node, 2, cells).filter(|id| (16..32).contains(id))
}

fn find_device(
    tree: &DeviceTree<'_>,
    names: &[&str],
    cells: usize,
) -> Option<Device> {
    let fits = |node: &Node<'_>| node.is_compatible(names) && node.is_enabled();
    find_on_bus(tree, fits, |node, bus| device(node, bus, cells))
}

fn device(node: Node<'_>, bus: &Bus<'_, '_>, cells: usize) -> Option<Device> {
    let registers = bus.reg(node).find(|span| span.size > 0)?;
    Some(Device { registers, interrupt: interrupt(node, 0, cells) })
}

fn initrd(
    chosen: Option<Node<'_>>,
    memory: &List<Span, 32>,
) -> Result<Option<Span>, MachineError> {
    let number = |name| chosen.and_then(|node| node.number(name));
    let start = number("linux,initrd-start");
    let end = number("linux,initrd-end");
    let (Some(start), Some(end)) = (start, end) else { return Ok(None) };
    if start == end {
        return Ok(None);
    }
    let size = end.checked_sub(start);
    size.and_then(|size| Span::new(start, size))
        .filter(|span| memory.iter().any(|range| range.contains(*span)))
        .map(Some)
        .ok_or(MachineError::BadInitrd)
}
