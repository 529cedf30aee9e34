//! The tests that boot Firn in QEMU. Each file lists its tests at the top.
use anyhow::Context;
use libtest_mimic::Arguments;

use tests::catalog::{Choice, Group};
use tests::setup::boot_files;

mod boot;
mod check;
mod device_tree;
mod freeze;
mod freezer;
mod machine;
mod power;
mod selftest;
mod shell;
mod stress;

const GROUPS: &[Group] = &[
    Group { tier: "machine", tests: boot::TESTS },
    Group { tier: "machine", tests: device_tree::TESTS },
    Group { tier: "machine", tests: selftest::TESTS },
    Group { tier: "machine", tests: machine::TESTS },
    Group { tier: "system", tests: shell::TESTS },
    Group { tier: "system", tests: freeze::TESTS },
    Group { tier: "system", tests: freezer::TESTS },
    Group { tier: "system", tests: power::TESTS },
    Group { tier: "system", tests: check::TESTS },
    Group { tier: "stress", tests: stress::TESTS },
];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::from_args();
    if !arguments.list {
        boot_files().context("building what is to be tested")?;
    }
    let trials = Choice::from_environment().trials(GROUPS);
    libtest_mimic::run(&arguments, trials).exit()
}
