//! `check --random`: system calls with random numbers and arguments.
//!
//! Children make the calls, since some of them end or stop their maker; the
//! promise is that the kernel goes on and loses no memory. The same seed
//! makes the same calls.

use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_clock_settime, __NR_clone, __NR_clone3, __NR_kill, __NR_reboot,
    __NR_rt_sigqueueinfo, __NR_rt_tgsigqueueinfo, __NR_settimeofday,
    __NR_tgkill, __NR_tkill, __NR_vhangup, O_RDWR, SIGKILL, WNOHANG,
};
use user_lib::memory::{self, Mapping, PAGE_SIZE, Sharing};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{
    Message, Result, eprintln, file, output, println, process, signal, system,
};

use crate::child::Child;
use crate::option::usage;

/// Calls that reach beyond the child: other processes, the machine, the
/// wall clock, the terminal.
const LEFT_OUT: [u32; 11] = [
    __NR_kill,
    __NR_tkill,
    __NR_tgkill,
    __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo,
    __NR_clone,
    __NR_clone3,
    __NR_reboot,
    __NR_clock_settime,
    __NR_settimeofday,
    __NR_vhangup,
];

/// One more than the largest number that is tried, beyond Linux's last.
const NUMBERS: u64 = 470;
/// Calls of one child.
const EACH: u32 = 2000;
/// Pages of memory that calls get pointers into.
const PAGES: usize = 16;
/// Memory a kernel may keep after all is over, in bytes.
const KEPT: u64 = 4 << 20;
/// How long a child may make no call before it is killed.
const PATIENCE: Time = Time::from_millis(20);

/// Runs `check --random CALLS [SEED]`.
pub fn main(words: &[String]) -> i32 {
    let number = |index: usize| words.get(index)?.parse::<u64>().ok();
    let Some(calls) = number(0) else {
        return usage("check", "--random CALLS [SEED]");
    };
    match run(calls, number(1).unwrap_or(1)) {
        Ok(true) => 0,
        Ok(false) => {
            eprintln!("check: random: memory is lost");
            1
        }
        Err(error) => {
            eprintln!("check: random: {}", error.message());
            1
        }
    }
}

/// Makes the calls; says whether the memory is still there.
fn run(calls: u64, seed: u64) -> Result<bool> {
    let made = &memory::shared_words(1)?[0];
    let mut generator = Generator::new(seed);
    let (mut total, mut children) = (0, 0u64);
    let before = system::figures()?.free;
    while total < calls {
        made.store(0, Ordering::Relaxed);
        let seed = generator.next();
        let child = Child::start(|| make_calls(seed, made))?;
        watch(child, made)?;
        total += u64::from(made.load(Ordering::Relaxed).min(EACH));
        children += 1;
    }
    let after = system::figures()?.free;
    println!("random: {total} calls by {children} children, seed {seed}");
    println!("random: free {} KiB, then {} KiB", before / 1024, after / 1024);
    output::flush()?;
    // What the kernel keeps for the next time is less than this; a page that
    // each child loses is more.
    Ok(before.saturating_sub(after) < KEPT)
}

/// Waits for a child that makes calls; one that waits itself is killed.
fn watch(child: Child, made: &AtomicU32) -> Result<()> {
    let mut before = 0;
    while process::wait(child.id(), WNOHANG)?.is_none() {
        time::sleep(Time::from_nanos(200_000));
        let deadline = time::monotonic() + PATIENCE;
        while made.load(Ordering::Relaxed) == before {
            if process::wait(child.id(), WNOHANG)?.is_some() {
                core::mem::forget(child);
                return Ok(());
            }
            if time::monotonic() > deadline {
                signal::send(child.id(), SIGKILL)?;
                break;
            }
            time::sleep(Time::from_nanos(500_000));
        }
        before = made.load(Ordering::Relaxed);
    }
    core::mem::forget(child);
    Ok(())
}

/// Makes calls until there were enough or one of them ended it.
fn make_calls(seed: u64, made: &AtomicU32) -> i32 {
    // A hole after it keeps the kernel from filling what lies behind.
    let all = (PAGES + 1) * PAGE_SIZE;
    let Ok(mapping) = Mapping::new(all, Sharing::Private) else {
        return 1;
    };
    if mapping.unmap(PAGES * PAGE_SIZE, PAGE_SIZE).is_err() {
        return 1;
    }
    prepare_descriptors();
    let mut generator = Generator::new(seed);
    (0..PAGE_SIZE).for_each(|at| mapping.write(at, generator.next() as u8));
    for _ in 0..EACH {
        let number = generator.next() % NUMBERS;
        if LEFT_OUT.contains(&(number as u32)) {
            continue;
        }
        let arguments = [(); 6].map(|()| generator.argument(&mapping));
        made.fetch_add(1, Ordering::Relaxed);
        // Every result is right but a kernel that is gone.
        let _ = arbitrary(number as u32, arguments);
    }
    0
}

/// Nothing that others use: no terminal, but a file of each kind.
fn prepare_descriptors() {
    for descriptor in 0..3 {
        let _ = file::close(descriptor);
    }
    let _ = file::open("/dev/null", O_RDWR, 0);
    let _ = file::open("/dev/zero", O_RDWR, 0);
    let _ = file::open("/", 0, 0);
    let _ = file::pipe(0);
    let _ = file::open("/proc/self/stat", 0, 0);
}

/// Random numbers by xorshift.
struct Generator(u64);

impl Generator {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
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
        match value % 12 {
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
