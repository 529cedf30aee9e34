//! `check --random`: system calls with random numbers and arguments.
//!
//! Children make the calls, since some of them end or stop their maker; the
//! promise is that the kernel goes on and loses no memory. Each CPU has a
//! watcher that starts one child after the other. The same seed makes the
//! same calls. What a call may name is made harmless: processes are the child
//! itself, its root is a directory with little more than a program and
//! `/proc`, and what would outlive it is the watcher's (`random/object.rs`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use user_lib::linux::{
    __NR_adjtimex, __NR_chroot, __NR_clock_adjtime, __NR_clock_settime,
    __NR_clone, __NR_clone3, __NR_kill, __NR_prlimit64, __NR_process_vm_readv,
    __NR_process_vm_writev, __NR_ptrace, __NR_reboot, __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo, __NR_sched_setaffinity, __NR_sched_setattr,
    __NR_sched_setparam, __NR_sched_setscheduler, __NR_setpgid,
    __NR_setpriority, __NR_setsid, __NR_settimeofday, __NR_tgkill, __NR_tkill,
    __NR_vhangup, __WALL, O_CREAT, O_RDWR, SIGKILL, WNOHANG,
};
use user_lib::memory::{self, Mapping, PAGE_SIZE, Sharing};
use user_lib::schedule::usable_cpus;
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{
    Message, directory, eprintln, file, output, println, process, signal,
    system,
};

use crate::stress::usage::ensure_none_lost;
use crate::tool::{Failure, Outcome, ensure_eq, in_background};
use user_lib::child::Child;
use user_lib::option::usage;

mod object;
mod trace;

use object::Objects;
use trace::Victim;

/// Calls that reach beyond the child: the machine, the wall clock, the
/// terminal, and the root that it must not leave.
const LEFT_OUT: [u32; 7] = [
    __NR_reboot,
    __NR_clock_settime,
    __NR_settimeofday,
    __NR_adjtimex,
    __NR_clock_adjtime,
    __NR_vhangup,
    __NR_chroot,
];

/// Calls whose first argument is a process, which may only be the child.
const ABOUT_PROCESSES: [u32; 13] = [
    __NR_kill,
    __NR_tkill,
    __NR_tgkill,
    __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo,
    __NR_prlimit64,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_sched_setaffinity,
    __NR_sched_setattr,
    __NR_sched_setparam,
    __NR_sched_setscheduler,
    __NR_setpgid,
];

/// Calls that make processes, and those that hide them from the watcher by
/// leaving their group. No child makes both.
const MAKING: [u32; 2] = [__NR_clone, __NR_clone3];
const LEAVING: [u32; 2] = [__NR_setpgid, __NR_setsid];

/// One more than the largest number that is tried, beyond Linux's last.
const NUMBERS: u64 = 470;
/// Calls of one child.
const EACH: u32 = 2000;
/// Pages of memory that calls get pointers into.
const PAGES: usize = 16;
/// How long a child may make no call before it is killed.
const PATIENCE: Time = Time::from_millis(10);
/// Where the children's files are, each watcher's in a directory by number.
const PLACE: &str = "/random";
/// A program in the children's root, and where it is from.
const PROGRAM: [&str; 2] = ["true", "/bin/true"];
/// How often the calls so far are told.
const PROGRESS: Time = Time::from_millis(2000);
/// Paths at the start of the memory, each in its own place.
const PATHS: [&str; 8] = [
    "a",
    "b/c",
    ".",
    "..",
    "/proc/self/fd/4",
    "/proc/self/status",
    "/true",
    "/",
];
/// Bytes of such a place.
const PATH: usize = 32;

/// Runs `check --random CALLS [SEED]`.
pub fn main(words: &[String]) -> i32 {
    let number = |index: usize| words.get(index)?.parse::<u64>().ok();
    let Some(calls) = number(0) else {
        return usage("check", "--random CALLS [SEED]");
    };
    let seed = number(1).unwrap_or(1);
    // Two runs at least, to see what is lost.
    match ensure_none_lost(|| run(calls.div_ceil(2), seed)) {
        Ok(()) => 0,
        Err(Failure(why)) => {
            eprintln!("check: random: {why}");
            1
        }
    }
}

