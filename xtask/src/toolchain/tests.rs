//! Each way to a compiler, on machines that are made up of shell scripts.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use super::choose::{Facts, Step, Way, next_step};
use super::invocation::{Action, Invocation};
use super::probe::{Host, minor_version};
use super::{Consent, TARGET, obtain};
use crate::layout::Profile;

/// Has every tool, and may install more.
fn everything() -> Facts {
    Facts {
        has_target: true,
        has_rustup: true,
        has_distribution: true,
        can_install: true,
        ..Facts::default()
    }
}

#[test]
fn installed_target_comes_first() {
    assert_eq!(next_step(&everything()), Step::Use(Way::Rustup));
}

#[test]
fn missing_target_is_asked_of_rustup() {
    let facts = Facts { has_target: false, ..everything() };
    assert_eq!(next_step(&facts), Step::AddTarget);
}

#[test]
fn refused_target_leaves_the_distribution() {
    let facts =
        Facts { has_target: false, target_refused: true, ..everything() };
    assert_eq!(next_step(&facts), Step::Use(Way::Distribution));
    let facts = Facts { has_distribution: false, ..facts };
    assert_eq!(next_step(&facts), Step::InstallDistribution);
}

#[test]
fn no_rustup_leaves_the_distribution() {
    let facts = Facts { has_target: false, has_rustup: false, ..everything() };
    assert_eq!(next_step(&facts), Step::Use(Way::Distribution));
}

#[test]
fn failed_installation_is_not_repeated() {
    let facts =
        Facts { can_install: true, install_failed: true, ..Facts::default() };
    assert!(matches!(next_step(&facts), Step::GiveUp(_)));
}

#[test]
fn forced_way_is_the_only_one() {
    let forced = Some(Way::Distribution);
    let facts = Facts { forced, ..everything() };
    assert_eq!(next_step(&facts), Step::Use(Way::Distribution));
    let forced = Some(Way::Rustup);
    let facts = Facts {
        forced,
        has_target: false,
        target_refused: true,
        ..everything()
    };
    assert!(matches!(next_step(&facts), Step::GiveUp(_)));
}

#[test]
fn version_is_read_from_the_compiler() {
    assert_eq!(minor_version("rustc 1.96.0 (59807616e 2026-01-19)"), Some(96));
    assert_eq!(minor_version("rustc 2.0.0"), None);
    assert_eq!(minor_version(""), None);
}

/// A machine with nothing but what a test puts there.
struct FakeMachine {
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// One machine at a time. While another test starts a process, its child has
/// our half-written script open for a moment, and Linux does not run such a
/// file.
static TURN: Mutex<()> = Mutex::new(());

impl FakeMachine {
    fn new() -> FakeMachine {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().expect("a temporary folder");
        for name in ["bin", "distribution"] {
            fs::create_dir(folder.path().join(name)).expect("a new folder");
        }
        FakeMachine { folder, _turn: turn }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("our own file");
    }

    /// A compiler whose library folder is `library`.
    fn compiler(&self, name: &str, library: &Path) {
        let library = library.display();
        self.program(
            name,
            &format!(
                "case \"$*\" in\n\
                 *target-libdir*) echo {library};;\n\
                 *sysroot*) echo {library}/root;;\n\
                 *) echo 'rustc 1.96.0 (fake)';;\nesac"
            ),
        );
    }

    /// A cargo that records its arguments and environment.
    fn cargo(&self, name: &str) {
        let record = self.path("record");
        let record = record.display();
        let script = format!("{{ echo \"$0 $@\"; env; }} > {record}");
        self.program(name, &script);
    }

    fn host(&self) -> Host {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        Host {
            // The real folders only serve the scripts (`env`, `sh`).
            path: path.into(),
            distribution: self.path("distribution"),
            forced: None,
            refusal_note: self.path("refused"),
        }
    }

