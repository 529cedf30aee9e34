//! Trees of groups under load: 32 deep, and 1,000 wide.
//!
//! What each group must show follows from who asked for what, so every round
//! compares all of them with that.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::time::{self, Time, monotonic};
use user_lib::{cpu, file, memory, println};

use super::group::{counts, freeze};
use crate::group::{Group, Mount};
use crate::tool::{Failure, Outcome, ensure, ensure_eq};
use user_lib::child::Child;

const DEPTH: usize = 32;
const WIDTH: usize = 1000;
/// In every so many groups of the wide tree a task spins; in the others it
/// sleeps.
const SPINS: usize = 50;
/// Groups of the wide tree that are frozen by themselves in a round.
const SINGLES: usize = 10;

const PATIENCE: Time = Time::from_millis(60_000);

/// Numbers that look random, the same ones in every run.
struct Dice(u32);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % limit
    }
}

fn spinner(steps: &'static AtomicU32) -> Result<Child, Failure> {
    Ok(Child::start(|| {
        loop {
            steps.fetch_add(1, Ordering::Relaxed);
            cpu::relax();
        }
    })?)
}

fn sleeper() -> Result<Child, Failure> {
    Ok(Child::start(|| {
        time::sleep(Time::from_millis(1 << 40));
        0
    })?)
}

/// Waits until a group shows `state`.
fn wait_for_state(group: &Group, state: &str) -> Outcome {
    let deadline = monotonic() + PATIENCE;
    while group.read("freezer.state")? != state {
        if monotonic() > deadline {
            let who = group.read("freezer.wait").unwrap_or_default();
            return Err(Failure(format!(
                "{}: not {state}: {who}",
                group.name()
            )));
        }
        time::sleep(Time::from_nanos(200_000));
    }
    Ok(())
}

/// A chain of groups, with a task that spins in each.
struct Chain {
    /// The uppermost first.
    groups: Vec<Group>,
    steps: &'static [AtomicU32],
    _spinners: Vec<Child>,
    /// Which of them ask for freezing.
    asks: Vec<bool>,
}

impl Chain {
    fn new(mount: &Mount) -> Result<Self, Failure> {
        let steps = memory::shared_words(DEPTH)?;
        let mut groups = Vec::from([mount.group("deep")?]);
        while groups.len() < DEPTH {
            let above = &groups[groups.len() - 1];
            let path = above.path("d");
            file::make_directory(&path, 0o755)?;
            groups.push(Group::at(&path));
        }
        let mut spinners = Vec::new();
        for (group, steps) in groups.iter().zip(steps) {
            let spinner = spinner(steps)?;
            group.add(spinner.id())?;
            spinners.push(spinner);
        }
        let asks = Vec::from([false; DEPTH]);
        Ok(Self { groups, steps, _spinners: spinners, asks })
    }

    /// One group more, or less, asks for freezing.
    fn change(&mut self, level: usize) -> Outcome {
        let asks = !self.asks[level];
        let text = if asks { "FROZEN" } else { "THAWED" };
        self.groups[level].write("freezer.state", text)?;
        self.asks[level] = asks;
        Ok(())
    }

    /// Who asks freezes all below, and nobody above.
    fn ensure_right(&self) -> Outcome {
        let first = self.asks.iter().position(|asks| *asks);
        let first = first.unwrap_or(DEPTH);
        if let Some(group) = self.groups.get(first) {
            wait_for_state(group, "FROZEN")?;
        }
        for (level, group) in self.groups.iter().enumerate() {
            let state = if level < first { "THAWED" } else { "FROZEN" };
            ensure_eq!(group.read("freezer.state")?, state);
            let shown = group.read("freezer.self_freezing")?;
            ensure_eq!(shown == "1", self.asks[level]);
            let shown = group.read("freezer.parent_freezing")?;
            ensure_eq!(shown == "1", level > first);
        }
        let before = counts(self.steps);
        time::sleep(Time::from_millis(1));
        ensure_eq!(counts(&self.steps[first..]), before[first..]);
        self.steps[..first].iter().zip(before).try_for_each(goes_on)
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.groups[0].write("freezer.state", "THAWED");
        let _ = self.groups[0].write("cgroup.kill", "1");
        // The lowest first; each waits until it is empty.
        while self.groups.pop().is_some() {}
    }
}

fn goes_on((steps, before): (&AtomicU32, u32)) -> Outcome {
    let deadline = monotonic() + PATIENCE;
    while steps.load(Ordering::Relaxed) == before {
        ensure!(monotonic() < deadline);
        time::sleep(Time::from_nanos(200_000));
    }
    Ok(())
}

/// In a chain of 32 groups, groups are frozen and thawed here and there.
pub fn deep(rounds: u32) -> Outcome {
    let mount = Mount::v1()?;
    let mut chain = Chain::new(&mount)?;
    let mut dice = Dice(1);
    for _ in 0..rounds {
        chain.change(dice.below(DEPTH))?;
        // Now and then all of them are thawed again.
        if dice.below(8) == 0 {
            for level in 0..DEPTH {
                if chain.asks[level] {
                    chain.change(level)?;
                }
            }
        }
        chain.ensure_right()?;
    }
    println!("{rounds} changes, steps {:?}", counts(chain.steps));
    Ok(())
}

/// A thousand groups beside each other, with a task each: some are frozen by
/// themselves, then all from above.
pub fn wide(rounds: u32) -> Outcome {
    let mount = Mount::v1()?;
    let top = mount.group("wide")?;
    let steps = memory::shared_words(WIDTH / SPINS)?;
    let (mut groups, mut tasks) = (Vec::new(), Vec::new());
    for at in 0..WIDTH {
        let path: String = top.path(&format!("w{at}"));
        file::make_directory(&path, 0o755)?;
        let group = Group::at(&path);
        let task = match at % SPINS {
            0 => spinner(&steps[at / SPINS])?,
            _ => sleeper()?,
        };
        group.add(task.id())?;
        groups.push(group);
        tasks.push(task);
    }
    let mut dice = Dice(2);
    for _ in 0..rounds {
        let mut singles = [(); SINGLES].map(|()| dice.below(WIDTH)).to_vec();
        singles.sort_unstable();
        singles.dedup();
        wide_round(&top, &groups, steps, &singles)?;
    }
    println!("{rounds} freezes, steps {:?}", counts(steps));
    top.write("cgroup.kill", "1")?;
    // Each is removed once its task is gone.
    drop((tasks, groups));
    Ok(())
}

fn wide_round(
    top: &Group,
    groups: &[Group],
    steps: &'static [AtomicU32],
    singles: &[usize],
) -> Outcome {
    for at in singles {
        groups[*at].write("freezer.state", "FROZEN")?;
    }
    freeze(top)?;
    let before = counts(steps);
    for group in groups.iter().step_by(7) {
        ensure_eq!(group.read("freezer.state")?, "FROZEN");
    }
    ensure_eq!(counts(steps), before);
    top.write("freezer.state", "THAWED")?;
    for (at, group) in groups.iter().enumerate().step_by(7) {
        let state = if singles.contains(&at) { "FROZEN" } else { "THAWED" };
        ensure_eq!(group.read("freezer.state")?, state);
    }
    for at in singles {
        ensure_eq!(groups[*at].read("freezer.state")?, "FROZEN");
        groups[*at].write("freezer.state", "THAWED")?;
        ensure_eq!(groups[*at].read("freezer.state")?, "THAWED");
    }
    steps.iter().zip(before).try_for_each(goes_on)
}
