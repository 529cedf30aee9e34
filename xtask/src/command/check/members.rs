//! The packages of this workspace, and which of them the target runs.
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::layout;

/// What `cargo metadata` says of the workspace.
#[derive(Debug, Deserialize)]
pub struct Members {
    packages: Vec<Package>,
    workspace_default_members: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
}

impl Members {
    /// Asks `cargo`.
    ///
    /// # Errors
    /// It fails.
    pub fn read(cargo: &str) -> Result<Members> {
        let output = Command::new(cargo)
            .current_dir(layout::root())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cargo does not start")?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata: {}", words.trim());
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The packages that `program` is made of: those in its folder.
    pub fn of(&self, program: &str) -> Vec<&str> {
        let folder = layout::root().join(program);
        let is_in = |path: &Path| path.starts_with(&folder);
        let packages = self.packages.iter();
        packages
            .filter(|package| is_in(&package.manifest_path))
            .map(|package| package.name.as_str())
            .collect()
    }

    /// Fails if a package that no host runs, which `cargo` alone leaves out,
    /// is part of none of `programs`.
    ///
    /// # Errors
    /// There is one; its name.
    pub fn ensure_complete(&self, programs: &[&str]) -> Result<()> {
        let known: Vec<&str> =
            programs.iter().flat_map(|program| self.of(program)).collect();
        for Package { id, name, .. } in &self.packages {
            let is_on_host = self.workspace_default_members.contains(id);
            let is_known = known.contains(&name.as_str());
            ensure!(is_on_host || is_known, "{name} is part of no program");
        }
        Ok(())
    }
}
