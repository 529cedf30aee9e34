//! Unequal CPUs: how fast each is, and what follows for who runs where.
//!
//! A CPU's *capacity* is its speed relative to the fastest kind, which has
//! 1024. A queue's load divided by its CPU's capacity is how thinly that CPU
//! is spread; tasks have equal shares when this is the same everywhere.
//!
//! Read next: `select_cpu.rs`.

use super::select_cpu::{Machine, bits, capacity, load};

/// The capacity of the fastest kind of CPU.
pub const FULL: u32 = 1024;

/// Turns what a device tree says (`capacity-dmips-mhz`) into capacities, as
/// Linux's `topology_normalize_cpu_scale` does: the largest value becomes
/// 1024. If the tree leaves out a CPU, it is believed about none.
pub struct Scale(Option<u32>);

impl Scale {
    /// From what the tree says of every CPU.
    pub fn new(mut values: impl Iterator<Item = Option<u32>>) -> Self {
        let largest = values.try_fold(0, |largest: u32, value| {
            value.map(|value| largest.max(value))
        });
        Scale(largest.filter(|&largest| largest != 0))
    }

    /// The capacity of the CPU of which the tree says `value`. Never 0.
    pub fn capacity(&self, value: Option<u32>) -> u32 {
        let (Some(largest), Some(value)) = (self.0, value) else {
            return FULL;
        };
        let scaled = u64::from(value) * u64::from(FULL) / u64::from(largest);
        (scaled as u32).max(1)
    }
}

/// From which queue a CPU with nothing to do takes a task: the one where most
/// wait for its speed, hence rather from a slow CPU. `waiting` gives how many
/// tasks wait on each CPU.
#[inline]
#[must_use]
pub fn pull_from(
    own: usize,
    cpus: usize,
    waiting: impl Fn(usize) -> u32,
    capacity: impl Fn(usize) -> u32,
) -> Option<usize> {
    let mut best: Option<(usize, u64, u64)> = None;
    for cpu in (0..cpus).filter(|&cpu| cpu != own) {
        let waits = u64::from(waiting(cpu));
        if waits == 0 {
            continue;
        }
        let speed = u64::from(capacity(cpu));
        let is_better = best.is_none_or(|(_, most, its_speed)| {
            waits * its_speed > most * speed
        });
        if is_better {
            best = Some((cpu, waits, speed));
        }
    }
    best.map(|(cpu, ..)| cpu)
}

/// What a CPU with nothing to do gets from the first queue that has something
/// for it. `take` is asked for one queue after the other, in the order of
/// [`pull_from`]: those that wait where most do may all be pinned there. Most
/// often there is one such queue, so nothing to compare.
#[inline]
pub fn pull_from_any<T>(
    own: usize,
    cpus: usize,
    waiting: impl Fn(usize) -> u32,
    capacity: impl Fn(usize) -> u32,
    mut take: impl FnMut(usize) -> Option<T>,
) -> Option<T> {
    let others = (0..cpus).filter(|&cpu| cpu != own && waiting(cpu) != 0);
    let mut left = others.fold(0_u32, |mask, cpu| mask | 1 << cpu);
    while left != 0 {
        let cpu = match left.is_power_of_two() {
            true => left.trailing_zeros() as usize,
            false => pull_from_mask(own, left, &waiting, &capacity)?,
        };
        if let Some(taken) = take(cpu) {
            return Some(taken);
        }
        left &= !(1 << cpu);
    }
    None
}

/// [`pull_from`], among the CPUs of `mask`.
#[inline(never)]
fn pull_from_mask(
    own: usize,
    mask: u32,
    waiting: impl Fn(usize) -> u32,
    capacity: impl Fn(usize) -> u32,
) -> Option<usize> {
    let is_in = |cpu: usize| mask & 1 << cpu != 0;
    let waits = |cpu| if is_in(cpu) { waiting(cpu) } else { 0 };
    let cpus = (u32::BITS - mask.leading_zeros()) as usize;
    pull_from(own, cpus, waits, capacity)
}

/// Where a task of `weight` that waits on `own` is better off: the CPU that
/// is spread thinnest with it, if by an eighth less thinly than `own` is now.
///
/// Every such move makes the worse of two CPUs better and leaves the other
/// below where the worse one was, so moves come to an end.
#[must_use]
pub fn relief(
    own: usize,
    allowed: u32,
    weight: u32,
    machine: &Machine,
) -> Option<usize> {
    let spread_with = |cpu: usize| load(machine, cpu) + u64::from(weight);
    let speed = |cpu: usize| u64::from(capacity(machine, cpu));
    let others = allowed & !(1 << own);
    let best = bits(others).min_by(|&a, &b| {
        let (left, right) =
            (spread_with(a) * speed(b), spread_with(b) * speed(a));
        left.cmp(&right)
    })?;
    let there = spread_with(best) * speed(own);
    let here = load(machine, own) * speed(best);
    (there + there / 8 <= here).then_some(best)
}

/// Whether one of the idle CPUs of `allowed` is faster than `own` by a
/// quarter or more: a task that does not sleep should run there.
#[must_use]
pub fn has_faster(own: usize, allowed: u32, machine: &Machine) -> bool {
    let enough = capacity(machine, own) / 4 * 5;
    let idle = machine.idle & allowed & !(1 << own);
    bits(idle).any(|cpu| capacity(machine, cpu) >= enough)
}
