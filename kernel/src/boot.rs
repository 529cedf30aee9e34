//! From the device tree to a machine that can run threads.
//!
//! The order matters: first the console that the tree names, so that whatever
//! is wrong can be told; then the machine as a whole, memory, interrupts,
//! devices. Until memory is set up nothing allocates. Whatever is wrong with
//! the tree ends in one line on the console and a stop
//! ([`panic::refuse`](kernel_machine::panic::refuse)).
//!
//! Read next: `kernel/core/src/device_tree/machine.rs` (what is read),
//! `kernel/core/src/memory/layout.rs` (which memory is free), `start.rs`.

use core::fmt;

use kernel_core::command_line::CommandLine;
use kernel_core::device_tree::{
    DeviceTree, HEADER_SIZE, Machine, MachineError, Span, TreeError,
};
use kernel_core::memory::layout::{BootMemory, LayoutError};

use crate::start::{self, BootInfo};
use kernel_machine::arch::boot::Handover;
use kernel_machine::arch::gic::{self, GicError};
use kernel_machine::arch::{cpu, image, psci, smp, timer};
use kernel_machine::drivers::{console, light, pl031, watchdog};
use kernel_machine::mm::{self, map};
use kernel_machine::panic;

/// Why the kernel cannot start.
#[derive(Clone, Copy, Debug)]
enum BootError {
    /// The address of the tree is not one.
    TreeAddress(usize),
    Tree(TreeError),
    Machine(MachineError),
    /// Firmware left `CNTFRQ_EL0` at zero.
    NoFrequency,
    Layout(LayoutError),
    Memory(&'static str),
    Gic(GicError),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootError::TreeAddress(address) => {
                write!(f, "no device tree at {address:#x}")
            }
            BootError::Tree(error) => write!(f, "device tree: {error}"),
            BootError::Machine(error) => write!(f, "device tree: {error}"),
            BootError::NoFrequency => f.write_str("CNTFRQ_EL0 is zero"),
            BootError::Layout(error) => write!(f, "memory: {error}"),
            BootError::Memory(what) => write!(f, "memory: {what}"),
            BootError::Gic(error) => {
                write!(f, "interrupt controller: {error}")
            }
        }
    }
}

/// Where `arch::boot` hands over: one CPU, exceptions are caught, interrupts
/// masked.
pub fn kernel_main(handover: Handover) -> ! {
    kernel_machine::log::init();
    match boot(&handover) {
        Ok(info) => start::start(info),
        Err(error) => panic::refuse(error),
    }
}

fn boot(handover: &Handover) -> Result<BootInfo, BootError> {
    let blob = tree_blob(handover)?;
    let tree = DeviceTree::new(blob).map_err(BootError::Tree)?;
    attach_console(&tree);
    if !handover.has_clock {
        return Err(BootError::NoFrequency);
    }
    let machine = Machine::read(&tree).map_err(BootError::Machine)?;
    psci::set_conduit(machine.conduit);
    kernel_machine::log::configure(machine.command_line);
    announce(&machine);

    let address = handover.tree_address() as u64;
    let used = Span { start: address, size: tree.used_size() as u64 };
    let memory = BootMemory::new(&machine, image_span(), used)
        .map_err(BootError::Layout)?;
    mm::init(&memory).map_err(BootError::Memory)?;
    gic::init(&machine.gic).map_err(BootError::Gic)?;
    gic::init_cpu(0).map_err(BootError::Gic)?;
    timer::set_interrupt(machine.timer_interrupt);
    smp::number_cpus(&machine.cpus, most_cpus(machine.command_line));
    cpu::set_online(0);
    connect_devices(&machine);
    let initrd = machine.initrd.map(|span| {
        map::boot_bytes(span.start, span.size)
            .ok_or(BootError::Machine(MachineError::BadInitrd))
    });
    Ok(BootInfo {
        command_line: machine.command_line,
        initrd: initrd.transpose()?,
        embedded_initramfs: image::initramfs(),
        cpu_count: smp::count(),
        entropy: entropy(&machine, handover.ticks),
    })
}

/// The tree's bytes. Their memory is reserved, so they are good for ever.
fn tree_blob(handover: &Handover) -> Result<&'static [u8], BootError> {
    let bad_address = BootError::TreeAddress(handover.tree_address());
    let header = handover.tree_bytes(HEADER_SIZE).ok_or(bad_address)?;
    let size = DeviceTree::claimed_size(header).map_err(BootError::Tree)?;
    handover.tree_bytes(size).ok_or(bad_address)
}

/// The console that the tree names; if it names none that can be used, the one
/// that the board is known to have.
fn attach_console(tree: &DeviceTree<'_>) {
    let known = || {
        let is_ours = |name: &str| tree.root().is_compatible(&[name]);
        kernel_core::board::by_name(image::boards(), is_ours)
    };
    let named = Machine::early_console(tree);
    if named.is_some_and(|port| console::attach(&port)) {
        return;
    }
    let is_attached = known().is_some_and(|port| console::attach(&port));
    if let (Some(port), true) = (named, is_attached) {
        let start = port.registers.start;
        log::warn!("console: {start:#x} is out of range; the board's is used");
    }
}

fn announce(machine: &Machine<'_>) {
    let load = image::physical();
    log::info!("Firn {} on {}", env!("CARGO_PKG_VERSION"), machine.model);
    log::info!("Command line: {}", machine.command_line);
    for word in CommandLine::new(machine.command_line).wrong() {
        log::warn!("Command line: {word} makes no sense, ignored");
    }
    log::info!("image at {:#x}, {} KiB", load.start, load.len() >> 10);
    for span in machine.memory.iter() {
        log::info!("memory {:#x}, {} KiB", span.start, span.size >> 10);
    }
}

/// How many CPUs the command line allows.
fn most_cpus(command_line: &str) -> usize {
    let number = CommandLine::new(command_line).number("nr_cpus");
    number.unwrap_or(usize::MAX)
}

fn image_span() -> Span {
    let image = image::physical();
    Span { start: image.start as u64, size: image.len() as u64 }
}

fn connect_devices(machine: &Machine<'_>) {
    if let Some(interrupt) = machine.console.and_then(|port| port.interrupt) {
        console::connect(interrupt);
    }
    if let Some(clock) = machine.clock {
        pl031::attach(clock);
    }
    if let Some(status) = &machine.status_light {
        light::attach(status);
    }
    if let Some(registers) = machine.watchdog {
        watchdog::attach(registers);
    }
}

/// All the seeds there are, folded into 32 bytes.
fn entropy(machine: &Machine<'_>, entry_ticks: u64) -> [u8; 32] {
    let counters = [entry_ticks.to_le_bytes(), timer::ticks().to_le_bytes()];
    let seeds = machine.seeds.iter().copied().flatten();
    let mut bytes = [0; 32];
    for (index, byte) in seeds.chain(counters.as_flattened()).enumerate() {
        bytes[index % 32] ^= byte;
    }
    bytes
}
