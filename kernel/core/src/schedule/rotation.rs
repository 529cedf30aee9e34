//! Turns at having company: with five equal tasks on four CPUs two share one,
//! and no move makes that better. So the crowd goes round: every
//! [`ROTATION_NS`] one of those that share goes on to another CPU.
//!
//! ```text
//!  CPU       0    1    2    3          then, a rotation at a time
//!  tasks     ab   c    d    e     b    ac   d    e     b    a    cd   e  ...
//! ```
//!
//! Who came first goes, to the CPU that nobody went to for longest. Each
//! task is then a guest for one rotation, a host for one, and alone for the
//! same number of them as all the others. A task pinned to its CPU is host
//! only, so its guest stays for two rotations. A crowd goes round among CPUs of
//! one speed: between unequal ones what is fair is a matter of counts, which
//! `capacity.rs` keeps.
//!
//! Read next: `capacity.rs`, the moves that make something better, which come
//! first.

use super::capacity::{FULL, relief};
use super::select_cpu::{Machine, bits, capacity, load};

/// How long a crowd stays at a CPU.
pub const ROTATION_NS: u64 = 64_000_000;

/// One of the tasks of a CPU, as the rules for moves see it.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// When it came to the CPU.
    pub came_ns: u64,
    /// Where it may run, the CPUs that are off left out.
    pub allowed: u32,
    /// Its weight.
    pub weight: u32,
}

/// The tasks of a CPU whose running one has had its turn.
#[derive(Clone, Copy, Debug)]
pub struct Crowd<'a> {
    /// The CPU.
    pub own: usize,
    /// Who runs.
    pub running: Member,
    /// Some of those that wait.
    pub waiting: &'a [Member],
    /// When somebody was last pushed to or from this CPU.
    pub pushed_ns: u64,
    /// The time.
    pub now_ns: u64,
}

/// Where somebody should go.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// The one that waits at this index is better off on that CPU.
    Relief(usize, usize),
    /// The one at this index takes the crowd on to that CPU.
    Rotation(usize, usize),
}

impl Crowd<'_> {
    /// Who should leave for which CPU, if anybody. `visited` says when the
    /// crowd came to each CPU last.
    pub fn choose(
        &self,
        machine: &Machine,
        visited: impl Fn(usize) -> u64,
    ) -> Option<Move> {
        self.relieve(machine).or_else(|| self.rotate(machine, visited))
    }

    /// Whoever is better off elsewhere, but not a guest of a few turns before
    /// the one that was here when it came.
    fn relieve(&self, machine: &Machine) -> Option<Move> {
        let is_guest = |it: &Member| {
            it.came_ns > self.running.came_ns
                && self.leaves(&self.running)
                && self.now_ns.saturating_sub(it.came_ns) < ROTATION_NS / 4
        };
        let waiting = self.waiting.iter().enumerate();
        waiting.filter(|(_, it)| !is_guest(it)).find_map(|(index, it)| {
            let to = relief(self.own, it.allowed, it.weight, machine)?;
            Some(Move::Relief(index, to))
        })
    }

    /// Who came first of those that may leave. If it runs now, it waits when
    /// the next turn ends.
    fn rotate(
        &self,
        machine: &Machine,
        visited: impl Fn(usize) -> u64,
    ) -> Option<Move> {
        let mut all = self.waiting.iter().chain([&self.running]);
        let stay_ns = match all.all(|it| self.leaves(it)) {
            true => ROTATION_NS,
            false => 2 * ROTATION_NS,
        };
        if self.now_ns.saturating_sub(self.pushed_ns) < stay_ns {
            return None;
        }
        let waiting = self.waiting.iter().enumerate();
        let movable = waiting.filter(|(_, it)| self.leaves(it));
        let (index, first) = movable.min_by_key(|(_, it)| it.came_ns)?;
        if self.leaves(&self.running) && self.running.came_ns < first.came_ns {
            return None;
        }
        let to = next_cpu(self.own, first, machine, visited)?;
        Some(Move::Rotation(index, to))
    }

    fn leaves(&self, member: &Member) -> bool {
        member.allowed & !(1 << self.own) != 0
    }
}

/// Where `member` goes that waits on `own`: nowhere while nobody is better off
/// than here or there by a sixteenth; else, of the equal CPUs where the crowd
/// would be no larger than it is here, to the one `visited` longest ago.
fn next_cpu(
    own: usize,
    member: &Member,
    machine: &Machine,
    visited: impl Fn(usize) -> u64,
) -> Option<usize> {
    let all = (1_u32 << machine.loads.len().min(31)) - 1;
    let busy = bits(all).filter(|&cpu| load(machine, cpu) != 0);
    let thinnest = busy.map(|cpu| spread(machine, cpu)).min()?;
    let here = load(machine, own);
    let fits = |cpu: usize| {
        let there = load(machine, cpu);
        let worse = spread(machine, cpu).max(spread(machine, own));
        let crowd = there + u64::from(member.weight);
        there != 0
            && capacity(machine, cpu) == capacity(machine, own)
            && crowd <= here + here / 16
            && thinnest + thinnest / 16 < worse
    };
    let others = bits(member.allowed & all & !(1 << own));
    others.filter(|&cpu| fits(cpu)).min_by_key(|&cpu| visited(cpu))
}

/// How thinly a CPU is spread.
fn spread(machine: &Machine, cpu: usize) -> u64 {
    load(machine, cpu) * u64::from(FULL) / u64::from(capacity(machine, cpu))
}
