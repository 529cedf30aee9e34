//! The tests that boot Firn in QEMU. Each file lists its tests at the top.
use anyhow::Context;
use libtest_mimic::Arguments;

use tests::catalog::{Choice, Group, Runs};
use tests::setup::boot_files;

mod board;
mod boot;
mod c_library;
mod capacity;
mod card;
mod check;
mod cores;
mod debian;
mod demo;
mod device_tree;
mod freeze;
mod freezer;
mod machine;
mod nested;
mod power;
mod program;
mod schedule;
mod selftest;
mod shell;
mod stress;
mod stress_ng;
mod suspend;
mod trace;
mod user_land;

const GROUPS: &[Group] = &[
    Group { tier: "machine", tests: boot::TESTS, runs: Runs::Always },
    Group { tier: "machine", tests: card::TESTS, runs: Runs::Always },
    Group { tier: "machine", tests: device_tree::TESTS, runs: Runs::Always },
    Group { tier: "machine", tests: selftest::TESTS, runs: Runs::Always },
    Group { tier: "machine", tests: machine::TESTS, runs: Runs::Always },
    Group { tier: "machine", tests: board::MACHINE, runs: Runs::OnBoards },
    Group { tier: "system", tests: board::SYSTEM, runs: Runs::OnBoards },
    Group { tier: "system", tests: cores::BOARDS, runs: Runs::OnBoards },
    Group { tier: "system", tests: capacity::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: schedule::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: cores::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: shell::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: freeze::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: suspend::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: freezer::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: power::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: demo::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: trace::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: check::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: debian::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: user_land::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: nested::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: debian::pair::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: debian::trace::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: c_library::TESTS, runs: Runs::Always },
    Group { tier: "system", tests: program::TESTS, runs: Runs::Always },
    Group { tier: "stress", tests: stress_ng::TESTS, runs: Runs::Always },
    Group { tier: "stress", tests: stress::TESTS, runs: Runs::Always },
    Group { tier: "stress", tests: stress::ONLY_LONG, runs: Runs::OnlyLong },
];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::from_args();
    if !arguments.list {
        boot_files().context("building what is to be tested")?;
    }
    let choice = Choice::from_environment();
    if !arguments.list {
        for line in choice.ignored(GROUPS) {
            println!("{line}");
        }
    }
    let trials = choice.trials(GROUPS);
    libtest_mimic::run(&arguments, trials).exit()
}
