//! From `boot.s` to `kernel_main`, on the CPU that booted.
//!
//! The order matters: first what an exception needs (vectors, clock, CPU
//! number), then the device tree, the console it names, the log; then the
//! machine as a whole, memory, interrupts. Until memory is set up nothing
//! allocates. Whatever is wrong with the tree ends in one line on the
//! console, if there is one, and a stop ([`refuse`]).

use core::arch::global_asm;
use core::fmt::{self, Write};

use kernel_core::device_tree::{
    Console, DeviceTree, HEADER_SIZE, Machine, MachineError, SerialKind, Span,
    TreeError,
};

use super::gic::GicError;
use super::{cpu, gic, image, mmu, psci, smp, timer, trap};
use crate::drivers::{console, pl031};
use crate::log::Raw;
use crate::mm::{self, BootMemory, PhysRange};

global_asm!(include_str!("boot.s"));

/// What the rest of the kernel is told about the machine.
pub struct BootInfo {
    /// The kernel command line.
    pub command_line: &'static str,
    /// The initrd that the boot loader left, if any.
    pub initrd: Option<&'static [u8]>,
    /// The initramfs in the image; may be empty.
    pub embedded_initramfs: &'static [u8],
    /// CPUs that the machine has, of which one runs.
    pub cpu_count: usize,
    /// Seeds from the boot loader and the counter; to be hashed before use.
    pub entropy: [u8; 32],
}

/// Why the kernel cannot start.
#[derive(Clone, Copy, Debug)]
enum BootError {
    /// The address of the tree is not one.
    TreeAddress(usize),
    Tree(TreeError),
    Machine(MachineError),
    /// Firmware left `CNTFRQ_EL0` at zero.
    NoFrequency,
    TooManyRanges,
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
            BootError::TooManyRanges => {
                f.write_str("device tree: too many memory ranges")
            }
            BootError::Memory(what) => write!(f, "memory: {what}"),
            BootError::Gic(error) => {
                write!(f, "interrupt controller: {error}")
            }
        }
    }
}

/// The first Rust: `tree` and `load` are physical addresses, `ticks` the
/// counter at entry.
#[unsafe(no_mangle)]
extern "C" fn boot_start(tree: usize, load: usize, ticks: u64) -> ! {
    image::set_load_address(load);
    cpu::init(0);
    trap::init_cpu();
    crate::log::init();
    let has_clock = timer::init_clock(ticks);
    match start(tree, ticks, has_clock) {
        Ok(boot) => crate::kernel_main(boot),
        Err(error) => refuse(error),
    }
}

/// For who has bad news before the tree has named a console: tries the place
/// where QEMU `virt` has it.
pub fn ensure_console() {
    if console::is_attached() {
        return;
    }
    console::attach(&Console {
        kind: SerialKind::Pl011,
        registers: Span { start: 0x0900_0000, size: 0x1000 },
        interrupt: None,
    });
}

/// One line that says why there is no way on, and the machine stops.
pub fn refuse(why: impl fmt::Display) -> ! {
    ensure_console();
    // Not through the log: `quiet` must not hide it.
    let _ = writeln!(Raw, "Firn cannot boot: {why}");
    console::flush();
    psci::system_off()
}

fn start(
    address: usize,
    entry_ticks: u64,
    has_clock: bool,
) -> Result<BootInfo, BootError> {
    let blob = tree_blob(address)?;
    let tree = DeviceTree::new(blob).map_err(BootError::Tree)?;
    if let Some(port) = Machine::early_console(&tree) {
        console::attach(&port);
    }
    if !has_clock {
        return Err(BootError::NoFrequency);
    }
    let machine = Machine::read(&tree).map_err(BootError::Machine)?;
    psci::set_conduit(machine.conduit);
    crate::log::configure(machine.command_line);
    announce(&machine);

    let used = Span { start: address as u64, size: tree.used_size() as u64 };
    take_memory(&boot_memory(&machine, used)?)?;
    gic::init(&machine.gic).map_err(BootError::Gic)?;
    gic::init_cpu(0).map_err(BootError::Gic)?;
    timer::set_interrupt(machine.timer_interrupt);
    smp::number_cpus(&machine.cpus);
    cpu::set_online(0);
    connect_devices(&machine);
    Ok(BootInfo {
        command_line: machine.command_line,
        initrd: machine.initrd.map(linear_bytes),
        embedded_initramfs: image::initramfs(),
        cpu_count: smp::count(),
        entropy: entropy(&machine, entry_ticks),
    })
}

