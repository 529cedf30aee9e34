//! `cargo xtask`: every command a person types.
//!
//! One file under `command/` per command. What they share is the library
//! beside this file; read `lib.rs` next.
use clap::Parser;

use xtask::command::Command;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, run and test Firn")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> anyhow::Result<()> {
    Arguments::parse().command.run()
}
