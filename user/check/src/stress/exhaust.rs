//! A user makes as many of every kind of object as the kernel allows, in as
//! many processes as it may have. Root goes on all the while: it runs
//! programs, ends the user's, and all memory is back.

use alloc::format;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

use user_lib::linux::{
    __NR_epoll_create1, __NR_epoll_ctl, __NR_eventfd2, __NR_fcntl,
    __NR_inotify_add_watch, __NR_inotify_init1, __NR_memfd_create,
    __NR_mprotect, __NR_rt_sigqueueinfo, __NR_socketpair, __NR_timer_create,
    __NR_timerfd_create, F_SETLK, O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR,
    PROT_READ, SIGKILL, WNOHANG,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, memory, println, process, signal, system};

use super::hog::is_victim;
use crate::tool::{
    Failure, NOBODY, Outcome, ensure, ensure_eq, fresh_path, in_background,
    in_child, output_of, soon,
};
use user_lib::child::Child;

/// Makes one more of something; says why it cannot.
type Maker = fn(usize) -> Result<()>;

/// A kind of things.
struct Kind {
    name: &'static str,
    /// How many a process makes at the most: so many that they are refused,
    /// or that some dozens of processes have all there are.
    most: usize,
    make: Maker,
    /// The errors by which they are refused.
    refusals: &'static [Errno],
}

const fn kind(
    name: &'static str,
    most: usize,
    make: Maker,
    refusals: &'static [Errno],
) -> Kind {
    Kind { name, most, make, refusals }
}

const MEMORY: &[Errno] = &[Errno::ENOMEM];
const FILES: &[Errno] = &[Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM];
const SPACE: &[Errno] =
    &[Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ENOSPC];
const QUOTA: &[Errno] = &[Errno::EAGAIN, Errno::ENOMEM];
const LOCKS: &[Errno] = &[Errno::ENOLCK, Errno::ENFILE, Errno::ENOSPC];

const KINDS: &[Kind] = &[
    kind("pages", 1 << 20, page, MEMORY),
    kind("shared memory", 1 << 20, shared_memory, MEMORY),
    kind("page tables", 1 << 20, page_table, MEMORY),
    kind("mappings", 2000, mapping, MEMORY),
    kind("pipes", 100_000, full_pipe, FILES),
    kind("sockets", 100_000, full_socket, FILES),
    kind("nameless files", 100_000, nameless_file, SPACE),
    kind("counters", 100_000, counter, FILES),
    kind("timers of files", 100_000, timer_file, FILES),
    kind("timers", 100_000, timer, QUOTA),
    kind("signals", 100_000, queued_signal, QUOTA),
    kind("locks", 100_000, lock, LOCKS),
    kind("sets of epoll", 100_000, epoll, SPACE),
    kind("sets of inotify", 100_000, inotify, SPACE),
    kind("texts", 100_000, text, FILES),
    kind("processes", 100_000, sleeper, QUOTA),
];

/// Most processes that make something.
const WORKERS: usize = 10;
/// So many in a row that make nothing, or die of it, are enough.
const IDLE: usize = 3;
/// How long they have, on a busy host.
const PATIENCE: Time = Time::from_millis(240_000);

/// Exhausts everything, so many times.
pub fn nobody_takes_the_machine_down(rounds: u32) -> Outcome {
    for _ in 0..rounds {
        KINDS.iter().try_for_each(exhaust)?;
    }
    Ok(())
}

fn exhaust(kind: &Kind) -> Outcome {
    let before = system::figures()?;
    let bystander = Child::start(|| {
        time::sleep(Time::from_millis(1 << 40));
        0
    })?;
    let [from, to] = file::pipe(O_NONBLOCK)?;
    let user = in_background(|| hoard(kind, to))?;
    file::close(to)?;
    let end = time::monotonic() + PATIENCE;
    // Neither byte nor end: they are at it.
    while file::read(from, &mut [0]) == Err(Errno::EAGAIN) {
        ensure!(time::monotonic() < end);
        time::sleep(Time::from_millis(20));
    }
    file::close(from)?;
    let full = system::figures()?;
    println!(
        "exhaust: {}: {} processes, {} of {} KiB free",
        kind.name,
        full.processes,
        full.free / 1024,
        before.free / 1024
    );
    root_goes_on()?;
    ensure_eq!(process::wait(bystander.id(), WNOHANG)?, None);
    ensure!(kill_all()?);
    ensure_eq!(user.wait()?.killed_by(), Some(SIGKILL));
    // Those made meanwhile, and the dead that the first process must reap.
    ensure!(soon(|| kill_all().is_ok_and(|is_any| !is_any)));
    drop(bystander);
    let most = before.total / 50;
    let lost = || match system::figures() {
        Ok(now) => before.free.saturating_sub(now.free),
        Err(_) => u64::MAX,
    };
    let is_back = soon(|| lost() <= most);
    println!("exhaust: {}: {} KiB are lost", kind.name, lost() / 1024);
    ensure!(is_back);
    Ok(())
}

