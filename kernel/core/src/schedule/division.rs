//! How the time of a task, or of a CPU, divides into user mode and kernel.
//!
//! Where the two change is too busy a place for a clock, so ticks tell them
//! apart: time between two of them counts as spent where the second one found
//! the task, as in Linux without exact accounting. Until then it stands for
//! time in user mode. What was told as such is never taken back, or a timer
//! of that time would have more left than it was set to; the kernel's share
//! is then short of less than a tick.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

/// What divides the time of one task, or of one CPU.
///
/// # Locks
/// All calls for one division take turns, under a run queue's lock: the values
/// are atomic only because that lock is not around them.
pub struct Division {
    /// Nanoseconds that ticks charged to the kernel.
    system_ns: AtomicU64,
    /// Most nanoseconds in user mode that were told.
    user_ns: AtomicU64,
}

impl Division {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { system_ns: AtomicU64::new(0), user_ns: AtomicU64::new(0) }
    }

    /// A tick found the kernel at work, since `ran_ns` ago.
    pub fn charge_system(&self, ran_ns: u64) {
        let system_ns = self.system_ns.load(Relaxed) + ran_ns;
        self.system_ns.store(system_ns, Relaxed);
    }

    /// Nanoseconds in user mode and in the kernel, of `total_ns` so far.
    /// Neither ever goes back if the total does not.
    pub fn divide(&self, total_ns: u64) -> (u64, u64) {
        let rest_ns = total_ns.saturating_sub(self.system_ns.load(Relaxed));
        let told_ns = self.user_ns.load(Relaxed).min(total_ns);
        let user_ns = rest_ns.max(told_ns);
        self.user_ns.store(user_ns, Relaxed);
        (user_ns, total_ns - user_ns)
    }
}

impl Default for Division {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Division;

    #[test]
    fn ticks_tell_where_time_went() {
        let division = Division::new();
        assert_eq!(division.divide(4), (4, 0));
        assert_eq!(division.divide(10), (10, 0));
        division.charge_system(6);
        assert_eq!(division.divide(20), (14, 6));
    }

    #[test]
    fn no_time_goes_back() {
        let division = Division::new();
        let mut before = division.divide(100);
        for turn in 1..1_000 {
            if turn % 3 != 0 {
                division.charge_system(7);
            }
            let told = division.divide(100 + turn * 7);
            assert!(told.0 >= before.0 && told.1 >= before.1);
            assert_eq!(told.0 + told.1, 100 + turn * 7);
            before = told;
        }
        // The kernel has its two thirds, but for what was told too early.
        assert!(before.1 > 666 * 7 - 100 - 7);
    }
}
