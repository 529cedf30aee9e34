//! C programs of ours (`tests/programs`) as they are, in Firn's own user land:
//! each tells what Linux would have done otherwise.
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::linux::compile;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    futexes_with_an_owner_are_handed_over,
    sets_of_files_stand_in_others_and_share_events,
    the_wall_clock_is_disciplined,
];

/// A program's time, on a busy host.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the program `name`, which counts its failures.
fn run(name: &str, setup: Setup) -> Result<()> {
    let Some(program) = compile(name, &["-static"])? else { return Ok(()) };
    let path = format!("/{name}");
    let mut firn = setup.add(&program, &path).boot()?;
    let output = firn.run_within(&path, LIMIT)?;
    ensure!(output.lines().next_back() == Some("0 failures"), "{output}");
    firn.power_off()
}

// spec: X2 X8
fn futexes_with_an_owner_are_handed_over() -> Result<()> {
    run("futexes", Setup::new())?;
    run("futexes", Setup::new().cpus(1))
}

fn sets_of_files_stand_in_others_and_share_events() -> Result<()> {
    run("epolls", Setup::new())
}

fn the_wall_clock_is_disciplined() -> Result<()> {
    run("clocks", Setup::new())
}
