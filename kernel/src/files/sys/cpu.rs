//! `/sys/devices/system/cpu`: which processors there are and which run.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::procfmt::render_cpu_list;

use super::{Attribute, make_directory, register};
use crate::arch::cpu::MAX_CPUS;
use crate::arch::smp;
use crate::files::attribute::ShowFn;
use crate::task::queue;

const PLACE: &str = "/sys/devices/system/cpu";

pub(super) fn init() -> Result<(), Errno> {
    let files: [(&str, ShowFn); 5] = [
        ("online", || list(queue::online_cpus())),
        ("offline", || list(present() & !queue::online_cpus())),
        ("present", || list(present())),
        ("possible", || list(present())),
        ("kernel_max", || Ok(format!("{}\n", MAX_CPUS - 1))),
    ];
    for (name, show) in files {
        let path = format!("{PLACE}/{name}");
        register(&path, Attribute::read_only(show))?;
    }
    for number in (0..MAX_CPUS).filter(|it| present() >> it & 1 != 0) {
        make_directory(&format!("{PLACE}/cpu{number}"))?;
    }
    Ok(())
}

/// CPUs that the machine has, bit n for CPU n.
fn present() -> u32 {
    (1 << smp::count()) - 1
}

fn list(cpus: u32) -> Result<String, Errno> {
    let mut text = Vec::new();
    render_cpu_list(&mut text, cpus.into());
    text.push(b'\n');
    String::from_utf8(text).map_err(|_| Errno::EIO)
}
