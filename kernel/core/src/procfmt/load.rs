//! The load average: how many tasks wanted to run, lately.
//!
//! Every five seconds the number of runnable tasks enters three averages that
//! forget with time constants of 1, 5 and 15 minutes, in fixed point as in
//! Linux's `kernel/sched/loadavg.c`. No tick is needed: whoever looks brings
//! the averages up to date.

/// Bits after the point.
pub const FRACTION_BITS: u32 = 11;
const ONE: u64 = 1 << FRACTION_BITS;
const PERIOD_NS: u64 = 5_000_000_000;
/// What is left of a value after a period: e^(-5 s / 1, 5, 15 min).
const DECAY: [u64; 3] = [1884, 2014, 2037];
/// After this many periods nothing of the past is left.
const FORGOTTEN: u64 = 5000;

/// The three averages.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadAverage {
    values: [u64; 3],
    updated_ns: u64,
}

impl LoadAverage {
    /// No load so far, at time 0.
    pub const fn new() -> Self {
        LoadAverage { values: [0; 3], updated_ns: 0 }
    }

    /// Accounts for the time until `now_ns`, in which `active` tasks ran,
    /// were runnable or slept uninterruptibly.
    pub fn update(&mut self, now_ns: u64, active: u64) {
        let elapsed = now_ns.saturating_sub(self.updated_ns);
        let periods = elapsed / PERIOD_NS;
        self.updated_ns += periods * PERIOD_NS;
        for (value, decay) in self.values.iter_mut().zip(DECAY) {
            for _ in 0..periods.min(FORGOTTEN) {
                *value = step(*value, decay, active * ONE);
            }
        }
    }

    /// The averages over 1, 5 and 15 minutes, with 11 bits after the point.
    pub fn values(&self) -> [u64; 3] {
        self.values
    }

    /// The averages as `sysinfo` gives them, with 16 bits after the point.
    pub fn for_sysinfo(&self) -> [u64; 3] {
        self.values.map(|value| value << (16 - FRACTION_BITS))
    }
}

/// Rounds up while the load rises, so that it reaches its goal.
fn step(value: u64, decay: u64, active: u64) -> u64 {
    let sum = value * decay + active * (ONE - decay);
    let rounding = if active >= value { ONE - 1 } else { 0 };
    (sum + rounding) / ONE
}
