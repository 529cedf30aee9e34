//! Programs of Debian: what Linux runs, to be run by Firn.
use std::fs;

use anyhow::Result;

use super::apt::{Apt, unpack};
use super::sysroot::Sysroot;
use crate::layout;

/// The release that the packages come from.
const SUITE: &str = "bookworm";

/// What is fetched; what these need comes with them.
const PACKAGES: [&str; 10] = [
    "busybox-static",
    "bash-static",
    "bsdutils",
    "coreutils",
    "procps",
    "ncurses-base",
    "libgcc-s1",
    "strace",
    "stress-ng",
    "musl-dev",
];

/// Fetches and unpacks the packages, unless that was done before.
///
/// # Errors
/// This is no Debian, or no mirror of it can be reached.
pub fn fetch() -> Result<Sysroot> {
    let home = layout::root().join("target/debian");
    let folder = home.join("root");
    let stamp = home.join("complete");
    let wanted = format!("{SUITE} {}", PACKAGES.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(Sysroot::new(folder));
    }
    fs::create_dir_all(&folder)?;
    let apt = Apt::of(&home, &[SUITE])?;
    for package in apt.fetch(&PACKAGES)? {
        unpack(&package, &folder)?;
    }
    fs::write(stamp, wanted)?;
    Ok(Sysroot::new(folder))
}
