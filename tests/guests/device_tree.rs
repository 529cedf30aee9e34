//! A bad device tree gives one clear line and a stop, never a silent hang.
//!
//! QEMU's boot loader reads and mends the tree it hands over, so these tests
//! bring their own: four instructions that put an address into `x0` and jump
//! to the image. QEMU only writes down its tree, which is then spoiled.
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use xtask::qemu::machine::{Placement, QEMU};

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

pub const TESTS: &[Test] = tests::list![
    image_boots_wherever_it_is_put: OwnTree,
    missing_tree_is_told: OwnTree,
    text_is_no_tree: OwnTree,
    tree_that_is_cut_off_is_told: OwnTree,
    tree_of_a_huge_size_is_told: OwnTree,
    tree_without_memory_is_told: OwnTree,
    tree_without_an_interrupt_controller_is_told: OwnTree,
    tree_without_a_timer_is_told: OwnTree,
    tree_with_another_interrupt_for_the_timer_is_told: OwnTree,
    tree_with_a_device_where_there_is_none_is_told: OwnTree,
    tree_with_a_device_out_of_reach_is_told: OwnTree,
    tree_with_a_console_out_of_reach_boots_with_the_boards: OwnTree,
    tree_without_psci_boots_one_cpu: OwnTree,
    tree_with_firmware_that_is_not_there_boots_one_cpu: OwnTree,
    spoiled_trees_end_in_a_line_or_a_prompt: OwnTree,
];

/// Our boot loader. QEMU's tree is in the first MiB of memory in any case.
const LOADER: u64 = 0x4018_0000;
const IMAGE: u64 = 0x4020_0000;
const TREE: u64 = 0x4a00_0000;

/// How the line begins that says why there is no way on.
const REFUSAL: &str = "Firn cannot boot: ";

/// `ldr x0, tree; ldr x1, image; br x1; nop`, and then the two addresses.
const CODE: [u32; 4] = [0x5800_0080, 0x5800_00a1, 0xd61f_0020, 0xd503_201f];

/// QEMU's tree for its usual machine with so many CPUs.
pub fn qemu_tree(cpus: u32) -> Result<Vec<u8>> {
    let folder = TempDir::new()?;
    let path = folder.path().join("tree");
    let board = format!("virt,gic-version=3,dumpdtb={}", path.display());
    let output = Command::new(QEMU)
        .args(["-M", &board, "-cpu", "cortex-a72", "-smp", &cpus.to_string()])
        .args(["-m", "1G", "-display", "none", "-nic", "none"])
        .arg("-kernel")
        .arg(Setup::new().image())
        .output()?;
    ensure!(output.status.success(), "{QEMU} wrote no tree");
    Ok(fs::read(path)?)
}

/// A tree and a boot loader of our own.
struct Bench {
    folder: TempDir,
    image: u64,
    tree: u64,
    cpus: u32,
}

