//! Guests that run what Linux runs: an initramfs of Debian's programs.
//!
//! Where Debian's packages cannot be had, a test says so and does nothing,
//! unless `FIRN_DEBIAN=required` says that it must not.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use xtask::debian::{self, Sysroot};
use xtask::initramfs::{Node, Tree, pack};
use xtask::layout::{Profile, boot_dir, root};

use crate::setup::{Firn, Setup};

/// The compiler for C programs.
const COMPILER: &str = "aarch64-linux-gnu-gcc";

/// What busybox's shell prints after its prompt, to learn where it is.
const ASK_CURSOR: &str = "\u{1b}[6n";

/// Debian's programs, fetched once; `None` where they cannot be had.
///
/// # Errors
/// They cannot be had where they are required.
pub fn sysroot() -> Result<Option<Sysroot>> {
    static FETCHED: OnceLock<Result<Sysroot, String>> = OnceLock::new();
    let fetched = FETCHED
        .get_or_init(|| debian::fetch().map_err(|error| format!("{error:#}")));
    match fetched {
        Ok(sysroot) => Ok(Some(sysroot.clone())),
        Err(error) => skip(error).map(|()| None),
    }
}

/// Says why a test does nothing.
///
/// # Errors
/// It must not.
fn skip(why: &str) -> Result<()> {
    if debian::is_required() {
        bail!("required, but not there: {why}");
    }
    eprintln!("skipped: {why}");
    Ok(())
}

/// Compiles the C program `name` of `tests/programs`; `None` where there is
/// no compiler.
///
/// # Errors
/// It does not compile, or there must be a compiler.
pub fn compile(name: &str, options: &[&str]) -> Result<Option<PathBuf>> {
    let program = program_path(&format!("{name}{}", options.concat()))?;
    let mut compiler = compiler(name, &program);
    run_compiler(compiler.args(options), program)
}

/// As [`compile`], static and with musl in place of glibc.
///
/// # Errors
/// As there.
pub fn compile_with_musl(
    musl: &Sysroot,
    name: &str,
) -> Result<Option<PathBuf>> {
    let library = musl.file("usr/lib/aarch64-linux-musl");
    let part = |name: &str| library.join(name);
    let Some(own) = compiler_folder()? else { return Ok(None) };
    let program = program_path(&format!("{name}-musl"))?;
    let mut compiler = compiler(name, &program);
    // The C library's headers, the compiler's, and the kernel's.
    compiler.args(["-static", "-nostdlib", "-nostdinc"]);
    compiler.arg("-isystem").arg(musl.file("usr/include/aarch64-linux-musl"));
    compiler.arg("-isystem").arg(own.join("include"));
    compiler.args(["-isystem", "/usr/aarch64-linux-gnu/include"]);
    // Its choice of instructions at run time asks glibc.
    compiler.arg("-mno-outline-atomics");
    compiler.args([part("crt1.o"), part("crti.o"), part("libc.a")]);
    compiler.args([own.join("libgcc.a"), part("libc.a"), part("crtn.o")]);
    run_compiler(&mut compiler, program)
}

fn program_path(name: &str) -> Result<PathBuf> {
    let folder = boot_dir(Profile::Checked).join("programs");
    fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}

