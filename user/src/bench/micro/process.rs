//! What processes cost.

use alloc::format;
use alloc::string::String;

use user_lib::linux::O_CLOEXEC;
use user_lib::{Errno, Result, cpu, environment, file, println, process};

use crate::bench::measure::{calls, each, median, ticks};
use user_lib::child::Child;

const PROGRAM: &str = "/bin/true";

/// This program, and the word that makes it tell how long its start took.
const SELF: &str = "/bin/bench";
pub const SINCE: &str = "--since";

/// A child that exits at once, and the wait for it.
pub fn fork_exit_wait() -> Result<u64> {
    calls(50, || Child::start(|| 0)?.wait().map(drop))
}

/// From the call of `execve` to the new program's first line, its start-up
/// code included.
pub fn execve() -> Result<u64> {
    let environment = environment();
    median(|| {
        let [from, to] = file::pipe(O_CLOEXEC)?;
        let child = Child::start(|| {
            // Both numbers are good.
            let _ = file::duplicate(to, 1, 0);
            let start = format!("{}", cpu::counter());
            process::execute(SELF, &["bench", SINCE, &start], &environment);
            127
        })?;
        file::close(to)?;
        let bytes = file::read_to_end(from)?;
        file::close(from)?;
        child.wait()?;
        let text = String::from_utf8_lossy(&bytes);
        let ticks = text.trim().parse().map_err(|_| Errno::ENOEXEC)?;
        Ok(each(ticks, 1))
    })
}

/// The new program's half of [`execve`].
pub fn tell_since(start: &str) -> i32 {
    let now = cpu::counter();
    match start.parse::<u64>() {
        Ok(start) => println!("{}", now.wrapping_sub(start)),
        Err(_) => return 2,
    }
    0
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
