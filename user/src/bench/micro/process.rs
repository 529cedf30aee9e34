//! What processes cost.

use user_lib::{Errno, Result, environment, process};

use crate::bench::measure::{calls, each, median, ticks};
use crate::child::Child;

const PROGRAM: &str = "/bin/true";

/// A child that exits at once, and the wait for it.
pub fn fork_exit_wait() -> Result<u64> {
    calls(50, || Child::start(|| 0)?.wait().map(drop))
}

/// A child that becomes another program, which exits at once.
pub fn fork_exec_wait() -> Result<u64> {
    let environment = environment();
    let run = || {
        Child::start(|| {
            process::execute(PROGRAM, &["true"], &environment);
            127
        })?
        .wait()
    };
    several(run)
}

/// The same by `vfork`, which copies nothing.
pub fn vfork_exec_wait() -> Result<u64> {
    let environment = environment();
    several(|| {
        let child = process::spawn(PROGRAM, &["true"], &environment)?;
        process::wait_for(child)
    })
}

/// Measures a program's life; one that cannot run is an error.
fn several(
    mut run: impl FnMut() -> Result<process::WaitStatus>,
) -> Result<u64> {
    const COUNT: u64 = 20;
    if run()?.exit_code() != Some(0) {
        return Err(Errno::ENOEXEC);
    }
    median(|| {
        let ticks = ticks(|| (0..COUNT).try_for_each(|_| run().map(drop)))?;
        Ok(each(ticks, COUNT))
    })
}
