//! Programs of Debian for arm64: what Linux runs, to be run by Firn.
//!
//! `apt-get` fetches them with a state of its own below `target/debian`, so
//! neither root nor the machine's own lists and architectures are needed, and
//! nothing is ever committed. A [`Sysroot`] is the packages unpacked; it
//! puts a program into a guest's file system together with the libraries that
//! the program names.
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use elf::ElfBytes;
use elf::abi::DT_NEEDED;
use elf::endian::LittleEndian;

use crate::initramfs::Tree;
use crate::layout;

/// The release that the packages come from.
const SUITE: &str = "bookworm";
const MIRROR: &str = "http://deb.debian.org/debian";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What is fetched; what these need comes with them.
const PACKAGES: [&str; 9] = [
    "busybox-static",
    "bash-static",
    "coreutils",
    "procps",
    "ncurses-base",
    "libgcc-s1",
    "strace",
    "stress-ng",
    "musl-dev",
];

/// Where libraries lie, in the order of the dynamic linker.
const LIBRARY_FOLDERS: [&str; 3] =
    ["lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib"];

/// Packages, unpacked.
#[derive(Clone, Debug)]
pub struct Sysroot {
    folder: PathBuf,
}

/// Fetches and unpacks the packages, unless that was done before.
///
/// # Errors
/// This is no Debian, or its servers cannot be reached.
pub fn fetch() -> Result<Sysroot> {
    let home = layout::root().join("target/debian");
    let folder = home.join("root");
    let stamp = home.join("complete");
    let wanted = format!("{SUITE} {}", PACKAGES.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(Sysroot { folder });
    }
    ensure!(Path::new(KEYS).is_file(), "no {KEYS}: this is no Debian");
    let apt = Apt::new(&home)?;
    apt.get(&["update"])?;
    let install = ["install", "--download-only", "--no-install-recommends"];
    apt.get(&[&install[..], &PACKAGES].concat())?;
    for package in apt.packages()? {
        let status = Command::new("dpkg")
            .args(["--extract".as_ref(), package.as_os_str()])
            .arg(&folder)
            .status()
            .context("dpkg does not start")?;
        ensure!(status.success(), "dpkg: {status}");
    }
    fs::write(stamp, wanted)?;
    Ok(Sysroot { folder })
}

/// `apt-get` with its own state.
struct Apt {
    home: PathBuf,
    configuration: PathBuf,
}

impl Apt {
    fn new(home: &Path) -> Result<Apt> {
        for folder in
            ["state/lists/partial", "cache/archives/partial", "etc", "root"]
        {
            fs::create_dir_all(home.join(folder))?;
        }
        fs::write(home.join("status"), "")?;
        let source = format!("deb [signed-by={KEYS}] {MIRROR} {SUITE} main\n");
        fs::write(home.join("etc/sources"), source)?;
        let configuration = home.join("etc/apt.conf");
        fs::write(&configuration, configure(&home.display().to_string()))?;
        Ok(Apt { home: home.into(), configuration })
    }

    fn get(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new("apt-get")
            .env("APT_CONFIG", &self.configuration)
            .args(["-q", "-y"])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("apt-get does not start")?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!("apt-get {}: {}", arguments.join(" "), words.trim());
        }
        Ok(())
    }

    /// The packages that have come.
    fn packages(&self) -> Result<Vec<PathBuf>> {
        let mut packages = Vec::new();
        for entry in fs::read_dir(self.home.join("cache/archives"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "deb") {
                packages.push(path);
            }
        }
        ensure!(!packages.is_empty(), "apt-get has fetched nothing");
        packages.sort();
        Ok(packages)
    }
}

/// The text of the configuration for a state in `home`.
fn configure(home: &str) -> String {
    [
        r#"APT::Architecture "arm64";"#.to_owned(),
        r#"APT::Architectures { "arm64"; };"#.to_owned(),
        // Root may read what is in `target`, apt's own user may not.
        r#"APT::Sandbox::User "root";"#.to_owned(),
        r#"Acquire::Languages "none";"#.to_owned(),
        r#"Acquire::Retries "2";"#.to_owned(),
        r#"Acquire::http::Timeout "20";"#.to_owned(),
        r#"Debug::NoLocking "1";"#.to_owned(),
        format!(r#"Dir::State "{home}/state";"#),
        format!(r#"Dir::State::status "{home}/status";"#),
        format!(r#"Dir::Cache "{home}/cache";"#),
        format!(r#"Dir::Etc "{home}/etc";"#),
        r#"Dir::Etc::sourcelist "sources";"#.to_owned(),
        r#"Dir::Etc::sourceparts "/dev/null";"#.to_owned(),
        r#"Dir::Etc::preferencesparts "/dev/null";"#.to_owned(),
        r#"Dir::Etc::parts "/dev/null";"#.to_owned(),
    ]
    .join("\n")
        + "\n"
}

impl Sysroot {
    /// The file `path` of the packages.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Puts the program `from` into `tree` as `to`, and all libraries it
    /// names.
    ///
    /// # Errors
    /// A file is missing, or no program.
    pub fn copy(&self, tree: &mut Tree, from: &str, to: &str) -> Result<()> {
        tree.copy_file(&self.file(from), to)?;
        self.copy_libraries(tree, &self.file(from))
    }

    /// Puts the libraries that `program` names into `tree`, and those that
    /// they name.
    ///
    /// # Errors
    /// A library is missing, or `program` is none.
    pub fn copy_libraries(
        &self,
        tree: &mut Tree,
        program: &Path,
    ) -> Result<()> {
        let mut waiting = needed(program)?;
        let mut done = Vec::new();
        while let Some(name) = waiting.pop() {
            if done.contains(&name) {
                continue;
            }
            let library = self.library(&name)?;
            waiting.extend(needed(&library)?);
            tree.copy_file(&library, &format!("/lib/{name}"))?;
            done.push(name);
        }
        Ok(())
    }

    /// The library `name`.
    ///
    /// # Errors
    /// No package has it.
    pub fn library(&self, name: &str) -> Result<PathBuf> {
        let places = LIBRARY_FOLDERS.iter();
        places
            .map(|folder| self.folder.join(folder).join(name))
            .find(|path| path.is_file())
            .with_context(|| format!("no package has {name}"))
    }
}

/// The libraries that a program or a library names.
fn needed(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let file = ElfBytes::<LittleEndian>::minimal_parse(&bytes)
        .with_context(|| path.display().to_string())?;
    let common = file.find_common_data()?;
    let (Some(dynamic), Some(names)) = (common.dynamic, common.dynsyms_strs)
    else {
        return Ok(Vec::new());
    };
    let entries = dynamic.iter().filter(|entry| entry.d_tag == DT_NEEDED);
    let name = |offset: u64| Ok(names.get(offset as usize)?.to_owned());
    entries.map(|entry| name(entry.d_val())).collect()
}
