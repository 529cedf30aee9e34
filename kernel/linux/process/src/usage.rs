//! What processes used: time, faults, switches.

use kernel_abi::time::{Rusage, Timeval};

/// Nanoseconds in a tick of `times` and of `/proc` (`CLK_TCK` is 100).
pub const TICK_NS: u64 = 10_000_000;

/// Sums over threads or processes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Usage {
    /// Nanoseconds in user mode.
    pub user_ns: u64,
    /// Nanoseconds in the kernel.
    pub system_ns: u64,
    /// Page faults.
    pub faults: u64,
    /// Switches by own sleep.
    pub voluntary: u64,
    /// Switches for others' turn.
    pub involuntary: u64,
    /// Most pages resident at once, of any one process.
    pub peak_pages: u64,
}

impl Usage {
    /// Adds what `other` used.
    pub fn add(&mut self, other: &Usage) {
        self.user_ns += other.user_ns;
        self.system_ns += other.system_ns;
        self.faults += other.faults;
        self.voluntary += other.voluntary;
        self.involuntary += other.involuntary;
        self.peak_pages = self.peak_pages.max(other.peak_pages);
    }

    /// As `getrusage` gives it.
    pub fn to_rusage(self) -> Rusage {
        Rusage {
            utime: Timeval::from_ns(self.user_ns),
            stime: Timeval::from_ns(self.system_ns),
            maxrss: (self.peak_pages * 4) as i64,
            minflt: self.faults as i64,
            nvcsw: self.voluntary as i64,
            nivcsw: self.involuntary as i64,
            ..Rusage::default()
        }
    }
}

/// Which time counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CpuTime {
    /// That in user mode.
    Virtual,
    /// That in the kernel, too.
    Profile,
    /// Same, exact (`CPUCLOCK_SCHED`).
    Scheduled,
}

impl CpuTime {
    /// So much of what was used.
    pub fn of(self, usage: &Usage) -> u64 {
        match self {
            CpuTime::Virtual => usage.user_ns,
            CpuTime::Profile | CpuTime::Scheduled => {
                usage.user_ns + usage.system_ns
            }
        }
    }
}
