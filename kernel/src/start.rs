//! From one CPU with memory and interrupts to the first program.
//!
//! [`start`] turns the boot code of each CPU into its idle task, which
//! must not sleep; all the rest happens in a kernel thread, `kernel_init`.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::command_line::{CommandLine, ForInit};
use kernel_core::cpu_model::Model;

use kernel_call as syscall;
use kernel_control::{cgroup, heartbeat, hub, power, proc, terminal};
use kernel_files as files;
use kernel_files::{FsContext, Location};
use kernel_ipc as ipc;
use kernel_machine::arch::{self, cpu, gic, irq, psci, smp, timer};
use kernel_machine::drivers::console;
use kernel_machine::mm;
use kernel_machine::panic::refuse;
use kernel_process as process;
use kernel_process::start::{Programs, first_process};
use kernel_task::{self as task, hotplug, kthread, scheduler, tick, wake};

use crate::hooks;

/// Names of the first program, the best first.
const FIRST_PROGRAMS: [&str; 4] =
    ["/init", "/sbin/init", "/bin/init", "/bin/sh"];

/// What the boot code found out.
pub struct BootInfo {
    /// The kernel command line.
    pub command_line: &'static str,
    /// The initrd that the boot loader left, if any.
    pub initrd: Option<&'static [u8]>,
    /// The initramfs in the image; may be empty.
    pub embedded_initramfs: &'static [u8],
    /// CPUs that the machine has, of which one runs.
    pub cpu_count: usize,
    /// Seeds from the boot loader and the counter; to be hashed before use.
    pub entropy: [u8; 32],
}

/// Where `boot` hands over: one CPU, memory and interrupts ready, interrupts
/// masked.
pub fn start(boot: BootInfo) -> ! {
    hotplug::begin(arch::image::boot_stack().end);
    hooks::plug();
    if !timer::works() {
        refuse("the interrupt of the timer does not come");
    }
    gic::register(timer::interrupt(), |_| tick::interrupt());
    gic::register(gic::Ipi::Timers as u32, |_| tick::interrupt());
    gic::register(gic::Ipi::Reschedule as u32, |_| {
        scheduler::reschedule_interrupt();
    });
    irq::enable();
    let cpus = CommandLine::new(boot.command_line);
    let cpus = cpus.cpus_at_start(boot.cpu_count);
    hotplug::start_others(cpus);
    announce_cpus(cpus);
    let started = kthread::kthread_run("kernel_init", move || {
        if let Err(why) = initialise(&boot) {
            refuse(why);
        }
    });
    if started.is_err() {
        refuse("no memory for the first kernel thread");
    }
    hotplug::idle_loop()
}

/// How many CPUs run, and of what kind those are that follow each other.
fn announce_cpus(count: usize) {
    log::info!("{} CPUs", cpu::online_count());
    let kind = |cpu| (cpu::model_of(cpu), smp::capacity(cpu));
    let mut first = 0;
    for next in 1..=count {
        if next == count || kind(next) != kind(first) {
            let (model, capacity) = kind(first);
            let (model, last) = (Model(model), next - 1);
            log::info!("CPU {first} to {last}: {model}, capacity {capacity}");
            first = next;
        }
    }
}

/// Everything else, as a kernel thread.
///
/// # Errors
/// Why there can be no first program, as a line for the console.
fn initialise(boot: &BootInfo) -> Result<(), &'static str> {
    let command_line = CommandLine::new(boot.command_line);
    task::workqueue::init().map_err(|_| "no memory for the workqueues")?;
    if command_line.value("firn.selftest") == Some("1") {
        self_test();
    }
    let images: Vec<&[u8]> = match boot.initrd {
        Some(initrd) => vec![initrd],
        None => vec![boot.embedded_initramfs],
    };
    let root = files::start::init(&boot.entropy, &images)
        .map_err(|_| "no memory for the root file system")?;
    start_services(boot.command_line)
        .map_err(|_| "no memory for the kernel's threads and files")?;
    start_first_process(command_line, root)
        .map_err(|_| "no memory for the first process")
}

fn start_services(text: &'static str) -> Result<(), Errno> {
    let command_line = CommandLine::new(text);
    task::table::limit_by_memory(mm::frame::stats().total);
    terminal::init()?;
    process::init()?;
    proc::init(text)?;
    cgroup::init()?;
    ipc::init()?;
    syscall::proc::register_all()?;
    power::files::register_all()?;
    power::rtc::register_all()?;
    power::tracing::register_all()?;
    hub::start()?;
    heartbeat::start()?;
    if command_line.value("freezer.stubborn") == Some("1") {
        hub::start_stubborn()?;
    }
    if let Some(milliseconds) = command_line.number("freezer.slow") {
        hub::start_slow(milliseconds)?;
    }
    if let Some(seconds) = command_line.number("suspend.pm_test_delay") {
        power::set_test_delay(seconds);
    }
    Ok(())
}

fn start_first_process(
    command_line: CommandLine<'_>,
    root: Location,
) -> Result<(), Errno> {
    let files = files::start::first_descriptors()?;
    let fs = FsContext::new(root);
    let task = first_process(programs(command_line), files, fs)?;
    wake::wake_new(&task);
    Ok(())
}

/// What the first process may become: `rdinit=` or `init=` alone, or the
/// usual names.
fn programs(command_line: CommandLine<'_>) -> Programs {
    let asked =
        command_line.value("rdinit").or_else(|| command_line.value("init"));
    let candidates = match asked {
        Some(path) => vec![path.as_bytes().to_vec()],
        None => FIRST_PROGRAMS.map(|path| path.as_bytes().to_vec()).to_vec(),
    };
    let mut arguments = Vec::new();
    let mut environment = vec![b"HOME=/".to_vec(), b"TERM=linux".to_vec()];
    for word in command_line.for_init() {
        match word {
            ForInit::Argument(text) => arguments.push(text.into()),
            ForInit::Variable(name, value) => {
                set_variable(&mut environment, name, value);
            }
        }
    }
    Programs { candidates, arguments, environment }
}

/// Adds a variable, in place of what had its name.
fn set_variable(environment: &mut Vec<Vec<u8>>, name: &str, value: &str) {
    let start = format!("{name}=");
    environment.retain(|entry| !entry.starts_with(start.as_bytes()));
    environment.push((start + value).into_bytes());
}

/// Runs the tests that need the machine, says how they went, and stops.
fn self_test() -> ! {
    let tests = arch::selftest::tests().iter();
    let tests = tests.chain(mm::selftest::tests());
    let tests = tests.chain(task::selftest::tests());
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests {
        match test() {
            Ok(()) => {
                passed += 1;
                log::info!("test {name} ... ok");
            }
            Err(why) => {
                failed += 1;
                log::error!("test {name} ... FAILED: {why}");
            }
        }
    }
    log::info!("{passed} passed, {failed} failed");
    console::flush();
    psci::system_off()
}
