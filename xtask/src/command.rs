//! The commands, one file each.
mod build;
mod gdb;
mod qemu;
mod setup;

use anyhow::Result;
use clap::Subcommand;

pub use build::{BootFiles, build};

/// What a person can ask for.
#[derive(Subcommand)]
pub enum Command {
    /// Build the boot image
    Build(build::Arguments),
    /// Build what changed and boot it, with the console here
    Qemu(qemu::Arguments),
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
            Command::Gdb(arguments) => arguments.run(),
            Command::Setup(arguments) => arguments.run(),
        }
    }
}