    /// What [`FakeMachine::cargo`] saw of a build of the kernel.
    fn build(&self, way: Way) -> String {
        let host = self.host();
        Invocation::new(
            &host,
            way,
            Action::Build,
            "kernel",
            &["kernel"],
            Profile::Release,
        )
        .run()
        .expect("the fake cargo succeeds");
        fs::read_to_string(self.path("record")).expect("cargo has run")
    }
}

/// A machine whose rustup compiler has the target.
fn machine_with_target() -> FakeMachine {
    let machine = FakeMachine::new();
    let library = machine.path("library");
    fs::create_dir(&library).expect("a new folder");
    fs::write(library.join("libcore-1234.rlib"), "").expect("a new file");
    machine.compiler("bin/rustc", &library);
    machine.cargo("bin/cargo");
    machine
}

/// A machine whose rustup has no such target, but whose distribution has a
/// compiler with source.
fn machine_with_distribution() -> FakeMachine {
    let machine = FakeMachine::new();
    let library = machine.path("library");
    let source = library.join("root/lib/rustlib/src/rust/library/core");
    fs::create_dir_all(source).expect("a new folder");
    machine.compiler("bin/rustc", Path::new("/nonexistent"));
    machine.compiler("distribution/rustc", &library);
    machine.cargo("distribution/cargo");
    machine.program("bin/ld.lld", "exit 0");
    machine.program("bin/rustup", "exit 1");
    machine
}

#[test]
fn first_way_uses_the_cargo_on_path() {
    let machine = machine_with_target();
    let way = obtain(&machine.host(), Consent::ReportOnly);
    assert_eq!(way.ok(), Some(Way::Rustup));
    let seen = machine.build(Way::Rustup);
    let line = seen.lines().next().expect("the command line");
    let cargo = machine.path("bin/cargo");
    let start = format!("{} build --package kernel", cargo.display());
    assert!(line.starts_with(&start), "{line}");
    assert!(line.contains(&format!("--target {TARGET}")), "{line}");
    assert!(line.contains("--profile release"), "{line}");
    assert!(!line.contains("build-std"), "{line}");
    assert!(!seen.contains("RUSTC_BOOTSTRAP="), "{seen}");
    assert!(!seen.contains("_LINKER="), "{seen}");
    let flags = value(&seen, "CARGO_ENCODED_RUSTFLAGS");
    assert!(flags.contains("linker/kernel.ld"), "{flags}");
}

#[test]
fn last_way_builds_the_library_with_the_distribution() {
    let machine = machine_with_distribution();
    let way = obtain(&machine.host(), Consent::Install);
    assert_eq!(way.ok(), Some(Way::Distribution));
    let seen = machine.build(Way::Distribution);
    let line = seen.lines().next().expect("the command line");
    let cargo = machine.path("distribution/cargo");
    let start = format!("{} build -Zbuild-std=core", cargo.display());
    assert!(line.starts_with(&start), "{line}");
    assert_eq!(value(&seen, "RUSTC_BOOTSTRAP"), "1");
    let rustc = machine.path("distribution/rustc");
    assert_eq!(value(&seen, "RUSTC"), rustc.to_string_lossy());
    let linker = machine.path("bin/ld.lld");
    let name = "CARGO_TARGET_AARCH64_UNKNOWN_NONE_SOFTFLOAT_LINKER";
    assert_eq!(value(&seen, name), linker.to_string_lossy());
}

#[test]
fn refusal_of_rustup_is_remembered_for_this_compiler() {
    let machine = machine_with_distribution();
    let host = machine.host();
    obtain(&host, Consent::Install).expect("the distribution works");
    assert!(host.facts().target_refused);
    machine.program("bin/rustc", "echo 'rustc 1.97.0 (newer)'");
    assert!(!host.facts().target_refused);
}

#[test]
fn second_way_lets_rustup_add_the_target() {
    let machine = machine_with_distribution();
    let late = machine.path("late");
    let core = late.join("libcore-1234.rlib");
    let (late_name, core) = (late.display(), core.display());
    machine.compiler("bin/rustc", &late);
    let script = format!(
        "[ \"$*\" = 'target add {TARGET}' ] && \
         mkdir {late_name} && touch {core}"
    );
    machine.program("bin/rustup", &script);
    let way = obtain(&machine.host(), Consent::Install);
    assert_eq!(way.ok(), Some(Way::Rustup));
}

#[test]
fn report_changes_nothing() {
    let machine = machine_with_distribution();
    machine.program("bin/rustup", "touch \"$0.was-run\"");
    let error = obtain(&machine.host(), Consent::ReportOnly).unwrap_err();
    assert!(error.to_string().contains("rustup target add"), "{error}");
    assert!(!machine.path("bin/rustup.was-run").exists());
}

/// The value of the variable `name` in a listing of the environment.
fn value<'a>(listing: &'a str, name: &str) -> &'a str {
    listing
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("{name} is not set:\n{listing}"))
}
