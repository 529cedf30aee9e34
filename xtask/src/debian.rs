//! What Debian makes for arm64, and Linux runs or boots with, for Firn.
//!
//! [`fetch`] brings programs, of which a [`Sysroot`] puts some into a guest's
//! file system together with the libraries that they name; [`user_land`] makes
//! a whole system of two of them. [`fetch_trees`] brings the device trees of
//! real boards.
//!
//! All of it comes by `apt-get`, with a state of its own below `target/`
//! (`debian/apt.rs`): neither root nor the machine's own lists and
//! architectures are needed, and nothing is ever committed.
//!
//! Decision: apt also says where Debian is mirrored (`debian/mirrors.rs`). It
//! reads the machine's sources in both formats, knows `https`, `mirror+file`
//! and every other scheme, and finds proxies and passwords; a reader of our
//! own would know a part of that. Of a source only the address is taken: the
//! release is ours, and what comes from there must be signed with Debian's
//! keys, so that a mirror needs no trust. What lost: to have the machine's
//! sources as they are, because its release may be another, and sources that
//! are not Debian's may be among them.
mod apt;
mod mirrors;
mod programs;
mod sysroot;
#[cfg(test)]
mod tests;
mod trees;
mod user_land;

use std::env;
use std::ffi::OsStr;

pub use programs::fetch;
pub use sysroot::Sysroot;
pub use trees::fetch as fetch_trees;
pub use user_land::user_land;

/// Whether a test that needs something of Debian must fail without it:
/// `FIRN_DEBIAN=required`. Otherwise it says so, and does nothing.
pub fn is_required() -> bool {
    env::var_os("FIRN_DEBIAN").as_deref() == Some(OsStr::new("required"))
}
