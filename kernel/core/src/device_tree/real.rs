//! Device trees of real boards, for tests.
//!
//! They are in `target/trees`: those of Debian's kernel that
//! `boards/device-trees.toml` lists, and any that a person puts there.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::string::String;
use std::vec::Vec;
use std::{env, fs};

/// All that are there, with their names; says so where there are none.
///
/// # Panics
/// There are none, and `FIRN_DEBIAN=required`.
pub fn real_trees() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("target/trees");
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut trees: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "dtb"))
        .map(|path| {
            let name = path.file_name().unwrap_or_default();
            (name.to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    if trees.is_empty() {
        let required = env::var("FIRN_DEBIAN").is_ok_and(|it| it == "required");
        assert!(!required, "no trees in {}", folder.display());
        std::println!(
            "skipped: no trees in {}; `cargo xtask setup` fetches some",
            folder.display()
        );
    }
    trees.sort();
    trees
}
