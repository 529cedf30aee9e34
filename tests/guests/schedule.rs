//! Fair shares and prompt sleepers, in figures: the guest's `bench schedule`
//! where time is counted in instructions, so that no load of the host counts.
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    equal_tasks_have_equal_shares,
    a_sleeper_among_spinners_and_bombs_is_served_at_once,
    a_bomb_of_short_lives_leaves_places_for_others,
];

/// Runs rows of `bench schedule` on four CPUs; gives their figures.
fn bench(rows: &str) -> Result<BTreeMap<String, f64>> {
    const LIMIT: Duration = Duration::from_secs(500);
    let setup = Setup::new().cpus(4).memory("1G").repeatable();
    let mut firn = setup.append("loglevel=1").boot()?;
    let text = firn.run_within(&format!("bench schedule {rows}"), LIMIT)?;
    let figure = |line: &str| {
        let mut words = line.strip_prefix("bench: ")?.split(' ');
        let name = words.next()?.to_string();
        Some((name, words.next()?.parse::<f64>().ok()?))
    };
    let figures: BTreeMap<_, _> = text.lines().filter_map(figure).collect();
    let wanted = rows.split(' ').count();
    ensure!(figures.len() == wanted, "what is this: {text:?}");
    firn.power_off()?;
    Ok(figures)
}

/// Fails if a row is above its bound.
fn ensure_below(bounds: &[(&str, f64)]) -> Result<()> {
    let rows: Vec<&str> = bounds.iter().map(|(row, _)| *row).collect();
    let figures = bench(&rows.join(" "))?;
    for (row, bound) in bounds {
        let figure = figures.get(*row).context("no figure")?;
        ensure!(figure <= bound, "{row} is {figure}, more than {bound}");
    }
    Ok(())
}

fn equal_tasks_have_equal_shares() -> Result<()> {
    ensure_below(&[
        ("schedule_5_spinners", 1.10),
        ("schedule_9_spinners", 1.10),
        ("schedule_5_one_pinned", 1.10),
    ])
}

/// Microseconds, the 99th percentile.
fn a_sleeper_among_spinners_and_bombs_is_served_at_once() -> Result<()> {
    ensure_below(&[
        ("schedule_nap", 20_000.0),
        ("schedule_work", 20_000.0),
        ("schedule_start", 100_000.0),
        ("schedule_nap_bomb", 20_000.0),
        ("schedule_start_bomb", 100_000.0),
    ])
}

/// Its zombies are the first process's, which has one share of the time.
fn a_bomb_of_short_lives_leaves_places_for_others() -> Result<()> {
    ensure_below(&[("schedule_refused_forks", 0.0)])
}
