//! Figures for `/sys/power/suspend_stats` and `/sys/power/freeze_stats`.
//!
//! Read next: `freezer/sweep.rs`, which makes the records.

use core::fmt::{Display, Formatter, Result as FmtResult};

use kernel_abi::Errno;

use crate::freezer::{Outcome, Phase, Record};

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

/// A suspend that did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it failed; `None` if it was refused before the first step.
    pub step: Option<FailedStep>,
    /// What its caller is told.
    pub errno: Errno,
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
    /// The last failure's error.
    pub last_errno: Option<Errno>,
    /// The step of the last failure that came as far as a step.
    pub last_step: Option<FailedStep>,
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
            last_errno: None,
            last_step: None,
        }
    }

    /// Counts a suspend that ended well, or failed at a step, or was refused
    /// before the first.
    pub fn record(&mut self, result: Result<(), Failure>) {
        let Err(failure) = result else {
            self.success += 1;
            return;
        };
        self.fail += 1;
        self.last_errno = Some(failure.errno);
        let Some(step) = failure.step else { return };
        self.last_step = Some(step);
        match step {
            FailedStep::Freeze => self.failed_freeze += 1,
            FailedStep::Prepare => self.failed_prepare += 1,
            FailedStep::Suspend => self.failed_suspend += 1,
        }
    }
}

/// The figures of a thaw, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thaw {
    /// The clock when it began.
    pub began_ns: u64,
    /// How long it took.
    pub elapsed_ns: u64,
    /// Of that, how long its lines took to print. A freeze's lines come after
    /// its figures are taken.
    pub log_ns: u64,
}

/// The last freeze, as `/sys/power/freeze_stats` shows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct FreezeStats {
    user: Option<Record>,
    kernel: Option<Record>,
    thaw: Thaw,
    /// Tasks that need not be asked since they slept when the freeze began.
    asleep: u32,
}

impl FreezeStats {
    /// No freeze so far.
    pub const fn new() -> Self {
        Self {
            user: None,
            kernel: None,
            thaw: Thaw { began_ns: 0, elapsed_ns: 0, log_ns: 0 },
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

    /// Keeps a thaw's figures.
    pub fn record_thaw(&mut self, thaw: Thaw) {
        self.thaw = thaw;
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
    fn fmt(&self, f: &mut Formatter<'_>) -> FmtResult {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

impl Display for FreezeStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> FmtResult {
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
        let thaw_ns = self.thaw.elapsed_ns.saturating_sub(self.thaw.log_ns);
        writeln!(f, "thaw_us {}", Micros(thaw_ns))?;
        writeln!(f, "thaw_log_us {}", Micros(self.thaw.log_ns))?;
        writeln!(f, "frozen_at_ns {}", self.frozen_at_ns())?;
        writeln!(f, "thawed_at_ns {}", self.thaw.began_ns)?;
        writeln!(f, "awake {}", sum(|record| record.awake))?;
        writeln!(f, "asleep {}", self.asleep)?;
        writeln!(f, "sweeps {}", both().count())?;
        writeln!(f, "signalled {}", sum(|record| record.signalled))?;
        writeln!(f, "woken {}", sum(|record| record.woken))?;
        writeln!(f, "ipis {}", sum(|record| record.kicked))?;
        writeln!(f, "refusing {}", last.map_or(0, |record| record.refusing))
    }
}
