//! Looks at the machine. Nothing is remembered between two runs, but that
//! `rustup target add` was refused, so that it is not asked every time.
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::choose::{Facts, Way};
use super::target::TARGET;

/// The oldest minor version of Rust 1 that compiles Firn (`rust-version`).
const OLDEST_MINOR: u32 = 88;

/// The machine we build on: its search path and the distribution's prefix.
#[derive(Clone, Debug)]
pub struct Host {
    /// As `PATH`.
    pub path: OsString,
    /// The folder of the distribution's `cargo` and `rustc`.
    pub distribution: PathBuf,
    /// `FIRN_TOOLCHAIN`.
    pub forced: Option<Way>,
    /// Remembers which compiler `rustup target add` was refused for.
    pub refusal_note: PathBuf,
}

impl Host {
    /// This machine.
    ///
    /// # Panics
    /// `FIRN_TOOLCHAIN` is neither `rustup` nor `distribution`.
    pub fn this() -> Host {
        let forced = env::var("FIRN_TOOLCHAIN").ok().map(|name| {
            Way::from_name(&name)
                .expect("FIRN_TOOLCHAIN is `rustup` or `distribution`")
        });
        Host {
            path: env::var_os("PATH").unwrap_or_default(),
            distribution: "/usr/bin".into(),
            forced,
            refusal_note: crate::layout::root()
                .join("target/firn/rustup-target-refused"),
        }
    }

    /// Everything the choice depends on.
    pub fn facts(&self) -> Facts {
        Facts {
            forced: self.forced,
            has_target: self.has_target(),
            has_rustup: self.find("rustup").is_some(),
            target_refused: self.was_refused(),
            has_distribution: self.has_distribution(),
            can_install: is_root() && self.find("apt-get").is_some(),
            install_failed: false,
        }
    }

    /// The program `name` on the search path.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.path)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    }

    /// Whether the `rustc` on the search path can compile for the target.
    pub fn has_target(&self) -> bool {
        self.find("rustc").is_some_and(|rustc| {
            ask(&rustc, &["--print", "target-libdir", "--target", TARGET])
                .is_some_and(|folder| has_core(Path::new(&folder)))
        })
    }

    /// Whether the distribution's compiler can build the target's library.
    pub fn has_distribution(&self) -> bool {
        let rustc = self.distribution.join("rustc");
        let new_enough = ask(&rustc, &["--version"])
            .and_then(|version| minor_version(&version))
            .is_some_and(|minor| minor >= OLDEST_MINOR);
        let has_source = ask(&rustc, &["--print", "sysroot"])
            .is_some_and(|root| library_source(&root).is_dir());
        self.distribution.join("cargo").is_file()
            && new_enough
            && has_source
            && self.linker().is_some()
    }

    /// A linker for the distribution's compiler: LLVM's, wherever it is.
    pub fn linker(&self) -> Option<PathBuf> {
        self.find("ld.lld").or_else(|| self.rustup_linker())
    }

    fn rustup_linker(&self) -> Option<PathBuf> {
        let rustc = self.find("rustc")?;
        let own = ask(&rustc, &["--print", "target-libdir"])?;
        let linker = Path::new(&own).parent()?.join("bin/rust-lld");
        linker.is_file().then_some(linker)
    }

    /// What `rustup target add` was refused for: a compiler's version.
    pub fn compiler_version(&self) -> Option<String> {
        ask(&self.find("rustc")?, &["--version"])
    }

    fn was_refused(&self) -> bool {
        let note = fs::read_to_string(&self.refusal_note).ok();
        note.is_some() && note == self.compiler_version()
    }
}

/// The first line `program` prints; none when it fails.
fn ask(program: &Path, arguments: &[impl AsRef<OsStr>]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn has_core(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        entry.file_name().to_string_lossy().starts_with("libcore-")
    })
}

fn library_source(sysroot: &str) -> PathBuf {
    Path::new(sysroot).join("lib/rustlib/src/rust/library/core")
}

/// `rustc 1.96.0 (…)` gives 96.
pub(super) fn minor_version(line: &str) -> Option<u32> {
    let version = line.split_whitespace().nth(1)?;
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

/// Whether we may install packages.
pub fn is_root() -> bool {
    ask(Path::new("id"), &["-u"]).as_deref() == Some("0")
}
