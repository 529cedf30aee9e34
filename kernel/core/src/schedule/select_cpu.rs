//! Where a woken task runs (design document, section 3).
//!
//! Its previous CPU if that is idle, because its data is there; else an idle
//! CPU at least as fast; else the one with the least load for its speed. A
//! task that is new, or leaves a CPU while it runs, wants speed first instead:
//! it does not sleep.
//!
//! Read next: `capacity.rs`.

/// What the scheduler knows of the CPUs when it places a task. CPU `n` is bit
/// `n` of a mask and index `n` of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// CPUs that run tasks and have nothing to do.
    pub idle: u32,
    /// Sum of weights per CPU, the running task included; not asked for where
    /// an allowed CPU idles.
    pub loads: &'a [u64],
    /// Relative speed per CPU; 1024 is the fastest kind. Never 0.
    pub capacities: &'a [u32],
}

/// An idle CPU that is as good as `previous`: that one, else the first that is
/// as fast; `None` if there is none. `idle` holds those that the task may use.
#[inline]
#[must_use]
pub fn select_idle(
    previous: usize,
    idle: u32,
    capacity: impl Fn(usize) -> u32,
) -> Option<usize> {
    if idle.checked_shr(previous as u32).unwrap_or(0) & 1 != 0 {
        return Some(previous);
    }
    let enough = capacity(previous);
    bits(idle).find(|&cpu| capacity(cpu) >= enough)
}

/// Chooses among the CPUs of `allowed`, which the caller has restricted to
/// those that are online. An empty `allowed` gives `previous`.
#[must_use]
pub fn select_cpu(previous: usize, allowed: u32, machine: &Machine) -> usize {
    let idle = machine.idle & allowed;
    let capacity = |cpu| capacity(machine, cpu);
    select_idle(previous, idle, capacity)
        .or_else(|| bits(idle).max_by_key(|&cpu| capacity(cpu)))
        .or_else(|| least_loaded(previous, allowed, machine))
        .unwrap_or(previous)
}

/// Chooses for a task that is new, or ran until now and has to leave its CPU:
/// the fastest idle CPU, else as [`select_cpu`].
#[must_use]
pub fn select_fastest(
    previous: usize,
    allowed: u32,
    machine: &Machine,
) -> usize {
    let fastest = bits(machine.idle & allowed).min_by_key(|&cpu| {
        let slowness = u32::MAX - capacity(machine, cpu);
        (slowness, cpu != previous)
    });
    fastest.unwrap_or_else(|| select_cpu(previous, allowed, machine))
}

/// Least load for its speed; `previous` wins a tie.
fn least_loaded(
    previous: usize,
    allowed: u32,
    machine: &Machine,
) -> Option<usize> {
    bits(allowed).min_by(|&a, &b| {
        let (load_a, load_b) = (load(machine, a), load(machine, b));
        let left = load_a * u64::from(capacity(machine, b));
        let right = load_b * u64::from(capacity(machine, a));
        left.cmp(&right).then((a != previous).cmp(&(b != previous)))
    })
}

pub(super) fn load(machine: &Machine, cpu: usize) -> u64 {
    machine.loads.get(cpu).copied().unwrap_or(0)
}

pub(super) fn capacity(machine: &Machine, cpu: usize) -> u32 {
    machine.capacities.get(cpu).copied().unwrap_or(1024)
}

pub(super) fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if mask == 0 {
            return None;
        }
        let cpu = mask.trailing_zeros() as usize;
        mask &= mask - 1;
        Some(cpu)
    })
}
