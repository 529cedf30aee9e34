//! Which compiler builds the code for the target.
//!
//! Three ways, tried in this order, without a question to the person:
//!
//! 1. the Rust on `PATH` has the target's library already;
//! 2. `rustup target add` fetches it (it may fail: no network, no rustup);
//! 3. the distribution's compiler builds the library from its source.
//!
//! [`choose`] decides from facts alone and is tested for each way, [`probe`]
//! finds the facts, [`install`] carries out what changes the machine, and
//! [`invocation`] writes the command line. Read them in this order.
pub mod choose;
pub mod install;
pub mod invocation;
pub mod probe;
mod target;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail};

use choose::{Step, Way};
use probe::Host;

pub use target::TARGET;

/// What may be done to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Missing tools are installed.
    Install,
    /// What is missing is only reported.
    ReportOnly,
}

/// Finds a compiler for the target and installs one where that is needed.
///
/// # Errors
/// No way works on this machine; the message says what to install.
pub fn obtain(host: &Host, consent: Consent) -> Result<Way> {
    let mut facts = host.facts();
    loop {
        let step = choose::next_step(&facts);
        match step {
            Step::Use(way) => return Ok(way),
            Step::GiveUp(why) => bail!("{why}"),
            _ if consent == Consent::ReportOnly => {
                bail!("missing: would {}", step.describe())
            }
            Step::AddTarget => {
                facts.has_target = install::add_target(host);
                facts.target_refused = !facts.has_target;
            }
            Step::InstallDistribution => {
                install::distribution_compiler()?;
                facts.has_distribution = host.has_distribution();
                facts.install_failed = !facts.has_distribution;
            }
        }
    }
}