/// Root runs a program, and a shell with another.
fn root_goes_on() -> Outcome {
    let (text, status) = output_of("/bin/echo", &["echo", "well"])?;
    ensure_eq!((text.as_str(), status.exit_code()), ("well\n", Some(0)));
    let words = ["sh", "-c", "cat /proc/meminfo | head -n 1; echo in"];
    let (text, status) = output_of("/bin/sh", &words)?;
    ensure_eq!((text.ends_with("in\n"), status.exit_code()), (true, Some(0)));
    Ok(())
}

/// Ends the user's processes; whether there were any.
fn kill_all() -> core::result::Result<bool, Failure> {
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        // All that the user may send to, but this one.
        Ok(i32::from(signal::send(-1, SIGKILL).is_ok()))
    })?;
    Ok(status.exit_code() == Some(1))
}

/// Starts processes that make things until they make none; then waits. The
/// first one must make some.
fn hoard(kind: &Kind, done: i32) -> Outcome {
    process::set_user_id(NOBODY)?;
    let shared = memory::shared_words(2)?;
    let report = Report { made: &shared[0], end: &shared[1] };
    let mut idle = 0;
    for number in 0..WORKERS {
        let made = match work(kind, done, &report) {
            Ok(worker) => {
                report.ensure_right(kind, worker)?;
                report.made.load(Relaxed)
            }
            // There is no room even for a worker.
            Err(error) if number == 0 => return Err(error.into()),
            Err(_) => 0,
        };
        ensure!(made > 0 || number > 0);
        idle = if made > 0 { 0 } else { idle + 1 };
        if idle == IDLE {
            break;
        }
    }
    file::close(done)?;
    loop {
        time::sleep(Time::from_millis(1 << 40));
    }
}

/// What a worker tells, even if it is killed.
struct Report {
    /// How many it has made.
    made: &'static AtomicU32,
    /// The error that ended it, or [`ENOUGH`]; 0 until then.
    end: &'static AtomicU32,
}

/// A worker has made as many as it is to make.
const ENOUGH: u32 = u32::MAX;

impl Report {
    /// Makes things until it cannot.
    fn make(&self, kind: &Kind) {
        for at in 0..kind.most {
            if let Err(error) = (kind.make)(at) {
                return self.end.store(error.0.into(), Relaxed);
            }
            self.made.fetch_add(1, Relaxed);
        }
        self.end.store(ENOUGH, Relaxed);
    }

    /// Fails unless the worker was refused more as things of its kind are, or
    /// the kernel killed it for its memory. It goes on until root ends it.
    fn ensure_right(&self, kind: &Kind, worker: Child) -> Outcome {
        let end = self.end.load(Relaxed);
        if end == 0 {
            let id = worker.id();
            ensure_eq!(worker.wait()?.killed_by(), Some(SIGKILL));
            ensure!(is_victim(id)?);
            return Ok(());
        }
        core::mem::forget(worker);
        let is_it = |error: &Errno| u32::from(error.0) == end;
        if end == ENOUGH || kind.refusals.iter().any(is_it) {
            return Ok(());
        }
        let (name, error) = (kind.name, Errno(end as u16));
        Err(Failure(format!("{name} are refused with {error}")))
    }
}

/// Starts a process that makes things, and waits until it has.
fn work(kind: &Kind, done: i32, report: &Report) -> Result<Child> {
    let [from, to] = file::pipe(0)?;
    report.made.store(0, Relaxed);
    report.end.store(0, Relaxed);
    let child = Child::start(|| {
        let _ = file::close(done);
        let _ = file::close(from);
        report.make(kind);
        let _ = file::write(to, b"!");
        let _ = file::close(to);
        loop {
            time::sleep(Time::from_millis(1 << 40));
        }
    });
    file::close(to)?;
    // One that is killed says nothing.
    let _ = file::read(from, &mut [0]);
    file::close(from)?;
    child
}

/// Maps some memory and leaves it mapped.
fn leave(length: usize, sharing: Sharing) -> Result<usize> {
    let mapping = Mapping::new(length, sharing)?;
    let address = mapping.address();
    core::mem::forget(mapping);
    Ok(address)
}

fn touch(address: usize) {
    user_lib::memory::write_byte(address, 1);
}

fn page(_: usize) -> Result<()> {
    leave(PAGE_SIZE, Sharing::Private).map(touch)
}

fn shared_memory(_: usize) -> Result<()> {
    const PIECE: usize = 1 << 20;
    let start = leave(PIECE, Sharing::Shared)?;
    (start..start + PIECE).step_by(PAGE_SIZE).for_each(touch);
    Ok(())
}

