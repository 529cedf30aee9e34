//! `check --stress`: the system under load, for as long as one likes.
//!
//! Each test has a count of rounds and prints its figures; nothing else may
//! run meanwhile, since most compare the memory in use before and after. The
//! host's tests in `tests/guests/stress.rs` choose the counts.

mod clock;
mod cpus;
mod crew;
mod crowd;
mod exhaust;
mod freeze;
mod group;
mod hoard;
mod hog;
mod leak;
mod links;
mod map;
mod program;
mod sleepers;
mod slot;
mod storm;
mod tree;
pub mod usage;
mod worker;

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{eprintln, output, println};

use crate::tool::{Failure, Outcome};
use user_lib::option::{USAGE, usage as wrong};

/// A test with a count of rounds.
struct Stress {
    name: &'static str,
    /// Rounds when none are asked for: a few seconds' worth.
    rounds: u32,
    run: fn(u32) -> Outcome,
}

const TESTS: &[Stress] = &[
    Stress { name: "freeze", rounds: 200, run: freeze::cycles },
    Stress { name: "freeze-loss", rounds: 200, run: freeze::losses },
    Stress { name: "crowd", rounds: 1000, run: crowd::frozen_and_killed },
    Stress { name: "leak", rounds: 300, run: leak::fork_and_execute },
    Stress { name: "hog", rounds: 2, run: hog::is_killed },
    Stress { name: "bomb", rounds: 2, run: hog::bomb_is_survived },
    Stress { name: "sleepers", rounds: 1, run: sleepers::their_parent_lives },
    Stress { name: "growth", rounds: 1, run: hog::growth_ends },
    Stress { name: "hoard", rounds: 1, run: hoard::kernel_memory_lasts },
    Stress { name: "links", rounds: 1, run: links::are_limited },
    Stress {
        name: "exhaust",
        rounds: 1,
        run: exhaust::nobody_takes_the_machine_down,
    },
    Stress { name: "map", rounds: 10_000, run: map::random_mappings },
    Stress { name: "stack", rounds: 3, run: map::deep_stack },
    Stress { name: "program", rounds: 500, run: program::mutations },
    Stress { name: "storm", rounds: 2000, run: storm::signals },
    Stress { name: "frame", rounds: 500, run: storm::broken_frames },
    Stress { name: "churn", rounds: 200, run: leak::files },
    Stress { name: "orphan", rounds: 200, run: leak::orphans },
    Stress { name: "cpus", rounds: 10, run: cpus::come_and_go },
    Stress { name: "group", rounds: 30, run: group::nested },
    Stress { name: "group-deep", rounds: 100, run: tree::deep },
    Stress { name: "group-wide", rounds: 10, run: tree::wide },
    Stress { name: "group-crowd", rounds: 30, run: group::crowd },
];

/// Runs `--stress [NAME [COUNT]]`; without a name, all.
pub fn main(words: &[String]) -> i32 {
    let name = words.first().map(String::as_str);
    let count = words.get(1).map(|word| word.parse());
    let Ok(count) = count.transpose() else {
        return wrong("check", "--stress [NAME [COUNT]]");
    };
    let is_wanted = |test: &&Stress| name.is_none_or(|name| name == test.name);
    if !TESTS.iter().any(|test| is_wanted(&test)) {
        let names: Vec<&str> = TESTS.iter().map(|test| test.name).collect();
        eprintln!("check: no such test; there are {}", names.join(" "));
        return USAGE;
    }
    let (mut passed, mut failed) = (0, 0);
    for test in TESTS.iter().filter(is_wanted) {
        match run(test, count.unwrap_or(test.rounds)) {
            true => passed += 1,
            false => failed += 1,
        }
    }
    println!("{passed} passed, {failed} failed");
    i32::from(failed > 0)
}

fn run(test: &Stress, rounds: u32) -> bool {
    let result = (test.run)(rounds);
    match &result {
        Ok(()) => println!("test {} ... ok", test.name),
        Err(Failure(why)) => println!("test {} ... FAILED: {why}", test.name),
    }
    // Nothing useful can be done if nobody can read it.
    let _ = output::flush();
    result.is_ok()
}