fn run(calls: u64, seed: u64) -> Outcome {
    let total = &memory::shared_values(1)?[0];
    file::make_directory(PLACE, 0o755)?;
    let mut watchers = Vec::new();
    for number in 0..usable_cpus() as u64 {
        let seed = seed.wrapping_mul(1000) + number;
        let place = format!("{PLACE}/{number}");
        watchers.push(in_background(|| {
            let mut generator = Generator::new(seed);
            let made = &memory::shared_words(1)?[0];
            let root = Root::new(&place)?;
            while total.load(Ordering::Relaxed) < calls {
                let objects = Objects::new(number)?;
                one_child(&root, &objects, generator.next(), made)?;
                objects.remove()?;
                let count = made.load(Ordering::Relaxed).min(EACH);
                total.fetch_add(u64::from(count), Ordering::Relaxed);
            }
            root.remove()
        })?);
    }
    wait_for_all(watchers, total)?;
    file::remove_directory(PLACE)?;
    println!("random: {} calls, seed {seed}", total.load(Ordering::Relaxed));
    Ok(output::flush()?)
}

/// Waits for the watchers and tells how far they are.
fn wait_for_all(watchers: Vec<Child>, total: &AtomicU64) -> Outcome {
    let mut next = time::monotonic() + PROGRESS;
    for watcher in watchers {
        let end = loop {
            if let Some((_, end)) = process::wait(watcher.id(), WNOHANG)? {
                break end;
            }
            time::sleep(Time::from_millis(20));
            if time::monotonic() >= next {
                next = next + PROGRESS;
                println!("random: {} calls", total.load(Ordering::Relaxed));
                output::flush()?;
            }
        };
        core::mem::forget(watcher);
        ensure_eq!(end.exit_code(), Some(0));
    }
    Ok(())
}

/// One child makes calls and counts them in `made`.
fn one_child(
    root: &Root,
    objects: &Objects,
    seed: u64,
    made: &AtomicU32,
) -> Outcome {
    made.store(0, Ordering::Relaxed);
    root.restore()?;
    let child = Child::start(|| make_calls(root.path, objects, seed, made))?;
    watch(child, made)
}

/// What the children take for the root of all files.
struct Root<'a> {
    path: &'a str,
}

impl<'a> Root<'a> {
    fn new(path: &'a str) -> Result<Self, Failure> {
        let proc = format!("{path}/proc");
        file::make_directory(path, 0o755)?;
        file::make_directory(&proc, 0o755)?;
        system::mount("proc", &proc, "proc", 0, "")?;
        Ok(Self { path })
    }

    /// Takes away what a child has made, and brings back what it has spoilt.
    fn restore(&self) -> Outcome {
        file::change_mode(self.path, 0o755)?;
        for entry in directory::entries(self.path)? {
            let path = format!("{}/{}", self.path, entry.name);
            if !["proc", PROGRAM[0]].contains(&&*entry.name) {
                remove(&path)?;
            }
        }
        let program = format!("{}/{}", self.path, PROGRAM[0]);
        let whole = file::status(PROGRAM[1])?.st_size;
        if file::status(&program).map(|it| it.st_size) != Ok(whole) {
            let _ = remove(&program);
            let bytes = file::contents(PROGRAM[1])?;
            let descriptor = file::open(&program, O_CREAT | O_RDWR, 0o755)?;
            file::write_all(descriptor, &bytes)?;
            file::close(descriptor)?;
        }
        Ok(())
    }

    fn remove(self) -> Outcome {
        system::unmount(&format!("{}/proc", self.path), 0)?;
        remove(self.path)
    }
}

/// Removes a file, or a directory and all in it.
fn remove(path: &str) -> Outcome {
    if file::remove(path).is_ok() {
        return Ok(());
    }
    let _ = file::change_mode(path, 0o755);
    for entry in directory::entries(path)? {
        remove(&format!("{path}/{}", entry.name))?;
    }
    file::remove_directory(path)
        .map_err(|error| Failure(format!("{path}: {}", error.message())))
}

/// Waits for a child that makes calls; one that waits itself is killed. What
/// it has made goes with it.
fn watch(child: Child, made: &AtomicU32) -> Outcome {
    let group = child.id();
    let _ = process::set_group(group, group);
    let mut before = u32::MAX;
    let mut deadline = time::monotonic() + PATIENCE;
    loop {
        match process::wait(group, WNOHANG)? {
            None => {}
            // It asked to be traced.
            Some((_, status)) if status.stopped_by().is_some() => {
                signal::send(group, SIGKILL)?;
            }
            Some(_) => break,
        }
        let now = made.load(Ordering::Relaxed);
        if now != before {
            before = now;
            deadline = time::monotonic() + PATIENCE;
        } else if time::monotonic() > deadline {
            signal::send(group, SIGKILL)?;
        }
        time::sleep(Time::from_nanos(300_000));
    }
    core::mem::forget(child);
    while signal::send(-group, SIGKILL).is_ok() {
        // A child that asked to be traced may have made others that are.
        while matches!(process::wait(-group, WNOHANG | __WALL), Ok(Some(_))) {}
        time::sleep(Time::from_nanos(300_000));
    }
    Ok(())
}

