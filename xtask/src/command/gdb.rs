//! `cargo xtask gdb`: attaches to a machine started with `qemu --gdb`.
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::layout::{self, Profile};
use crate::toolchain::probe::Host;

/// Debuggers that know AArch64, best first.
const DEBUGGERS: [&str; 3] = ["gdb-multiarch", "aarch64-linux-gnu-gdb", "gdb"];

/// Options of `cargo xtask gdb`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The profile the machine was started with
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
}

impl Arguments {
    /// Runs gdb with the kernel's symbols.
    ///
    /// # Errors
    /// There is no debugger, or it failed.
    pub fn run(self) -> Result<()> {
        let host = Host::this();
        let debugger = DEBUGGERS
            .iter()
            .find_map(|name| host.find(name))
            .context("no gdb: install the package gdb-multiarch")?;
        let status = Command::new(debugger)
            .arg(layout::elf("kernel", self.profile))
            .args(["-ex", "target remote localhost:1234"])
            .status()?;
        if !status.success() {
            bail!("gdb failed: {status}");
        }
        Ok(())
    }
}