impl Bench {
    fn new() -> Result<Bench> {
        let folder = TempDir::new()?;
        Ok(Bench { folder, image: IMAGE, tree: TREE, cpus: 1 })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// QEMU's tree for such a machine.
    fn original(&self) -> Result<Vec<u8>> {
        qemu_tree(self.cpus)
    }

    /// Starts a machine with `tree` in memory.
    fn start(&self, tree: &[u8]) -> Result<Firn> {
        let code = CODE.iter().flat_map(|word| word.to_le_bytes());
        let addresses = [self.tree, self.image].map(u64::to_le_bytes);
        let loader: Vec<u8> = code.chain(addresses.concat()).collect();
        fs::write(self.path("loader"), loader)?;
        fs::write(self.path("tree"), tree)?;
        let setup = Setup::new().cpus(self.cpus);
        let files = vec![
            (self.path("loader"), LOADER),
            (self.path("tree"), TREE),
            (setup.image().into(), self.image),
        ];
        setup.place(Placement { files, start: LOADER }).start()
    }

    /// Fails unless the kernel says in one line that it cannot boot since
    /// `reason`, and nothing after it.
    fn ensure_stop(&self, tree: &[u8], reason: &str) -> Result<()> {
        let mut firn = self.start(tree)?;
        let waited = firn.wait_for_prompt(Duration::from_secs(30));
        let said = firn.transcript();
        let Some((_, line)) = said.split_once(REFUSAL) else {
            waited?;
            bail!("it boots all the same");
        };
        ensure!(line.contains(reason), "`{line}` does not say `{reason}`");
        ensure!(line.lines().count() == 1, "more than one line:\n{said}");
        Ok(())
    }
}

/// `tree` with `new` wherever it has `old`; both are of one length, so that
/// its offsets stay true.
fn replaced(mut tree: Vec<u8>, old: &str, new: &str) -> Result<Vec<u8>> {
    ensure!(old.len() == new.len(), "{old:?} and {new:?} differ in length");
    let places: Vec<usize> = (0..tree.len())
        .filter(|at| tree[*at..].starts_with(old.as_bytes()))
        .collect();
    ensure!(!places.is_empty(), "no {old:?} in the tree");
    for at in places {
        tree[at..at + old.len()].copy_from_slice(new.as_bytes());
    }
    Ok(tree)
}

fn ensure_shell(mut firn: Firn) -> Result<()> {
    firn.wait_for_prompt(tests::setup::BOOT)?;
    let output = firn.run("echo alive")?;
    ensure!(output == "alive\n", "{output:?}");
    Ok(())
}

fn image_boots_wherever_it_is_put() -> Result<()> {
    for image in [IMAGE, 0x4160_0000, 0x6000_0000] {
        let bench = Bench { image, ..Bench::new()? };
        ensure_shell(bench.start(&bench.original()?)?)?;
    }
    Ok(())
}

fn missing_tree_is_told() -> Result<()> {
    let bench = Bench { tree: 0, ..Bench::new()? };
    bench.ensure_stop(&[], "no device tree")
}

fn text_is_no_tree() -> Result<()> {
    Bench::new()?.ensure_stop(&[b'x'; 4096], "bad magic")
}

fn tree_that_is_cut_off_is_told() -> Result<()> {
    let bench = Bench::new()?;
    let tree = bench.original()?;
    bench.ensure_stop(&tree[..60], "device tree: bad")
}

fn tree_of_a_huge_size_is_told() -> Result<()> {
    let bench = Bench::new()?;
    let mut tree = bench.original()?;
    tree[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    bench.ensure_stop(&tree, "bad size")
}

fn tree_without_memory_is_told() -> Result<()> {
    let bench = Bench::new()?;
    let tree = replaced(bench.original()?, "memory", "memori")?;
    bench.ensure_stop(&tree, "no usable memory")
}

fn tree_without_an_interrupt_controller_is_told() -> Result<()> {
    let bench = Bench::new()?;
    let tree = replaced(bench.original()?, "arm,gic-v3", "arm,gic-vX")?;
    bench.ensure_stop(&tree, "no GICv2 or GICv3")
}

fn tree_without_a_timer_is_told() -> Result<()> {
    let bench = Bench::new()?;
    let tree = replaced(bench.original()?, "-timer", "-tiger")?;
    bench.ensure_stop(&tree, "no virtual timer")
}

fn tree_with_another_interrupt_for_the_timer_is_told() -> Result<()> {
    let bench = Bench::new()?;
    let mut tree = bench.original()?;
    // Per CPU, number 11, level: the virtual timer; then 12 of the next.
    let virtual_timer = [0, 0, 0, 1, 0, 0, 0, 11];
    let at = tree.windows(8).position(|bytes| bytes == virtual_timer);
    tree[at.context("no virtual timer in the tree")? + 7] = 9;
    bench.ensure_stop(&tree, "the interrupt of the timer does not come")
}

/// Where QEMU's interrupt controller and serial port are, with their sizes.
const CONTROLLER: [u64; 2] = [0x800_0000, 0x1_0000];
const SERIAL: [u64; 2] = [0x900_0000, 0x1000];
/// Between two devices of QEMU.
const NOWHERE: u64 = 0xb00_0000;
/// More than a CPU of this kind can address.
const BEYOND: u64 = 1 << 47;

/// `tree` with a device elsewhere.
fn moved(mut tree: Vec<u8>, device: [u64; 2], to: u64) -> Result<Vec<u8>> {
    let registers = device.map(u64::to_be_bytes).concat();
    let at = tree.windows(16).position(|bytes| bytes == registers);
    let at = at.context("no such device in the tree")?;
    tree[at..at + 8].copy_from_slice(&to.to_be_bytes());
    Ok(tree)
}

fn tree_with_a_device_where_there_is_none_is_told() -> Result<()> {
    let bench = Bench::new()?;
    for device in [CONTROLLER, SERIAL] {
        let tree = moved(bench.original()?, device, NOWHERE)?;
        bench.ensure_stop(&tree, "no device answers at 0xb0000")?;
    }
    Ok(())
}

fn tree_with_a_device_out_of_reach_is_told() -> Result<()> {
    let bench = Bench::new()?;
    let tree = moved(bench.original()?, CONTROLLER, BEYOND)?;
    bench.ensure_stop(&tree, "interrupt controller: registers out of range")
}

fn tree_with_a_console_out_of_reach_boots_with_the_boards() -> Result<()> {
    let bench = Bench::new()?;
    ensure_shell(bench.start(&moved(bench.original()?, SERIAL, BEYOND)?)?)
}

fn tree_without_psci_boots_one_cpu() -> Result<()> {
    let bench = Bench::new()?;
    let tree = replaced(bench.original()?, "arm,psci", "arm,pscX")?;
    ensure_shell(bench.start(&tree)?)
}

/// The tree says `smc`, but the machine has nothing above the kernel.
fn tree_with_firmware_that_is_not_there_boots_one_cpu() -> Result<()> {
    let bench = Bench { cpus: 2, ..Bench::new()? };
    let tree = replaced(bench.original()?, "hvc\0", "smc\0")?;
    let mut firn = bench.start(&tree)?;
    firn.wait_for_prompt(tests::setup::BOOT)?;
    let said = firn.transcript();
    ensure!(said.contains("firmware does not answer"), "not told:\n{said}");
    let cpus = firn.run("cat /sys/devices/system/cpu/online")?;
    ensure!(cpus == "0\n", "CPUs {cpus:?} run");
    Ok(())
}

/// Numbers that look random and are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or(0)
    }
}

fn spoiled_trees_end_in_a_line_or_a_prompt() -> Result<()> {
    let bench = Bench::new()?;
    let original = bench.original()?;
    let used = original.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let mut dice = Dice(0x5eed);
    let rounds = if tests::setup::is_long() { 200 } else { 10 };
    for round in 0..rounds {
        let mut tree = original.clone();
        for _ in 0..20 {
            let at = dice.below(used);
            tree[at] = u8::try_from(dice.below(256))?;
        }
        let mut firn = bench.start(&tree)?;
        let waited = firn.wait_for_prompt(Duration::from_secs(30));
        let has_line = firn.transcript().contains(REFUSAL);
        ensure!(waited.is_ok() || has_line, "tree {round}: silence");
    }
    Ok(())
}