/// The compiler, told to make `program` of the source `name`.
fn compiler(name: &str, program: &Path) -> Command {
    let source = root().join("tests/programs").join(format!("{name}.c"));
    let mut compiler = Command::new(COMPILER);
    compiler.args(["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]);
    compiler.arg(program).arg(source);
    compiler
}

/// Where the compiler keeps its own headers and library; `None` where there
/// is no compiler.
fn compiler_folder() -> Result<Option<PathBuf>> {
    let asked = Command::new(COMPILER).arg("-print-libgcc-file-name").output();
    match asked {
        Err(error) => skip(&format!("{COMPILER}: {error}")).map(|()| None),
        Ok(output) => {
            let path = String::from_utf8_lossy(&output.stdout).into_owned();
            Ok(Path::new(path.trim()).parent().map(Path::to_path_buf))
        }
    }
}

fn run_compiler(
    compiler: &mut Command,
    program: PathBuf,
) -> Result<Option<PathBuf>> {
    match compiler.output() {
        Err(error) => skip(&format!("{COMPILER}: {error}")).map(|()| None),
        Ok(output) if !output.status.success() => {
            bail!("{}", String::from_utf8_lossy(&output.stderr))
        }
        Ok(_) => Ok(Some(program)),
    }
}

/// An initramfs in the making.
#[derive(Default)]
pub struct Image {
    tree: Tree,
}

impl Image {
    /// One with these empty folders.
    ///
    /// # Errors
    /// A name is not absolute.
    pub fn new(folders: &[&str]) -> Result<Image> {
        let mut image = Image::default();
        for folder in folders {
            image.tree.insert(folder, Node::Folder { mode: 0o755 })?;
        }
        Ok(image)
    }

    /// With a file of the packages.
    ///
    /// # Errors
    /// It is missing.
    pub fn file(mut self, from: &Sysroot, path: &str) -> Result<Image> {
        self.tree.copy_file(&from.file(path), &format!("/{path}"))?;
        Ok(self)
    }

    /// With programs of the packages in `/bin`, and their libraries.
    ///
    /// # Errors
    /// One is missing.
    pub fn programs(mut self, from: &Sysroot, paths: &[&str]) -> Result<Image> {
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or(path);
            from.copy(&mut self.tree, path, &format!("/bin/{name}"))?;
        }
        Ok(self)
    }

    /// With a program of the host, and its libraries.
    ///
    /// # Errors
    /// It cannot be read, or a library is missing.
    pub fn host_program(
        mut self,
        from: &Sysroot,
        host: &Path,
        guest: &str,
    ) -> Result<Image> {
        self.tree.copy_file(host, guest)?;
        from.copy_libraries(&mut self.tree, host)?;
        Ok(self)
    }

    /// With a library that no program names: the C library opens it itself.
    ///
    /// # Errors
    /// It is missing.
    pub fn library(mut self, from: &Sysroot, name: &str) -> Result<Image> {
        let library = from.library(name)?;
        self.tree.copy_file(&library, &format!("/lib/{name}"))?;
        Ok(self)
    }

    /// With a symbolic link.
    ///
    /// # Errors
    /// The name is not absolute.
    pub fn link(mut self, path: &str, target: &str) -> Result<Image> {
        self.tree.insert(path, Node::Link { target: target.into() })?;
        Ok(self)
    }

    /// With a text file that can be executed.
    ///
    /// # Errors
    /// The name is not absolute.
    pub fn script(mut self, path: &str, text: &str) -> Result<Image> {
        let content = text.as_bytes().to_vec();
        self.tree.insert(path, Node::File { mode: 0o755, content })?;
        Ok(self)
    }

    /// Starts `setup` with this initramfs in place of Firn's own.
    ///
    /// # Errors
    /// As [`Setup::start`].
    pub fn start(&self, setup: Setup, name: &str) -> Result<Firn> {
        let path = boot_dir(Profile::Checked).join(format!("{name}.cpio.gz"));
        fs::write(&path, pack(&self.tree)?)?;
        setup.initrd(&path).start()
    }
}

/// Runs `command` in busybox's interactive shell; what it printed.
///
/// # Errors
/// It takes longer than `limit`, or the machine ended.
pub fn run_in_ash(
    firn: &mut Firn,
    command: &str,
    limit: Duration,
) -> Result<String> {
    let start = firn.transcript().len();
    firn.send(&format!("{command}\n"))?;
    firn.wait_for(ASK_CURSOR, start, limit)
        .with_context(|| format!("running `{command}`"))?;
    let output = &firn.transcript()[start..];
    let (_, output) = output.split_once('\n').unwrap_or_default();
    let end = output.rfind('\n').map_or(0, |at| at + 1);
    Ok(output[..end].to_owned())
}

/// Waits for the first prompt of busybox's interactive shell.
///
/// # Errors
/// It does not come within `limit`, or the machine ended.
pub fn wait_for_ash(firn: &mut Firn, limit: Duration) -> Result<()> {
    firn.wait_for(ASK_CURSOR, 0, limit)
}

/// Fails unless `output` has all `lines`, in this order.
///
/// # Errors
/// One is missing; the message says which.
pub fn ensure_lines(output: &str, lines: &[&str]) -> Result<()> {
    let mut rest = output.lines();
    for line in lines {
        let found = rest.any(|it| it.trim_end() == *line);
        ensure!(found, "no line {line:?} where it belongs in {output:?}");
    }
    Ok(())
}