/// Makes calls until there were enough or one of them ended it.
fn make_calls(
    place: &str,
    objects: &Objects,
    seed: u64,
    made: &AtomicU32,
) -> i32 {
    let _ = process::set_group(0, 0);
    // A hole after it keeps the kernel from filling what lies behind.
    let all = (PAGES + 1) * PAGE_SIZE;
    let Ok(mapping) = Mapping::new(all, Sharing::Private) else {
        return 1;
    };
    if mapping.unmap(PAGES * PAGE_SIZE, PAGE_SIZE).is_err() {
        return 1;
    }
    let mut generator = Generator::new(seed);
    prepare_memory(&mapping, &mut generator);
    prepare_descriptors(place);
    let choice = generator.next();
    if directory::change_root(".").is_err() {
        return 1;
    }
    let group = match choice % 2 {
        0 => MAKING,
        _ => LEAVING,
    };
    let own = process::current_id() as usize;
    let Ok(victim) = Victim::start() else { return 1 };
    for _ in 0..EACH {
        let mut number = (generator.next() % NUMBERS) as u32;
        let kind = generator.next();
        if kind.is_multiple_of(trace::ONE_OF) {
            number = __NR_ptrace;
        } else if kind % object::ONE_OF == 1 {
            number = object::any_call(kind / object::ONE_OF);
        }
        if LEFT_OUT.contains(&number) || group.contains(&number) {
            continue;
        }
        let mut arguments = [(); 6].map(|()| generator.argument(&mapping));
        if number == __NR_ptrace {
            victim.aim(&mut arguments);
        }
        aim_at(own, number, &mut arguments);
        objects.aim(number, &mut arguments);
        made.fetch_add(1, Ordering::Relaxed);
        // Every result is right but a kernel that is gone.
        let _ = arbitrary(number, arguments);
    }
    0
}

/// A call about a process is about this one.
fn aim_at(own: usize, number: u32, arguments: &mut [usize; 6]) {
    if ABOUT_PROCESSES.contains(&number) {
        arguments[0] = own;
        if number == __NR_tgkill || number == __NR_rt_tgsigqueueinfo {
            arguments[1] = own;
        }
    } else if number == __NR_setpriority {
        (arguments[0], arguments[1]) = (0, own);
    }
}

/// Random bytes, after some paths.
fn prepare_memory(mapping: &Mapping, generator: &mut Generator) {
    (0..PAGE_SIZE).for_each(|at| mapping.write(at, generator.next() as u8));
    for (index, path) in PATHS.iter().enumerate() {
        for (at, byte) in path.bytes().chain([0]).enumerate() {
            mapping.write(index * PATH + at, byte);
        }
    }
}

/// Nothing that others use: no terminal, but a file of each kind.
fn prepare_descriptors(place: &str) {
    for descriptor in 0..3 {
        let _ = file::close(descriptor);
    }
    let _ = directory::change(place);
    let _ = file::open("/dev/null", O_RDWR, 0);
    let _ = file::open("/dev/zero", O_RDWR, 0);
    let _ = file::open(".", 0, 0);
    let _ = file::pipe(0);
    let _ = file::open("/proc/self/stat", 0, 0);
    let _ = file::open("a", O_RDWR | O_CREAT, 0o600);
}

/// Random numbers by xorshift.
pub struct Generator(u64);

impl Generator {
    /// From any seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A value that some call takes for something: small numbers, pointers
    /// good and bad, lengths, bits.
    fn argument(&mut self, mapping: &Mapping) -> usize {
        let value = self.next();
        let within = value as usize >> 8;
        match value % 14 {
            12..=13 => mapping.address() + within % PATHS.len() * PATH,
            0..=2 => within % 10,
            3 => within % 4096,
            4..=6 => mapping.address() + within % (PAGES * PAGE_SIZE),
            7 => mapping.address() + PAGES * PAGE_SIZE - within % 16,
            8 => (within % 8).wrapping_neg(),
            9 => 1 << (within % 64),
            10 => 0xffff_0000_0000_0000 | within,
            _ => value as usize,
        }
    }
}
