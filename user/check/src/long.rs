//! System calls that could take for ever: none keeps a CPU from others, a
//! signal from its process, or the system from freezing.

use alloc::vec;
use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_futex, __NR_sendfile, __NR_setitimer, __NR_timer_create,
    __NR_timer_settime, __NR_writev, CLOCK_MONOTONIC, O_RDONLY, O_WRONLY,
    SIGALRM, SIGKILL,
};
use user_lib::schedule::{futex_wait, futex_wake, usable_cpus};
use user_lib::syscall::arbitrary;
use user_lib::{Result, file, memory, signal};

use super::freezer::{Spinner, freeze, wait_for, wait_for_state, words};
use super::tool::{Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    timers_of_a_nanosecond_leave_every_cpu_to_others
    a_word_that_is_requeued_to_itself_counts_each_waiter_once
    a_long_write_to_the_terminal_freezes_and_dies
    a_signal_ends_a_long_read_of_random_bytes
    a_signal_ends_a_long_copy_between_files
}

/// A timer that expires all the time, and sends nothing.
fn restless_timer() -> Result<()> {
    const SIGEV_NONE: u64 = 1;
    let event = [0, SIGEV_NONE << 32, 0, 0, 0, 0, 0, 0];
    let mut id = 0_u32;
    let places = [event.as_ptr() as usize, &raw mut id as usize];
    let clock = CLOCK_MONOTONIC as usize;
    arbitrary(__NR_timer_create, [clock, places[0], places[1], 0, 0, 0])?;
    let setting = [0_u64, 1, 0, 1];
    let place = setting.as_ptr() as usize;
    arbitrary(__NR_timer_settime, [id as usize, 0, place, 0, 0, 0]).map(drop)
}

fn timers_of_a_nanosecond_leave_every_cpu_to_others() -> Outcome {
    let mut spinners = Vec::new();
    for _ in 0..2 * usable_cpus() {
        spinners.push(Spinner::start()?);
    }
    (0..50).try_for_each(|_| restless_timer())?;
    for _ in 0..5 {
        spinners.iter().for_each(Spinner::wait_for_more);
        freeze(0)?;
    }
    Ok(())
}

fn a_word_that_is_requeued_to_itself_counts_each_waiter_once() -> Outcome {
    const REQUEUE: usize = 3;
    let [word]: [&AtomicU32; 1] = words()?;
    let mut waiters = Vec::new();
    for _ in 0..2 {
        let child =
            Child::start(|| i32::from(futex_wait(word, 0, None) != Ok(())))?;
        wait_for_state(child.id(), 'S')?;
        waiters.push(child);
    }
    let place = ptr::from_ref(word) as usize;
    let most = i32::MAX as usize;
    let counted = arbitrary(__NR_futex, [place, REQUEUE, 0, most, place, 0])?;
    ensure_eq!(counted, 2);
    let counted = arbitrary(__NR_futex, [place, REQUEUE, 0, 1, place, 0])?;
    ensure_eq!(counted, 1);
    ensure_eq!(futex_wake(word, 2)?, 2);
    for waiter in waiters {
        ensure_eq!(waiter.wait()?.exit_code(), Some(0));
    }
    Ok(())
}

/// Carriage returns: nothing that could be seen. At a million bytes in a
/// second this would take more than a minute.
fn a_long_write_to_the_terminal_freezes_and_dies() -> Outcome {
    let [started] = words()?;
    let child = Child::start(|| {
        let bytes = vec![b'\r'; 1 << 18];
        let piece = [bytes.as_ptr() as usize, bytes.len()];
        let pieces = vec![piece; 1024];
        let Ok(to) = file::open("/dev/console", O_WRONLY, 0) else { return 1 };
        started.store(1, Ordering::Release);
        let list = [to as usize, pieces.as_ptr() as usize, pieces.len()];
        let _ = arbitrary(__NR_writev, [list[0], list[1], list[2], 0, 0, 0]);
        0
    })?;
    wait_for(started, 1);
    freeze(0)?;
    signal::send(child.id(), SIGKILL)?;
    ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    Ok(())
}

extern "C" fn ignore(_: i32) {}

/// Has a signal with a handler come in 20 ms.
fn interrupt_soon() -> Result<()> {
    signal::handle(SIGALRM, ignore)?;
    let setting = [0_u64, 0, 0, 20_000];
    let place = setting.as_ptr() as usize;
    arbitrary(__NR_setitimer, [0, place, 0, 0, 0, 0]).map(drop)
}

/// Pieces of 4 KiB: none is large enough to look for signals by itself.
fn a_signal_ends_a_long_copy_between_files() -> Outcome {
    const COUNT: usize = 1 << 30;
    let from = file::open("/dev/urandom", O_RDONLY, 0)? as usize;
    let to = file::open("/dev/null", O_WRONLY, 0)? as usize;
    interrupt_soon()?;
    let count = arbitrary(__NR_sendfile, [to, from, 0, COUNT, 0, 0])?;
    ensure!(count > 0 && count < COUNT);
    Ok(())
}

fn a_signal_ends_a_long_read_of_random_bytes() -> Outcome {
    const TIMES: usize = 1024;
    let from = file::open("/dev/urandom", O_RDONLY, 0)?;
    let mut buffer = vec![0; 1 << 20];
    interrupt_soon()?;
    let count = file::read_over(from, &mut buffer, TIMES)?;
    ensure!(count > 0 && count < TIMES * buffer.len());
    // The system call goes on where the signal does not count.
    let start = memory::PAGE_SIZE;
    ensure_eq!(file::read(from, &mut buffer[..start])?, start);
    Ok(())
}
