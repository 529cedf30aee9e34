//! Programs with something wrong in them.

use alloc::vec::Vec;

use user_lib::linux::{O_CREAT, O_TRUNC, O_WRONLY, SIGKILL, WNOHANG};
use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, environment, file, println, process, signal};

use super::usage::ensure_none_lost;
use crate::random::Generator;
use crate::tool::{Failure, NOBODY, Outcome, ensure, fresh_path};
use user_lib::child::Child;

/// Bytes that say what a program is: the file's and the segments' headers.
const HEADERS: usize = 64 + 4 * 56;
/// How long a damaged program may run.
const PATIENCE: Time = Time::from_millis(200);

/// Runs damaged copies of a real program: each is refused or ends.
pub fn mutations(rounds: u32) -> Outcome {
    ensure_none_lost(|| damage(rounds, 2))
}

/// What became of the copies.
#[derive(Default)]
struct Tally {
    refused: u32,
    killed: u32,
    exited: u32,
    ran_on: u32,
}

fn damage(rounds: u32, seed: u64) -> Outcome {
    let good = file::contents("/bin/true")?;
    let path = fresh_path("mutation");
    let mut generator = Generator::new(seed);
    let mut tally = Tally::default();
    for round in 0..rounds {
        let bad = mutate(&good, &mut generator);
        write_program(&path, &bad)?;
        tally.run(&path).map_err(|Failure(why)| {
            Failure(alloc::format!("mutation {round}: {why}"))
        })?;
    }
    file::remove(&path)?;
    let Tally { refused, killed, exited, ran_on } = tally;
    println!(
        "{refused} refused, {killed} killed, {exited} exited, {ran_on} ran \
         on, seed {seed}"
    );
    Ok(())
}

/// A copy with a few wrong bytes, mostly in the headers, or cut short.
fn mutate(good: &[u8], generator: &mut Generator) -> Vec<u8> {
    let mut bad = good.to_vec();
    for _ in 0..1 + generator.next() % 4 {
        let range = if generator.next() % 8 < 7 { HEADERS } else { bad.len() };
        let at = generator.next() as usize % range;
        match generator.next() % 4 {
            0 => bad[at] ^= 1 << (generator.next() % 8),
            1 => bad[at] = 0xff,
            2 => bad[at] = generator.next() as u8,
            // A whole field.
            _ => {
                let at = at & !7;
                let value = match generator.next() % 6 {
                    0 => u64::MAX,
                    1 => 1 << 63,
                    2 => 1 << (generator.next() % 64),
                    3 => 0xffff_0000_0000_0000,
                    4 => (1 << 48) - 4096,
                    _ => generator.next(),
                };
                let end = (at + 8).min(bad.len());
                bad[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            }
        }
    }
    if generator.next().is_multiple_of(10) {
        bad.truncate(generator.next() as usize % good.len());
    }
    bad
}

fn write_program(path: &str, bytes: &[u8]) -> Outcome {
    let flags = O_WRONLY | O_CREAT | O_TRUNC;
    let descriptor = file::open(path, flags, 0o755)?;
    file::write_all(descriptor, bytes)?;
    file::close(descriptor)?;
    Ok(())
}

impl Tally {
    fn run(&mut self, path: &str) -> Outcome {
        let child = Child::start(|| execute(path))?;
        let deadline = monotonic() + PATIENCE;
        let status = loop {
            if let Some((_, status)) = process::wait(child.id(), WNOHANG)? {
                break status;
            }
            if monotonic() > deadline {
                self.ran_on += 1;
                signal::send(child.id(), SIGKILL)?;
                return child.wait().map(drop).map_err(Failure::from);
            }
            time::sleep(Time::from_nanos(100_000));
        };
        core::mem::forget(child);
        match status.exit_code() {
            Some(code) if code == i32::from(Errno::ENOEXEC.0) => {
                self.refused += 1;
            }
            Some(_) => self.exited += 1,
            None => {
                ensure!(status.killed_by().is_some());
                self.killed += 1;
            }
        }
        Ok(())
    }
}

fn execute(path: &str) -> i32 {
    for descriptor in 0..3 {
        let _ = file::close(descriptor);
    }
    if process::set_user_id(NOBODY).is_err() {
        return 1;
    }
    i32::from(process::execute(path, &["true"], &environment()).0)
}
