//! What single operations cost.

mod memory;
mod process;
mod switch;

use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{CLOCK_MONOTONIC, SIGUSR1};
use user_lib::time::Time;
use user_lib::{
    Message, Result, eprintln, file, process as own, schedule, signal, time,
};

use crate::bench::measure::{calls, each, is_wanted, median, show, ticks};

/// Measures one row, in picoseconds.
type Row = fn() -> Result<u64>;

/// All rows, in the order of the table they go to.
const ROWS: [(&str, Row); 18] = [
    ("getppid", null_call),
    ("clock_gettime", clock),
    ("sched_yield", give_way),
    ("pipe_self", pipe_self),
    ("sched_yield_pair_1cpu", switch::yield_pair),
    ("pipe_round_trip_1cpu", switch::pipe_one_cpu),
    ("pipe_round_trip_2cpu", switch::pipe_two_cpus),
    ("futex_wake_1cpu", switch::futex_one_cpu),
    ("futex_wake_2cpu", switch::futex_two_cpus),
    ("fork_exit_wait", process::fork_exit_wait),
    ("execve", process::execve),
    ("fork_exec_wait", process::fork_exec_wait),
    ("vfork_exec_wait", process::vfork_exec_wait),
    ("signal_self", signal_self),
    ("page_touch", memory::page_touch),
    ("mmap_munmap_64k", memory::map_and_unmap),
    ("nanosleep_1ms", sleep_a_millisecond),
    ("kthread_wake", switch::kthread_wake),
];

pub use process::SINCE;

/// The program that the row `execve` starts.
pub fn tell_since(words: &[String]) -> i32 {
    process::tell_since(words.first().map_or("", String::as_str))
}

/// The names of all rows.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, _)| *name)
}

/// Measures and prints the rows asked for; gives the status.
pub fn run(wanted: &[String]) -> i32 {
    let mut status = 0;
    for (name, row) in ROWS {
        if !is_wanted(wanted, name) {
            continue;
        }
        match row() {
            Ok(picoseconds) => show(name, picoseconds),
            Err(error) => {
                eprintln!("bench: {name}: {}", error.message());
                status = 1;
            }
        }
    }
    status
}

fn null_call() -> Result<u64> {
    calls(
        2000,
        #[inline(always)]
        || {
            own::parent_id();
            Ok(())
        },
    )
}

fn clock() -> Result<u64> {
    calls(
        2000,
        #[inline(always)]
        || time::read(CLOCK_MONOTONIC).map(drop),
    )
}

fn give_way() -> Result<u64> {
    calls(
        2000,
        #[inline(always)]
        || {
            schedule::give_way();
            Ok(())
        },
    )
}

/// One byte through a pipe and back out, by one process.
fn pipe_self() -> Result<u64> {
    let [from, to] = file::pipe(0)?;
    let result = calls(1000, || {
        file::write(to, b"x")?;
        file::read(from, &mut [0]).map(drop)
    });
    file::close(from)?;
    file::close(to)?;
    result
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// A signal to oneself, its handler, and the way back.
fn signal_self() -> Result<u64> {
    signal::handle(SIGUSR1, count)?;
    let own = own::current_id();
    calls(1000, || signal::send(own, SIGUSR1))
}

/// How long a sleep of one millisecond takes.
fn sleep_a_millisecond() -> Result<u64> {
    median(|| {
        let ticks = ticks(|| {
            time::sleep(Time::from_millis(1));
            Ok(())
        })?;
        Ok(each(ticks, 1))
    })
}
