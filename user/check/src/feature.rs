//! What the processor has, as programs are told: in the auxiliary vector, in
//! `/proc/cpuinfo`, by reads of its registers.

use alloc::string::String;

use user_lib::auxvec::{AT_HWCAP, AT_HWCAP2};
use user_lib::linux::{__NR_kill, SIGILL, SIGUSR1};
use user_lib::process::{self, WaitStatus};
use user_lib::syscall::arbitrary;
use user_lib::{auxiliary, cpu, file, schedule, signal};

use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_child, tests};

tests! {
    three_ways_tell_the_same_of_a_cpu
    registers_that_tell_nothing_raise_a_signal
    a_handler_leaves_the_program_its_flags
}

const CPUID: usize = 1 << 11;
const DATA_INDEPENDENT_TIME: usize = 1 << 24;

/// Capabilities by name: the word, the bit, and where in
/// `ID_AA64ISAR0_EL1` it stands from which value on.
const SOME: [(&str, usize, u32, u64); 7] = [
    ("aes", 3, 4, 1),
    ("pmull", 4, 4, 2),
    ("sha1", 5, 8, 1),
    ("sha2", 6, 12, 1),
    ("crc32", 7, 16, 1),
    ("atomics", 8, 20, 2),
    ("asimdrdm", 12, 28, 1),
];

fn line(name: &str) -> Result<String, Failure> {
    let text = file::text("/proc/cpuinfo")?;
    let found = text.lines().find_map(|line| line.strip_prefix(name));
    let found = found.and_then(|rest| rest.split_once(": "));
    found
        .map(|(_, value)| String::from(value))
        .ok_or(Failure(String::from("no such line")))
}

fn three_ways_tell_the_same_of_a_cpu() -> Outcome {
    let word = auxiliary(AT_HWCAP).unwrap_or(0);
    let names = line("Features")?;
    let has = |name: &str| names.split(' ').any(|it| it == name);
    ensure!(word & 0b11 == 0b11 && has("fp") && has("asimd"));
    ensure!(word & CPUID != 0 && has("cpuid"));
    for (name, bit, shift, least) in SOME {
        let value = cpu::instructions() >> shift & 0xf;
        ensure_eq!((name, has(name)), (name, value >= least));
        ensure_eq!((name, word >> bit & 1 != 0), (name, value >= least));
    }
    // What the kernel would have to save is not there.
    for name in ["sve", "sve2", "ssbs", "paca", "bti", "mte"] {
        ensure!(!has(name));
    }
    ensure_eq!(cpu::features(), 0);
    ensure_eq!(cpu::affinity(), 1 << 31);
    // The first that is told of is CPU 0, which others need not be like.
    let usable = schedule::affinity(0)?;
    schedule::set_affinity(0, 1)?;
    let part = alloc::format!("0x{:03x}", cpu::main_id() >> 4 & 0xfff);
    schedule::set_affinity(0, usable)?;
    ensure_eq!(line("CPU part")?, part);
    let dcpodp = auxiliary(AT_HWCAP2).unwrap_or(0) & 1 != 0;
    ensure_eq!(dcpodp, has("dcpodp"));
    Ok(())
}

fn registers_that_tell_nothing_raise_a_signal() -> Outcome {
    let ends = |work: fn() -> u64| -> Result<WaitStatus, Failure> {
        in_child(|| Ok((work() & 1) as i32))
    };
    ensure_eq!(ends(cpu::unanswered)?.killed_by(), Some(SIGILL));
    ensure_eq!(ends(cpu::affinity)?.exit_code(), Some(0));
    Ok(())
}

extern "C" fn nothing(_: i32) {}

fn a_handler_leaves_the_program_its_flags() -> Outcome {
    if auxiliary(AT_HWCAP).unwrap_or(0) & DATA_INDEPENDENT_TIME == 0 {
        return Ok(());
    }
    signal::handle(SIGUSR1, nothing)?;
    cpu::keep_time();
    let own = process::current_id() as usize;
    arbitrary(__NR_kill, [own, SIGUSR1 as usize, 0, 0, 0, 0])?;
    ensure!(cpu::keeps_time());
    Ok(())
}
