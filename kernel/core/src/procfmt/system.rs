//! `/proc/uptime`, `loadavg`, `stat`, `cpuinfo` and `mounts`.

use alloc::vec::Vec;

use super::load::{FRACTION_BITS, LoadAverage};
use super::{NS_PER_TICK, escape, text};

#[cfg(test)]
mod tests;

/// `/proc/uptime`: time since boot and idle time summed over CPUs.
pub fn render_uptime(out: &mut Vec<u8>, up_ns: u64, idle_ns: u64) {
    let parts = |ns: u64| {
        let hundredths = ns / NS_PER_TICK;
        (hundredths / 100, hundredths % 100)
    };
    let ((up, up_part), (idle, idle_part)) = (parts(up_ns), parts(idle_ns));
    text!(out, "{up}.{up_part:02} {idle}.{idle_part:02}\n");
}

/// `/proc/loadavg`: averages, tasks runnable and in all, the last id given.
pub fn render_loadavg(
    out: &mut Vec<u8>,
    load: &LoadAverage,
    runnable: usize,
    tasks: usize,
    last_pid: u32,
) {
    let one = 1 << FRACTION_BITS;
    for value in load.values() {
        // Rounded to the nearest hundredth.
        let value = value + one / 200;
        let part = (value % one) * 100 / one;
        text!(out, "{}.{part:02} ", value / one);
    }
    text!(out, "{runnable}/{tasks} {last_pid}\n");
}

/// Where the time of one CPU went, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTimes {
    /// User mode, nice 0 or less.
    pub user: u64,
    /// User mode, nice above 0.
    pub nice: u64,
    /// Kernel.
    pub system: u64,
    /// Nothing to do.
    pub idle: u64,
    /// Interrupts.
    pub irq: u64,
}

impl CpuTimes {
    fn add(&mut self, other: &CpuTimes) {
        self.user += other.user;
        self.nice += other.nice;
        self.system += other.system;
        self.idle += other.idle;
        self.irq += other.irq;
    }

    fn render(&self, out: &mut Vec<u8>) {
        let ticks = |ns: u64| ns / NS_PER_TICK;
        text!(out, "{} {} ", ticks(self.user), ticks(self.nice));
        text!(out, "{} {} ", ticks(self.system), ticks(self.idle));
        text!(out, "0 {} 0 0 0 0\n", ticks(self.irq));
    }
}

/// `/proc/stat`.
#[derive(Clone, Copy, Debug)]
pub struct SystemStat<'a> {
    /// Per CPU that is online, its number and times.
    pub cpus: &'a [(usize, CpuTimes)],
    /// Interrupts taken.
    pub interrupts: u64,
    /// Switches between tasks.
    pub switches: u64,
    /// Seconds since 1970 at boot.
    pub boot_time: u64,
    /// Tasks made since boot.
    pub forks: u64,
    /// Tasks that run or could run.
    pub running: usize,
    /// Tasks that sleep uninterruptibly.
    pub blocked: usize,
}

impl SystemStat<'_> {
    /// The file.
    pub fn render(&self, out: &mut Vec<u8>) {
        let mut sum = CpuTimes::default();
        self.cpus.iter().for_each(|(_, times)| sum.add(times));
        text!(out, "cpu  ");
        sum.render(out);
        for (number, times) in self.cpus {
            text!(out, "cpu{number} ");
            times.render(out);
        }
        text!(out, "intr {}\nctxt {}\n", self.interrupts, self.switches);
        text!(out, "btime {}\n", self.boot_time);
        text!(out, "processes {}\n", self.forks);
        text!(out, "procs_running {}\n", self.running);
        text!(out, "procs_blocked {}\n", self.blocked);
    }
}

/// One processor of `/proc/cpuinfo`.
#[derive(Clone, Copy, Debug)]
pub struct CpuInfo<'a> {
    /// Number.
    pub number: usize,
    /// Frequency of the system counter.
    pub counter_hz: u64,
    /// Names of features, separated by blanks.
    pub features: &'a str,
    /// `MIDR_EL1`.
    pub midr: u64,
}

impl CpuInfo<'_> {
    /// The paragraph, with an empty line behind it.
    pub fn render(&self, out: &mut Vec<u8>) {
        // Linux takes the counter for the delay loop: two steps a loop.
        let hundredths = self.counter_hz * 2 / 10_000;
        let (whole, part) = (hundredths / 100, hundredths % 100);
        let field =
            |shift: u32, bits: u32| self.midr >> shift & ((1 << bits) - 1);
        text!(out, "processor\t: {}\n", self.number);
        text!(out, "BogoMIPS\t: {whole}.{part:02}\n");
        text!(out, "Features\t: {}\n", self.features);
        text!(out, "CPU implementer\t: 0x{:02x}\n", field(24, 8));
        text!(out, "CPU architecture: 8\n");
        text!(out, "CPU variant\t: 0x{:x}\n", field(20, 4));
        text!(out, "CPU part\t: 0x{:03x}\n", field(4, 12));
        text!(out, "CPU revision\t: {}\n\n", field(0, 4));
    }
}

/// One line of `/proc/PID/mountinfo`.
#[derive(Clone, Copy, Debug)]
pub struct MountDetails<'a> {
    /// Which mount.
    pub id: u32,
    /// The mount that it stands on; 0 for none.
    pub parent: u32,
    /// Major and minor number of the file system's device.
    pub device: [u32; 2],
    /// Where it is mounted.
    pub target: &'a [u8],
    /// Options, separated by commas.
    pub options: &'a [u8],
    /// Kind of file system.
    pub kind: &'a [u8],
    /// Device, or any word.
    pub source: &'a [u8],
}

impl MountDetails<'_> {
    /// The line.
    pub fn render(&self, out: &mut Vec<u8>) {
        const SPECIAL: &[u8] = b" \t\n\\#";
        let [major, minor] = self.device;
        let (id, parent) = (self.id, self.parent);
        text!(out, "{id} {parent} {major}:{minor} / ");
        escape(out, self.target, SPECIAL);
        out.push(b' ');
        out.extend_from_slice(self.options);
        text!(out, " - ");
        for field in [self.kind, self.source] {
            escape(out, field, SPECIAL);
            out.push(b' ');
        }
        out.extend_from_slice(self.options);
        out.push(b'\n');
    }
}

/// One line of `/proc/mounts`.
#[derive(Clone, Copy, Debug)]
pub struct Mount<'a> {
    /// Device, or any word.
    pub source: &'a [u8],
    /// Where it is mounted.
    pub target: &'a [u8],
    /// Kind of file system.
    pub kind: &'a [u8],
    /// Options, separated by commas.
    pub options: &'a [u8],
}

impl Mount<'_> {
    /// The line.
    pub fn render(&self, out: &mut Vec<u8>) {
        for field in [self.source, self.target, self.kind, self.options] {
            escape(out, field, b" \t\n\\#");
            out.push(b' ');
        }
        text!(out, "0 0\n");
    }
}
