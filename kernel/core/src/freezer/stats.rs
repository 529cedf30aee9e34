//! Figures for `/sys/power/suspend_stats` and `/sys/power/freeze_stats`.
//!
//! Read next: `sweep.rs`, which makes the records.

use core::fmt::{Display, Formatter, Result};

use kernel_abi::Errno;

use super::host::Phase;
use super::sweep::{Outcome, Record};

/// The step at which a suspend failed, with Linux's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedStep {
    /// Tasks refused.
    Freeze,
    /// The preparation.
    Prepare,
    /// Devices.
    Suspend,
}

impl FailedStep {
    /// As `last_failed_step` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Prepare => "prepare",
            Self::Suspend => "suspend",
        }
    }
}

/// Suspends that went well and that did not.
#[derive(Clone, Copy, Debug, Default)]
pub struct SuspendStats {
    /// Went through and came back.
    pub success: u32,
    /// Failed at any step.
    pub fail: u32,
    /// Of those, at freezing.
    pub failed_freeze: u32,
    /// Of those, at the preparation.
    pub failed_prepare: u32,
    /// Of those, at devices.
    pub failed_suspend: u32,
    /// The last failure.
    pub last_failed: Option<(FailedStep, Errno)>,
}

impl SuspendStats {
    /// No suspend so far.
    pub const fn new() -> Self {
        Self {
            success: 0,
            fail: 0,
            failed_freeze: 0,
            failed_prepare: 0,
            failed_suspend: 0,
            last_failed: None,
        }
    }

    /// Counts a suspend that ended well, or failed at a step.
    pub fn record(
        &mut self,
        result: core::result::Result<(), (FailedStep, Errno)>,
    ) {
        let Err((step, errno)) = result else {
            self.success += 1;
            return;
        };
        self.fail += 1;
        self.last_failed = Some((step, errno));
        match step {
            FailedStep::Freeze => self.failed_freeze += 1,
            FailedStep::Prepare => self.failed_prepare += 1,
            FailedStep::Suspend => self.failed_suspend += 1,
        }
    }
}

/// The last freeze, as `/sys/power/freeze_stats` shows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct FreezeStats {
    user: Option<Record>,
    kernel: Option<Record>,
    thaw_ns: u64,
    /// The clock when the thaw began.
    thawed_at_ns: u64,
    /// Tasks that need not be asked since they slept when the freeze began.
    asleep: u32,
}

impl FreezeStats {
    /// No freeze so far.
    pub const fn new() -> Self {
        Self {
            user: None,
            kernel: None,
            thaw_ns: 0,
            thawed_at_ns: 0,
            asleep: 0,
        }
    }

    /// Keeps a phase's figures; `tasks` exist in all. A user phase begins a
    /// new freeze.
    pub fn record(&mut self, record: &Record, tasks: u32) {
        match record.phase {
            Phase::User => {
                self.user = Some(*record);
                self.kernel = None;
                self.asleep = tasks.saturating_sub(record.awake);
            }
            Phase::Kernel => self.kernel = Some(*record),
        }
    }

    /// Keeps when a thaw began and how long it took, in nanoseconds.
    pub fn record_thaw(&mut self, start_ns: u64, elapsed_ns: u64) {
        self.thawed_at_ns = start_ns;
        self.thaw_ns = elapsed_ns;
    }

    /// The clock when the last user task stood still, in nanoseconds; 0 if
    /// not all did.
    fn frozen_at_ns(&self) -> u64 {
        let all_frozen = |record: &&Record| record.outcome == Outcome::Frozen;
        let user = self.user.as_ref().filter(all_frozen);
        user.map_or(0, |record| record.ended_ns)
    }
}

/// Nanoseconds, shown as microseconds with three places.
struct Micros(u64);

impl Display for Micros {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

impl Display for FreezeStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let both = || self.user.iter().chain(self.kernel.iter());
        let last = both().last();
        let outcome = match last.map(|record| record.outcome) {
            None => "none",
            Some(Outcome::Frozen) => "frozen",
            Some(Outcome::TimedOut) => "failed",
            Some(Outcome::Aborted) => "aborted",
        };
        let us = |record: &Option<Record>| {
            Micros(record.map_or(0, |record| record.elapsed_ns))
        };
        let sum = |of: fn(&Record) -> u32| both().map(of).sum::<u32>();
        writeln!(f, "outcome {outcome}")?;
        writeln!(f, "user_us {}", us(&self.user))?;
        writeln!(f, "kernel_us {}", us(&self.kernel))?;
        writeln!(f, "thaw_us {}", Micros(self.thaw_ns))?;
        writeln!(f, "frozen_at_ns {}", self.frozen_at_ns())?;
        writeln!(f, "thawed_at_ns {}", self.thawed_at_ns)?;
        writeln!(f, "awake {}", sum(|record| record.awake))?;
        writeln!(f, "asleep {}", self.asleep)?;
        writeln!(f, "sweeps {}", both().count())?;
        writeln!(f, "signalled {}", sum(|record| record.signalled))?;
        writeln!(f, "woken {}", sum(|record| record.woken))?;
        writeln!(f, "ipis {}", sum(|record| record.kicked))?;
        writeln!(f, "refusing {}", last.map_or(0, |record| record.refusing))
    }
}
