//! The commands, one file each.
mod bench;
mod build;
mod check;
mod gdb;
mod image;
mod qemu;
mod setup;
mod test;
mod trace;

use anyhow::Result;
use clap::Subcommand;

pub use build::{BootFiles, build};
pub use qemu::insert_card;
pub use setup::{find_card_tools, find_qemu, find_u_boot};

/// What a person can ask for.
#[derive(Subcommand)]
pub enum Command {
    /// Build the boot image
    Build(build::Arguments),
    /// Build what changed and boot it, with the console here
    Qemu(qemu::Arguments),
    /// Write the files and the card that a board boots from
    Image(image::Arguments),
    /// Run the tests: all, or those of a tier or with a name
    Test(test::Arguments),
    /// Check format, lints and the rules of this code base
    Check(check::Arguments),
    /// Measure what things cost, beside what they cost on Linux
    Bench(bench::Arguments),
    /// Play a freeze and draw what happened
    Trace(trace::Arguments),
    /// Attach gdb to a machine started with `qemu --gdb`
    Gdb(gdb::Arguments),
    /// Find or install the compiler for the target and QEMU
    Setup(setup::Arguments),
}

impl Command {
    /// Carries the command out.
    ///
    /// # Errors
    /// Whatever went wrong, in words for the person who typed the command.
    pub fn run(self) -> Result<()> {
        match self {
            Command::Build(arguments) => arguments.run(),
            Command::Qemu(arguments) => arguments.run(),
            Command::Image(arguments) => arguments.run(),
            Command::Test(arguments) => arguments.run(),
            Command::Check(arguments) => arguments.run(),
            Command::Bench(arguments) => arguments.run(),
            Command::Trace(arguments) => arguments.run(),
            Command::Gdb(arguments) => arguments.run(),
            Command::Setup(arguments) => arguments.run(),
        }
    }
}
