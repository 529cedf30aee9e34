//! Time by the counter, medians, and the form of the output.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{Result, cpu, output, println, schedule};

/// Runs of each measurement.
const RUNS: usize = 7;

/// Nanoseconds of a number of counter ticks.
fn nanos(ticks: u64) -> u64 {
    let frequency = u128::from(cpu::counter_frequency());
    (u128::from(ticks) * 1_000_000_000 / frequency) as u64
}

/// Picoseconds of one of `count` things that took so many ticks.
pub fn each(ticks: u64, count: u64) -> u64 {
    nanos(ticks) * 1000 / count
}

/// Ticks that some work takes. Inlined, as [`calls`], so that what is measured
/// is the kernel, however the programs are compiled.
#[inline(always)]
pub fn ticks(work: impl FnOnce() -> Result<()>) -> Result<u64> {
    let start = cpu::counter();
    work()?;
    Ok(cpu::counter().wrapping_sub(start))
}

/// Picoseconds of one call, from `count` calls in a row; the median of all
/// runs.
#[inline(always)]
pub fn calls(count: u64, mut call: impl FnMut() -> Result<()>) -> Result<u64> {
    call()?;
    median(|| {
        let ticks = ticks(
            #[inline(always)]
            || {
                for _ in 0..count {
                    call()?;
                }
                Ok(())
            },
        )?;
        Ok(each(ticks, count))
    })
}

/// The median of a value measured several times.
pub fn median(mut run: impl FnMut() -> Result<u64>) -> Result<u64> {
    let mut values = Vec::new();
    for _ in 0..RUNS {
        values.push(run()?);
    }
    Ok(middle(values))
}

/// The middle one of some values.
pub fn middle(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Prints a row whose value is in picoseconds, in microseconds.
pub fn show(name: &str, picoseconds: u64) {
    let nanos = (picoseconds + 500) / 1000;
    println!("bench: {name} {}.{:03} us", nanos / 1000, nanos % 1000);
    // A bench that is cut short has shown what it had.
    let _ = output::flush();
}

/// Keeps this process, and children it starts, on one CPU until dropped.
pub struct Pinned {
    before: u64,
}

impl Pinned {
    /// Moves this process to a CPU.
    ///
    /// # Errors
    /// `EINVAL` if there is no such CPU.
    pub fn to(cpu: usize) -> Result<Self> {
        let before = schedule::affinity(0)?;
        schedule::set_affinity(0, 1 << cpu)?;
        Ok(Self { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // These CPUs were allowed before.
        let _ = schedule::set_affinity(0, self.before);
    }
}

/// Whether a row is asked for: without names all are.
pub fn is_wanted(names: &[String], row: &str) -> bool {
    names.is_empty() || names.iter().any(|name| name == row)
}
