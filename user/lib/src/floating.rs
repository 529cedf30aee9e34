//! Vector registers, for tests of whether the kernel keeps them.

use core::arch::global_asm;

global_asm!(include_str!("floating.s"));

unsafe extern "C" {
    fn firn_user_hold_registers(seed: u64, rounds: u64, yields: u64) -> u64;
}

/// What is done while the registers should keep their values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// Only counting.
    Spin,
    /// A `sched_yield` in each round.
    GiveWay,
}

/// Fills all vector registers from a seed, passes the time, and gives how
/// many of them have changed.
pub fn hold(seed: u64, rounds: u64, meanwhile: Meanwhile) -> u64 {
    let yields = u64::from(meanwhile == Meanwhile::GiveWay);
    // SAFETY: the function changes vector registers, which no code of these
    // programs uses (soft-float), and registers that calls may change.
    unsafe { firn_user_hold_registers(seed, rounds, yields) }
}
