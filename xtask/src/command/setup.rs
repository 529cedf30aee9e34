//! `cargo xtask setup`: finds what building and booting need, and installs
//! what is missing. The other commands call it.
use anyhow::{Result, bail};

use crate::qemu::machine::QEMU;
use crate::toolchain::choose::Way;
use crate::toolchain::probe::{Host, is_root};
use crate::toolchain::{self, Consent, install};

/// Options of `cargo xtask setup`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only report what is missing
    #[arg(long)]
    no_install: bool,
}

impl Arguments {
    /// Goes through everything and says one line about each.
    ///
    /// # Errors
    /// Something is missing and cannot, or may not, be installed.
    pub fn run(self) -> Result<()> {
        let consent = if self.no_install {
            Consent::ReportOnly
        } else {
            Consent::Install
        };
        let host = Host::this();
        if consent == Consent::Install {
            install::forget_refusal(&host);
        }
        let compiler = toolchain::obtain(&host, consent);
        match &compiler {
            Ok(way) => println!("compiler: {}", describe(&host, *way)),
            Err(error) => println!("compiler: {error}"),
        }
        let qemu = find_qemu(consent);
        match &qemu {
            Ok(path) => println!("QEMU: {path}"),
            Err(error) => println!("QEMU: {error}"),
        }
        compiler.and(qemu.map(|_| Way::Rustup)).map(|_| ())
    }
}

fn describe(host: &Host, way: Way) -> String {
    match way {
        Way::Rustup => "the Rust on PATH has the target".into(),
        Way::Distribution => format!(
            "the distribution's Rust in {}, library from source",
            host.distribution.display()
        ),
    }
}

/// The path of QEMU, which is installed when it is missing.
///
/// # Errors
/// It is missing and cannot, or may not, be installed.
pub fn find_qemu(consent: Consent) -> Result<String> {
    let host = Host::this();
    if host.find(QEMU).is_none() {
        if consent == Consent::ReportOnly {
            bail!("missing: would install qemu-system-arm with apt-get");
        }
        if !is_root() || host.find("apt-get").is_none() {
            bail!("{QEMU} is missing: install the package qemu-system-arm");
        }
        install::packages(&["qemu-system-arm"])?;
    }
    match host.find(QEMU) {
        Some(path) => Ok(path.display().to_string()),
        None => bail!("{QEMU} is not on PATH"),
    }
}
