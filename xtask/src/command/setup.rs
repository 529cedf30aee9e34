//! `cargo xtask setup`: finds what building and booting need, and installs
//! what is missing. The other commands call it.
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::board::UBoot;
use crate::debian;
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
        let u_boot = find_u_boot(consent);
        match &u_boot {
            Ok(path) => println!("U-Boot: {}", path.display()),
            Err(error) => println!("U-Boot: {error}"),
        }
        let tools = find_card_tools(consent);
        match &tools {
            Ok(()) => println!("tools that read cards: {}", card_tools()),
            Err(error) => println!("tools that read cards: {error}"),
        }
        match linux_compiler(consent) {
            Ok(name) => println!("compiler for Linux programs: {name}"),
            Err(error) => println!("compiler for Linux programs: {error:#}"),
        }
        if consent == Consent::Install {
            match debian::fetch() {
                Ok(_) => println!("programs of Debian: fetched"),
                Err(error) => println!("programs of Debian: {error:#}"),
            }
            match debian::fetch_trees() {
                Ok(_) => println!("device trees of Debian: fetched"),
                Err(error) => println!("device trees of Debian: {error:#}"),
            }
        }
        compiler
            .map(|_| ())
            .and(qemu.map(|_| ()))
            .and(u_boot.map(|_| ()))
            .and(tools)
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

/// Programs with which the tests read a card, and their packages.
const CARD_TOOLS: [(&str, &str); 4] = [
    ("file", "file"),
    ("fsck.fat", "dosfstools"),
    ("mcopy", "mtools"),
    ("mkimage", "u-boot-tools"),
];

fn card_tools() -> String {
    CARD_TOOLS.map(|(program, _)| program).join(", ")
}

/// The path of QEMU, which is installed when it is missing.
///
/// # Errors
/// It is missing and cannot, or may not, be installed.
pub fn find_qemu(consent: Consent) -> Result<String> {
    let host = Host::this();
    if host.find(QEMU).is_none() {
        install_missing(&host, consent, QEMU, &["qemu-system-arm"])?;
    }
    match host.find(QEMU) {
        Some(path) => Ok(path.display().to_string()),
        None => bail!("{QEMU} is not on PATH"),
    }
}

/// The U-Boot that QEMU starts, which is installed when it is missing.
///
/// # Errors
/// It is missing and cannot, or may not, be installed.
pub fn find_u_boot(consent: Consent) -> Result<PathBuf> {
    let UBoot { firmware, package, .. } = UBoot::of_qemu()?;
    if !firmware.is_file() {
        let name = firmware.display().to_string();
        install_missing(&Host::this(), consent, &name, &[&package])?;
    }
    match firmware.is_file() {
        true => Ok(firmware),
        false => bail!("{package} has no {}", firmware.display()),
    }
}

/// Sees to it that the programs are there with which the tests read a card.
///
/// # Errors
/// One is missing and cannot, or may not, be installed.
pub fn find_card_tools(consent: Consent) -> Result<()> {
    let host = Host::this();
    let missing = || {
        CARD_TOOLS.iter().filter(|(program, _)| host.find(program).is_none())
    };
    let (programs, packages): (Vec<&str>, Vec<&str>) =
        missing().copied().unzip();
    if !programs.is_empty() {
        install_missing(&host, consent, &programs.join(", "), &packages)?;
    }
    match missing().next() {
        None => Ok(()),
        Some((program, package)) => {
            bail!("{program} of the package {package} is not on PATH")
        }
    }
}

/// The compiler that makes Linux programs for the tests, installed when it is
/// missing.
///
/// # Errors
/// It is missing and cannot, or may not, be installed.
pub fn linux_compiler(consent: Consent) -> Result<&'static str> {
    const NAME: &str = "aarch64-linux-gnu-gcc";
    let host = Host::this();
    if host.find(NAME).is_none() {
        let packages = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];
        install_missing(&host, consent, NAME, &packages)?;
    }
    match host.find(NAME) {
        Some(_) => Ok(NAME),
        None => bail!("{NAME} is not on PATH"),
    }
}

/// Installs `packages`, which bring the missing `what`.
fn install_missing(
    host: &Host,
    consent: Consent,
    what: &str,
    packages: &[&str],
) -> Result<()> {
    let list = packages.join(" ");
    if consent == Consent::ReportOnly {
        bail!("missing: {what}; would install {list} with apt-get");
    }
    if !is_root() || host.find("apt-get").is_none() {
        bail!("{what}: missing; install {list}");
    }
    install::packages(packages)
}
