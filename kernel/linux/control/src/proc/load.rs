//! Files in `/proc` about time and processors: `uptime`, `loadavg`, `stat`,
//! `cpuinfo`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::time::NS_PER_S;
use kernel_core::procfmt::load::LoadAverage;
use kernel_core::procfmt::system::{
    CpuInfo, CpuTimes, SystemStat, render_loadavg, render_uptime,
};

use super::tree::base;
use kernel_files::attribute::{Attribute, ShowFn};
use kernel_files::clock;
use kernel_machine::arch::{self, cpu, gic};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::{queue, state, table};

static LOAD: SpinLock<LoadAverage> =
    SpinLock::with_rank(Rank::Device, LoadAverage::new());

pub(super) fn init() -> Result<(), Errno> {
    let files: [(&str, ShowFn); 5] = [
        ("uptime", uptime),
        ("loadavg", load_average),
        ("stat", statistics),
        ("cpuinfo", processors),
        ("interrupts", interrupts),
    ];
    for (path, show) in files {
        base().tree.add(path, Attribute::read_only(show))?;
    }
    Ok(())
}

fn to_text(render: impl FnOnce(&mut Vec<u8>)) -> Result<String, Errno> {
    let mut text = Vec::new();
    render(&mut text);
    String::from_utf8(text).map_err(|_| Errno::EIO)
}

fn online() -> impl Iterator<Item = usize> {
    let online = queue::online_cpus();
    (0..cpu::MAX_CPUS).filter(move |cpu| online >> cpu & 1 != 0)
}

/// Tasks that sleep uninterruptibly.
fn blocked() -> usize {
    let is_blocked = state::UNINTERRUPTIBLE;
    let tasks = table::all();
    tasks.iter().filter(|task| task.state() & is_blocked != 0).count()
}

/// The load average, brought up to date.
pub fn load() -> LoadAverage {
    let active = queue::runnable() + blocked();
    let mut load = LOAD.lock();
    load.update(arch::timer::now_ns(), active as u64);
    *load
}

fn uptime() -> Result<String, Errno> {
    let idle = online().map(|cpu| queue::statistics(cpu).idle_ns).sum();
    to_text(|text| render_uptime(text, arch::timer::now_ns(), idle))
}

fn load_average() -> Result<String, Errno> {
    let (load, runnable) = (load(), queue::runnable());
    let (tasks, last) = (table::count(), table::last_id());
    to_text(|text| render_loadavg(text, &load, runnable, tasks, last))
}

fn statistics() -> Result<String, Errno> {
    let mut switches = 0;
    let mut cpus = Vec::new();
    for cpu in online() {
        let figures = queue::statistics(cpu);
        switches += figures.switches;
        let times = CpuTimes {
            user: figures.user_ns,
            system: figures.system_ns,
            idle: figures.idle_ns,
            ..CpuTimes::default()
        };
        cpus.push((cpu, times));
    }
    let stat = SystemStat {
        cpus: &cpus,
        interrupts: gic::handled().map(sum_of).sum(),
        switches,
        boot_time: clock::boot_time_ns() / NS_PER_S,
        forks: table::last_id().into(),
        running: queue::runnable(),
        blocked: blocked(),
    };
    to_text(|text| stat.render(text))
}

/// How often an interrupt was taken on all CPUs.
fn sum_of(interrupt: u32) -> u64 {
    let taken = |cpu| u64::from(gic::taken(cpu, interrupt));
    (0..cpu::MAX_CPUS).map(taken).sum()
}

/// One line for each interrupt that has a handler, one column for each CPU.
fn interrupts() -> Result<String, Errno> {
    let mut text = String::from("    ");
    for cpu in online() {
        text += &format!("       CPU{cpu}");
    }
    text.push('\n');
    let version = gic::version();
    for interrupt in gic::handled() {
        match interrupt {
            0..16 => text += &format!("IPI{interrupt}:"),
            _ => text += &format!("{interrupt:>3}:"),
        }
        for cpu in online() {
            text += &format!(" {:>10}", gic::taken(cpu, interrupt));
        }
        match interrupt {
            0 => text += "       Rescheduling interrupts\n",
            1 => text += "       CPU stop interrupts\n",
            2..16 => text += "\n",
            _ => {
                let own = arch::timer::interrupt();
                let name =
                    if interrupt == own { "arch_timer" } else { "device" };
                text += &format!(
                    "     GICv{version} {interrupt:>3} Level     {name}\n"
                );
            }
        }
    }
    Ok(text)
}

fn processors() -> Result<String, Errno> {
    let names: Vec<&str> = cpu::all_have().names().collect();
    let features = names.join(" ");
    to_text(|text| {
        for number in online() {
            let info = CpuInfo {
                number,
                counter_hz: arch::timer::frequency(),
                features: &features,
                midr: cpu::model_of(number),
            };
            info.render(text);
        }
    })
}
