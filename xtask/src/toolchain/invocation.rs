//! The command line and environment of a cargo run for the target.
//!
//! The person's own cargo runs us, and its environment names its own
//! compiler; a child that is another cargo must not inherit that.
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::choose::Way;
use super::probe::Host;
use super::target::TARGET;
use crate::layout::{self, Profile};

/// What cargo does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Compile and link.
    Build,
    /// Lint, with warnings as errors.
    Clippy,
}

/// Variables that would change what the child compiles, or with what.
const CLEARED: [&str; 10] = [
    "CARGO",
    "RUSTC",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "RUSTC_BOOTSTRAP",
];

/// One run of cargo for the target, before it is started.
#[derive(Clone, Debug)]
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    set: Vec<(&'static str, OsString)>,
    cleared: Vec<&'static str>,
}

impl Invocation {
    /// `action` on `packages` with `profile`, the given `way`, to be linked
    /// like `program`, one of them.
    pub fn new(
        host: &Host,
        way: Way,
        action: Action,
        program: &str,
        packages: &[&str],
        profile: Profile,
    ) -> Invocation {
        let mut invocation = match way {
            Way::Rustup => Invocation::rustup(host, action),
            Way::Distribution => Invocation::distribution(host, action),
        };
        invocation.common(action, program, packages, profile);
        invocation
    }

    fn rustup(host: &Host, action: Action) -> Invocation {
        let program = host.find("cargo").unwrap_or_else(|| "cargo".into());
        Invocation {
            program,
            arguments: vec![action.name().into()],
            set: vec![("PATH", host.path.clone())],
            cleared: CLEARED.to_vec(),
        }
    }

    fn distribution(host: &Host, action: Action) -> Invocation {
        let cargo = host.distribution.join("cargo");
        let rustc = host.distribution.join("rustc");
        let linker = host.linker().unwrap_or_else(|| "ld.lld".into());
        let mut set = vec![
            ("RUSTC", rustc.into_os_string()),
            // The library is built from source, which a stable compiler
            // does only when it takes itself for the one that builds Rust.
            ("RUSTC_BOOTSTRAP", "1".into()),
            // Its remarks on the library are for those who work on it.
            ("CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY", "never".into()),
            (
                "CARGO_TARGET_AARCH64_UNKNOWN_NONE_SOFTFLOAT_LINKER",
                linker.into_os_string(),
            ),
        ];
        // `cargo clippy` prefers rustup's clippy to the one beside it.
        let program = match action {
            Action::Build => cargo,
            Action::Clippy => {
                set.push(("CARGO", cargo.into_os_string()));
                host.distribution.join("cargo-clippy")
            }
        };
        let arguments = [
            action.name(),
            "-Zbuild-std=core,alloc,compiler_builtins",
            "-Zbuild-std-features=compiler-builtins-mem",
        ];
        Invocation {
            program,
            arguments: arguments.map(OsString::from).to_vec(),
            set,
            cleared: [&CLEARED[..], &["RUSTUP_TOOLCHAIN"]].concat(),
        }
    }

    fn common(
        &mut self,
        action: Action,
        program: &str,
        packages: &[&str],
        profile: Profile,
    ) {
        let folder = layout::target_dir(program);
        for package in packages {
            self.arguments.extend(["--package", package].map(OsString::from));
        }
        let options: [&OsStr; 6] = [
            "--target".as_ref(),
            TARGET.as_ref(),
            "--profile".as_ref(),
            profile.name().as_ref(),
            "--target-dir".as_ref(),
            folder.as_ref(),
        ];
        self.arguments.extend(options.map(OsString::from));
        if action == Action::Clippy {
            self.arguments.extend(["--", "-D", "warnings"].map(OsString::from));
        }
        let flags = compiler_flags(&layout::linker_script(program));
        self.set.push(("CARGO_ENCODED_RUSTFLAGS", flags));
    }

    /// The process to start, in the root of the source tree.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(layout::root()).args(&self.arguments);
        for name in &self.cleared {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs it and passes on what cargo says, but not that nothing was to do.
    ///
    /// # Errors
    /// Cargo does not start, or does not succeed.
    pub fn run(&self) -> Result<()> {
        let mut command = self.command();
        let program = self.program.display();
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{program} does not start"))?;
        if let Some(errors) = child.stderr.take() {
            pass_on(BufReader::new(errors))?;
        }
        if !child.wait()?.success() {
            bail!("{program} failed");
        }
        Ok(())
    }
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Action::Build => "build",
            Action::Clippy => "clippy",
        }
    }
}

fn pass_on(lines: impl BufRead) -> Result<()> {
    for line in lines.split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        if !text.trim_start().starts_with("Finished ") {
            eprintln!("{text}");
        }
    }
    Ok(())
}

/// Flags as `CARGO_ENCODED_RUSTFLAGS` wants them: a unit separator between
/// two, so that the path may contain spaces.
fn compiler_flags(script: &Path) -> OsString {
    let mut flags = OsString::from("-Clink-arg=-T");
    flags.push(script);
    flags.push("\x1f-Cforce-frame-pointers=yes");
    flags.push("\x1f-Crelocation-model=static");
    flags
}
