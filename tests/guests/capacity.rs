//! CPUs of unequal speed: QEMU's are equal, so its device tree is told
//! otherwise. What the kernel makes of it shows in where tasks run and how
//! long.
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use tests::catalog::Test;
use tests::setup::{Firn, Setup};
use tests::tree::with_words;

use crate::device_tree::qemu_tree;

pub const TESTS: &[Test] =
    tests::list![share_of_time_is_a_share_of_capacity: OwnTree];

/// `capacity-dmips-mhz` of each CPU, and what it comes to when the fastest
/// have 1024.
const SPEEDS: [u32; 8] = [265, 265, 265, 265, 512, 512, 512, 512];
const CAPACITIES: [u64; 8] = [530, 530, 530, 530, 1024, 1024, 1024, 1024];

/// A machine with such CPUs. Time is counted in instructions, so that no
/// load of the host moves a task.
fn boot(folder: &TempDir) -> Result<Firn> {
    let file = folder.path().join("tree");
    let tree = qemu_tree(8)?;
    let tree = with_words(&tree, "cpu@", "capacity-dmips-mhz", &SPEEDS)?;
    fs::write(&file, tree)?;
    let setup = Setup::new().cpus(8).tree(&file).repeatable();
    setup.append("loglevel=1").boot()
}

/// Of each spinner: its CPU, and the time it has used in hundredths of a
/// second. The least disturbed look is one command.
fn look(firn: &mut Firn) -> Result<Vec<(usize, u64)>> {
    let text = firn.run("cat /proc/[0-9]*/stat | grep '(spin)'")?;
    let spinner = |line: &str| {
        let field = |at| line.split(' ').nth(at)?.parse::<u64>().ok();
        Some((usize::try_from(field(38)?).ok()?, field(13)?))
    };
    let all: Option<Vec<_>> = text.lines().map(spinner).collect();
    all.with_context(|| format!("what is this: {text:?}"))
}

/// How many spinners are on each CPU.
fn counts(spinners: &[(usize, u64)]) -> [u32; 8] {
    let mut counts = [0; 8];
    spinners.iter().for_each(|(cpu, _)| counts[*cpu] += 1);
    counts
}

/// Looks until the spinners are on the CPUs as they should be.
fn wait_for(
    firn: &mut Firn,
    is_right: impl Fn([u32; 8]) -> bool,
) -> Result<()> {
    let mut seen = Vec::new();
    for _ in 0..20 {
        let counts = counts(&look(firn)?);
        if is_right(counts) {
            return Ok(());
        }
        seen.push(counts);
        firn.run("sleep 0.1")?;
    }
    bail!("spinners per CPU were {seen:?}")
}

/// What each spinner does in `spans` of time, in hundredths of a second times
/// capacity. A spinner may change to a CPU of another speed as the commands of
/// a look come and go, so every span counts for itself, and one with such a
/// change at the mean of the two speeds.
fn work_done(firn: &mut Firn, spans: u32) -> Result<Vec<u64>> {
    let mut before = look(firn)?;
    let mut work = vec![0; before.len()];
    for _ in 0..spans {
        firn.run("sleep 0.1")?;
        let after = look(firn)?;
        ensure!(after.len() == before.len(), "{before:?}, then {after:?}");
        let both = before.iter().zip(&after);
        for (sum, (old, new)) in work.iter_mut().zip(both) {
            let speed = (CAPACITIES[old.0] + CAPACITIES[new.0]) / 2;
            *sum += (new.1 - old.1) * speed;
        }
        before = after;
    }
    Ok(work)
}

fn share_of_time_is_a_share_of_capacity() -> Result<()> {
    let folder = TempDir::new()?;
    let mut firn = boot(&folder)?;
    let place = "/sys/devices/system/cpu";
    let shown = firn.run(&format!("cat {place}/cpu[0-7]/cpu_capacity"))?;
    let expected = CAPACITIES.map(|it| format!("{it}\n")).concat();
    ensure!(shown == expected, "the capacities are {shown:?}");

    // New tasks take the fast CPUs; one that was pinned to a slow CPU leaves
    // it when it may.
    firn.run("spin & spin & spin & taskset 1 spin & pinned=$!")?;
    let slow_and_fast = |counts: [u32; 8]| {
        counts[0] == 1 && counts[4..].iter().sum::<u32>() == 3
    };
    wait_for(&mut firn, slow_and_fast)?;
    firn.run("taskset -p ff $pinned")?;
    wait_for(&mut firn, |counts| counts == [0, 0, 0, 0, 1, 1, 1, 1])?;

    // Eight more: two share a fast CPU, one has a slow one.
    firn.run("for i in $(seq 8); do spin & done")?;
    wait_for(&mut firn, |counts| counts == [1, 1, 1, 1, 2, 2, 2, 2])?;
    let work = work_done(&mut firn, 4)?;
    ensure!(work.len() == 12, "{work:?}");
    let (least, most) = (work.iter().min(), work.iter().max());
    let (least, most) = least.zip(most).context("no spinner")?;
    ensure!(most * 2 < least * 3, "unequal shares: {work:?}");
    firn.power_off()
}
