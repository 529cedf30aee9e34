//! An apt with a state of its own, whose machine is an arm64.
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::mirrors::mirrors;

/// Debian's own keys, wherever it is mirrored.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// How the names of the options begin that say how a network is reached, or
/// what a wrong clock is; they are the machine's.
const NETWORK: [&str; 7] =
    ["http", "https", "ftp", "proxy", "socks", "forceipv", "check-"];

/// `apt-get` with its own state.
pub struct Apt {
    home: PathBuf,
    configuration: PathBuf,
}

impl Apt {
    /// One with its state in `home`, that has read the lists of the first of
    /// the releases `suites` that a mirror has.
    ///
    /// # Errors
    /// This is no Debian, or no mirror of it can be reached.
    pub fn of(home: &Path, suites: &[&str]) -> Result<Apt> {
        let mirrors = mirrors()?;
        let has_keys = Path::new(KEYS).is_file();
        ensure!(has_keys, "this is no Debian: there is no {KEYS}");
        let apt = Apt::new(home)?;
        let mut complaints = Vec::new();
        for suite in suites {
            for mirror in &mirrors {
                match apt.read_lists(mirror, suite) {
                    Ok(()) => return Ok(apt),
                    Err(error) => {
                        complaints.push(format!("{mirror} {suite}: {error}"));
                    }
                }
            }
        }
        bail!("no mirror of Debian answers: {}", complaints.join("; "))
    }

    fn new(home: &Path) -> Result<Apt> {
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            let path = home.join(folder);
            fs::create_dir_all(&path)
                .with_context(|| path.display().to_string())?;
        }
        fs::write(home.join("status"), "")?;
        let configuration = home.join("apt.conf");
        let text = configure(&home.display().to_string(), &machine()?);
        fs::write(&configuration, text)?;
        Ok(Apt { home: home.into(), configuration })
    }

    fn read_lists(&self, mirror: &str, suite: &str) -> Result<()> {
        let source = format!("deb [signed-by={KEYS}] {mirror} {suite} main\n");
        fs::write(self.home.join("sources.list"), source)?;
        self.run("apt-get", &["-q", "update"]).map(drop)
    }

    /// Fetches packages and what they need; the files.
    ///
    /// # Errors
    /// One is not there, or does not come.
    pub fn fetch(&self, packages: &[&str]) -> Result<Vec<PathBuf>> {
        let install = [
            "-q",
            "-y",
            "install",
            "--download-only",
            "--no-install-recommends",
        ];
        self.run("apt-get", &[&install[..], packages].concat())?;
        packages_in(&self.home.join("cache/archives"))
    }

    /// What the lists say in the field `name` of a package.
    ///
    /// # Errors
    /// There is no such package, or no such field.
    pub fn field(&self, package: &str, name: &str) -> Result<String> {
        let show = ["show", "--no-all-versions", package];
        let text = self.run("apt-cache", &show)?;
        let field = format!("{name}: ");
        let mut values = text.lines().filter_map(|it| it.strip_prefix(&field));
        let value = values.next().with_context(|| format!("no {name}"));
        Ok(value.with_context(|| package.to_owned())?.to_owned())
    }

    /// Fetches one package without what it needs, with apt's own picture of
    /// how far it is where a person looks on; the file.
    ///
    /// # Errors
    /// It does not come.
    pub fn download(&self, package: &str) -> Result<PathBuf> {
        let folder = self.home.join("download");
        fs::create_dir_all(&folder)?;
        let mut command = self.command("apt-get");
        if stderr().is_terminal() {
            // What is printed here is no result of the command.
            command.stdout(stderr());
        } else {
            command.arg("-qq").stdout(Stdio::null());
        }
        let status = command
            .args(["download", package])
            .current_dir(&folder)
            .status()
            .context("apt-get does not start")?;
        ensure!(status.success(), "apt-get download {package}: {status}");
        Ok(packages_in(&folder)?.remove(0))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", &self.configuration).stdin(Stdio::null());
        command
    }

    /// What `program` prints.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self
            .command(program)
            .args(arguments)
            .output()
            .with_context(|| format!("{program} does not start"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!("{program} {}: {}", arguments.join(" "), words.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// Unpacks a package.
///
/// # Errors
/// It is none, or the folder cannot be written.
pub fn unpack(package: &Path, folder: &Path) -> Result<()> {
    let status = Command::new("dpkg")
        .args(["--extract".as_ref(), package.as_os_str()])
        .arg(folder)
        .status()
        .context("dpkg does not start")?;
    ensure!(status.success(), "dpkg: {status}");
    Ok(())
}

/// The files of packages in `folder`, of which there is one at least.
fn packages_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "deb") {
            packages.push(path);
        }
    }
    ensure!(!packages.is_empty(), "apt-get has fetched nothing");
    packages.sort();
    Ok(packages)
}

/// The machine's own options.
fn machine() -> Result<String> {
    let output = Command::new("apt-config")
        .arg("dump")
        .output()
        .context("apt-config does not start")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Those of the machine's options that say how a network is reached.
pub(super) fn of_network(options: &str) -> String {
    let is_meant = |line: &&str| {
        let name = line.strip_prefix("Acquire::").unwrap_or_default();
        let name = name.to_ascii_lowercase();
        NETWORK.iter().any(|start| name.starts_with(start))
    };
    let lines = options.lines().filter(is_meant);
    lines.map(|line| format!("{line}\n")).collect()
}

/// The text of the configuration for a state in `home`, on a machine with
/// these options.
pub(super) fn configure(home: &str, options: &str) -> String {
    let ours = [
        r#"APT::Architecture "arm64";"#.to_owned(),
        r#"APT::Architectures { "arm64"; };"#.to_owned(),
        // Root may read what is in `target`, apt's own user may not.
        r#"APT::Sandbox::User "root";"#.to_owned(),
        // A list that does not come is an error, not a warning.
        r#"APT::Update::Error-Mode "any";"#.to_owned(),
        r#"Acquire::Languages "none";"#.to_owned(),
        r#"Acquire::Retries "2";"#.to_owned(),
        r#"Acquire::http::Timeout "20";"#.to_owned(),
        r#"Acquire::https::Timeout "20";"#.to_owned(),
        r#"Debug::NoLocking "1";"#.to_owned(),
        format!(r#"Dir::State "{home}/state";"#),
        format!(r#"Dir::State::status "{home}/status";"#),
        format!(r#"Dir::Cache "{home}/cache";"#),
        format!(r#"Dir::Etc::sourcelist "{home}/sources.list";"#),
        r#"Dir::Etc::sourceparts "/dev/null";"#.to_owned(),
        r#"Dir::Etc::preferences "/dev/null";"#.to_owned(),
        r#"Dir::Etc::preferencesparts "/dev/null";"#.to_owned(),
        r#"Dir::Etc::main "/dev/null";"#.to_owned(),
        r#"Dir::Etc::parts "/dev/null";"#.to_owned(),
    ];
    of_network(options) + &ours.join("\n") + "\n"
}