/// Reading makes a table, and a page that is nobody's.
fn page_table(_: usize) -> Result<()> {
    const SPAN: usize = 2 << 20;
    let address = leave(2 * SPAN, Sharing::Private)?;
    user_lib::memory::read_byte(address);
    user_lib::memory::read_byte(address + SPAN);
    Ok(())
}

fn mapping(_: usize) -> Result<()> {
    let address = leave(2 * PAGE_SIZE, Sharing::Private)?;
    let rights = PROT_READ as usize;
    arbitrary(__NR_mprotect, [address, PAGE_SIZE, rights, 0, 0, 0]).map(drop)
}

fn fill(to: i32) -> Result<()> {
    while file::write(to, &[7; PAGE_SIZE]).is_ok() {}
    Ok(())
}

fn full_pipe(_: usize) -> Result<()> {
    fill(file::pipe(O_NONBLOCK)?[1])
}

fn full_socket(_: usize) -> Result<()> {
    const STREAM: usize = 1;
    let mut pair = [0_i32; 2];
    let place = pair.as_mut_ptr() as usize;
    let kind = STREAM | O_NONBLOCK as usize;
    arbitrary(__NR_socketpair, [1, kind, 0, place, 0, 0])?;
    pair.into_iter().try_for_each(fill)
}

fn nameless_file(_: usize) -> Result<()> {
    let name = c"exhaust".as_ptr() as usize;
    let open = arbitrary(__NR_memfd_create, [name, 0, 0, 0, 0, 0])?;
    file::write_all(open as i32, &[7; 64 * 1024])
}

fn counter(_: usize) -> Result<()> {
    arbitrary(__NR_eventfd2, [0; 6]).map(drop)
}

fn timer_file(_: usize) -> Result<()> {
    arbitrary(__NR_timerfd_create, [1, 0, 0, 0, 0, 0]).map(drop)
}

fn timer(_: usize) -> Result<()> {
    let mut id = 0_i32;
    let place = &raw mut id as usize;
    arbitrary(__NR_timer_create, [1, 0, place, 0, 0, 0]).map(drop)
}

/// A signal to itself that waits, with a value.
fn queued_signal(_: usize) -> Result<()> {
    const FIRST: u32 = 34;
    const QUEUE: i32 = -1;
    signal::change_mask(0, signal::bit(FIRST))?;
    let mut info = [0_i32; 32];
    (info[0], info[2]) = (FIRST as i32, QUEUE);
    let (own, number) = (process::current_id() as usize, FIRST as usize);
    let place = info.as_ptr() as usize;
    arbitrary(__NR_rt_sigqueueinfo, [own, number, place, 0, 0, 0]).map(drop)
}

/// Every second byte of a file.
fn lock(at: usize) -> Result<()> {
    const WRITE: i16 = 1;
    static FILE: AtomicI32 = AtomicI32::new(-1);
    if at == 0 {
        let path = fresh_path("locks");
        FILE.store(file::open(&path, O_CREAT | O_RDWR, 0o600)?, Relaxed);
        file::remove(&path)?;
    }
    let words: [i64; 4] = [i64::from(WRITE), 2 * at as i64, 1, 0];
    let place = words.as_ptr() as usize;
    let (open, command) = (FILE.load(Relaxed) as usize, F_SETLK as usize);
    arbitrary(__NR_fcntl, [open, command, place, 0, 0, 0]).map(drop)
}

/// A set with both ends of a pipe in it.
fn epoll(_: usize) -> Result<()> {
    const ADD: usize = 1;
    let set = arbitrary(__NR_epoll_create1, [0; 6])?;
    let pipe = file::pipe(0)?;
    let event = [1_u64, 0];
    let place = event.as_ptr() as usize;
    for end in pipe {
        arbitrary(__NR_epoll_ctl, [set, ADD, end as usize, place, 0, 0])?;
    }
    Ok(())
}

fn inotify(_: usize) -> Result<()> {
    const ALL: usize = 0xfff;
    let set = arbitrary(__NR_inotify_init1, [0; 6])?;
    for path in [c"/tmp", c"/bin", c"/dev", c"/"] {
        let path = path.as_ptr() as usize;
        arbitrary(__NR_inotify_add_watch, [set, path, ALL, 0, 0, 0])?;
    }
    Ok(())
}

/// A text of many lines that an open file keeps.
fn text(at: usize) -> Result<()> {
    if at == 0 {
        (0..2000).try_for_each(mapping)?;
    }
    let open = file::open("/proc/self/maps", O_RDONLY, 0)?;
    file::read(open, &mut [0; 64]).map(drop)
}

fn sleeper(_: usize) -> Result<()> {
    let child = Child::start(|| {
        loop {
            time::sleep(Time::from_millis(1 << 40));
        }
    })?;
    core::mem::forget(child);
    Ok(())
}
