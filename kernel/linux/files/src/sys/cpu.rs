//! `/sys/devices/system/cpu`: which CPUs there are, how fast each is, and the
//! switch that turns it off and on (Linux's *CPU hotplug in the Kernel*).
//!
//! A write to `online` returns when the CPU is off or on. As on Linux for Arm,
//! CPU 0 is one like the others; the last one stays (`EBUSY`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::number::parse_bool;
use kernel_core::procfmt::render_cpu_list;

use super::filesystem::{make_directory, register};
use crate::attribute::{Attribute, ShowFn, StoreFn};
use kernel_machine::arch::cpu::MAX_CPUS;
use kernel_machine::arch::smp;
use kernel_task::{hotplug, queue};

const PLACE: &str = "/sys/devices/system/cpu";

/// An attribute knows no more than its functions, so each CPU has its own.
const CPUS: [(ShowFn, StoreFn, ShowFn); MAX_CPUS] = [
    files_of::<0>(),
    files_of::<1>(),
    files_of::<2>(),
    files_of::<3>(),
    files_of::<4>(),
    files_of::<5>(),
    files_of::<6>(),
    files_of::<7>(),
];

const fn files_of<const CPU: usize>() -> (ShowFn, StoreFn, ShowFn) {
    (
        || show_online(CPU),
        |text| store_online(CPU, text),
        || Ok(smp::capacity(CPU).to_string() + "\n"),
    )
}

/// Makes the files.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn init() -> Result<(), Errno> {
    let lists: [(&str, ShowFn); 5] = [
        ("online", || list(queue::active_cpus())),
        ("offline", || list(hotplug::possible_cpus() & !queue::active_cpus())),
        ("possible", || list(hotplug::possible_cpus())),
        ("present", || list(hotplug::possible_cpus())),
        ("kernel_max", || Ok((MAX_CPUS - 1).to_string() + "\n")),
    ];
    for (name, show) in lists {
        let path = format!("{PLACE}/{name}");
        register(&path, Attribute::read_only(show))?;
    }
    let numbered = CPUS.iter().enumerate().take(smp::count());
    for (cpu, (show, store, capacity)) in numbered {
        let folder = format!("{PLACE}/cpu{cpu}");
        make_directory(&folder)?;
        let capacity = Attribute::read_only(*capacity);
        register(&format!("{folder}/cpu_capacity"), capacity)?;
        if hotplug::is_supported() {
            let online = Attribute::new(*show, *store);
            register(&format!("{folder}/online"), online)?;
        }
    }
    Ok(())
}

fn list(cpus: u32) -> Result<String, Errno> {
    let mut text = Vec::new();
    render_cpu_list(&mut text, cpus.into());
    text.push(b'\n');
    String::from_utf8(text).map_err(|_| Errno::EIO)
}

fn show_online(cpu: usize) -> Result<String, Errno> {
    let is_online = queue::active_cpus() & 1 << cpu != 0;
    Ok(u8::from(is_online).to_string() + "\n")
}

fn store_online(cpu: usize, text: &[u8]) -> Result<(), Errno> {
    match parse_bool(text)? {
        true => hotplug::cpu_up(cpu),
        false => hotplug::cpu_down(cpu),
    }
}
