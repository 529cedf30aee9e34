//! `cargo xtask`: every command a person types.
//!
//! One file per command under `command/`. What they share is the library
//! beside this file; read `lib.rs` next.
use std::process::ExitCode;

use clap::Parser;

use xtask::command::Command;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, run and test Firn")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        // In words only: where in xtask it was noticed helps nobody.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