/// The tree's bytes in the window that boot.s mapped. The final tables keep
/// the window, and its memory is reserved, so they are good for ever.
fn tree_blob(address: usize) -> Result<&'static [u8], BootError> {
    let is_physical = address >> cpu::physical_bits() == 0;
    if address == 0 || !is_physical || !address.is_multiple_of(8) {
        return Err(BootError::TreeAddress(address));
    }
    // SAFETY: this is the address that boot.s mapped.
    let header = unsafe { mmu::tree_bytes(address, HEADER_SIZE) };
    let size = DeviceTree::claimed_size(header).map_err(BootError::Tree)?;
    // SAFETY: as above; `claimed_size` allows no more than 2 MiB.
    Ok(unsafe { mmu::tree_bytes(address, size) })
}

fn announce(machine: &Machine<'_>) {
    let load = image::physical();
    log::info!("Firn {} on {}", env!("CARGO_PKG_VERSION"), machine.model);
    log::info!("Command line: {}", machine.command_line);
    log::info!("image at {:#x}, {} KiB", load.start, load.len() >> 10);
    for span in machine.memory.iter() {
        log::info!("memory {:#x}, {} KiB", span.start, span.size >> 10);
    }
}

/// What of the memory is free, from all that the tree says.
fn boot_memory(
    machine: &Machine<'_>,
    tree: Span,
) -> Result<BootMemory, BootError> {
    let image = image::physical();
    let image = Span::new(image.start as u64, image.len() as u64);
    let holds = |span: Span| image.is_some_and(|image| span.contains(image));
    if !machine.memory.iter().any(holds) {
        return Err(BootError::Memory("the kernel does not lie in it"));
    }
    let mut memory = BootMemory::default();
    let full = |_| BootError::TooManyRanges;
    for span in machine.memory.iter() {
        memory.ram.insert(range(span).shrink_to_pages()).map_err(full)?;
    }
    for reservation in machine.reserved.iter() {
        let range = range(reservation.span).grow_to_pages();
        if reservation.is_hidden {
            memory.ram.remove(range).map_err(full)?;
        } else {
            memory.reserved.insert(range).map_err(full)?;
        }
    }
    for span in machine.initrd.into_iter().chain([tree]) {
        let range = range(span).grow_to_pages();
        memory.reserved.insert(range).map_err(full)?;
    }
    Ok(memory)
}

fn range(span: Span) -> PhysRange {
    PhysRange::new(span.start, span.end())
}

/// The final kernel tables, then frames and heap.
fn take_memory(memory: &BootMemory) -> Result<(), BootError> {
    let tables = mm::map::build(memory).map_err(BootError::Memory)?;
    // SAFETY: nothing but this CPU runs, and the new tables map the image
    // and the device window as the ones in use do.
    unsafe { mmu::replace_kernel_tables(tables as usize) };
    mm::init(memory).map_err(BootError::Memory)
}

fn connect_devices(machine: &Machine<'_>) {
    if let Some(interrupt) = machine.console.and_then(|port| port.interrupt) {
        console::connect(interrupt);
    }
    let Some(clock) = machine.clock else { return };
    let start = clock.registers.start;
    if let Some(base) = mmu::map_device(start, pl031::SIZE) {
        // SAFETY: a PL031 by the word of the device tree; mapped for ever.
        unsafe { pl031::attach(base, clock.interrupt) };
    }
}

/// Memory that the boot loader filled, through the linear map.
fn linear_bytes(span: Span) -> &'static [u8] {
    let start = mm::map::linear(span.start);
    // SAFETY: inside memory (`Machine::read` checked), reserved above, so
    // mapped for ever and owned by nobody.
    unsafe { core::slice::from_raw_parts(start, span.size as usize) }
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
