//! The program that plays a board, and how it is told to.
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::layout;
use crate::toolchain::probe::Host;

/// A QEMU with a machine that stands for the board.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulator {
    /// The program, which is searched for on `PATH`.
    pub program: String,
    /// The environment variable that names its file.
    pub variable: Option<String>,
    /// Whether `cargo xtask qemu` takes this one unless told otherwise.
    #[serde(default)]
    pub is_usual: bool,
    /// The machine (`-M`). `{gic}` stands for the version of the interrupt
    /// controller where there is a choice.
    pub machine: String,
    /// What is added to enter the kernel at EL2, where there is a choice.
    pub el2: Option<String>,
    /// Model of the CPUs, where there is a choice.
    pub cpu: Option<String>,
    /// Number of CPUs, unless told otherwise.
    pub cpus: u32,
    /// Size of memory, unless told otherwise.
    pub memory: String,
    /// Files that may be its device tree, the best first, from the root of
    /// the source tree; none if the program makes one.
    #[serde(default)]
    pub device_trees: Vec<PathBuf>,
    /// What is added to the machine to load as a boot loader would, by its
    /// name.
    #[serde(default)]
    pub loads: BTreeMap<String, String>,
    /// What is added to the machine to have its watchdog run from the start,
    /// as a boot loader may leave it.
    pub watchdog: Option<String>,
    /// What is added to the machine to be told on the standard error whenever
    /// its status light changes: `LED on at 1.234 s`.
    pub light_log: Option<String>,
    /// What tests need and it lacks, and why: those tests are ignored.
    #[serde(default)]
    pub lacks: BTreeMap<Need, String>,
}

/// What a test may need that not everything that plays a board has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A clock with an alarm, to end a suspend.
    Alarm,
    /// Other kinds of CPU and interrupt controller, entry at EL1 and at EL2.
    Choice,
    /// QEMU's own device tree, and memory where QEMU has it.
    OwnTree,
    /// A U-Boot to start like firmware.
    UBoot,
}

impl Emulator {
    /// The program's file.
    ///
    /// # Errors
    /// There is none: what is missing, and where it is looked for.
    pub fn find(&self) -> Result<PathBuf> {
        let named = self.variable.as_deref().and_then(env::var_os);
        if let (Some(name), Some(path)) = (&self.variable, named) {
            let path = PathBuf::from(path);
            if path.is_file() {
                return Ok(path);
            }
            bail!("{name}: there is no {}", path.display());
        }
        let found = Host::this().find(&self.program);
        found.with_context(|| self.complaint())
    }

    fn complaint(&self) -> String {
        let variable = match &self.variable {
            Some(name) => format!(", or say where it is with {name}"),
            None => String::new(),
        };
        let program = &self.program;
        format!("{program} is missing: have it on PATH{variable}")
    }

    /// The file of the device tree; `None` if the program makes one.
    ///
    /// # Errors
    /// There is none of those it might be.
    pub fn find_tree(&self) -> Result<Option<PathBuf>> {
        let files = self.device_trees.iter().map(|file| absolute(file));
        let found = files.clone().find(|file| file.is_file());
        if found.is_none() && !self.device_trees.is_empty() {
            let files = files.map(|file| file.display().to_string());
            let files: Vec<String> = files.collect();
            bail!(
                "no device tree: there is no {}; `cargo xtask setup` fetches \
                 those of Debian",
                files.join(", no ")
            );
        }
        Ok(found)
    }
}

/// A path from the root of the source tree.
fn absolute(path: &Path) -> PathBuf {
    layout::root().join(path)
}
