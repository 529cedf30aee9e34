//! Where things are in the source tree and in `target/`.
use std::env;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::toolchain::TARGET;

/// How the kernel is optimised and how much it checks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// As fast as it gets: what is shipped and measured.
    Release,
    /// Optimised, with lock ranks, overflow and invariant checks.
    Checked,
}

impl Profile {
    /// The name cargo knows the profile by, and of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Checked => "checked",
        }
    }
}

/// The root of the source tree.
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest).parent().expect("crates are in the root").into()
}

/// Where cargo puts what it builds of `program` for the target. The kernel and
/// the user programs each have their own folder, apart from the host's, so
/// that no build makes cargo forget another.
pub fn target_dir(program: &str) -> PathBuf {
    root().join("target").join(program)
}

/// The linker script of `package`.
pub fn linker_script(package: &str) -> PathBuf {
    let script = if package == "kernel" { "kernel.ld" } else { "user.ld" };
    root().join("linker").join(script)
}

/// The ELF file cargo made of `package`; gdb reads the kernel's.
pub fn elf(package: &str, profile: Profile) -> PathBuf {
    let (program, name) = match package {
        "user" => ("user", "firn-user"),
        "user-check" => ("user", "check"),
        _ => (package, package),
    };
    target_dir(program).join(TARGET).join(profile.name()).join(name)
}

/// Where device trees of real boards are: those of Debian's kernel, and any
/// that a person puts there.
pub fn trees_dir() -> PathBuf {
    root().join("target/trees")
}

/// Where the boot files of `profile` go.
pub fn boot_dir(profile: Profile) -> PathBuf {
    let firn = root().join("target/firn");
    match profile {
        Profile::Release => firn,
        Profile::Checked => firn.join("checked"),
    }
}
