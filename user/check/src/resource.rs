//! Limits of descriptors, data, stacks and signals, and who may raise them
//! (setrlimit(2)). Of tasks, files and memory: `limit.rs`.

use alloc::string::String;

use user_lib::linux::{
    __NR_brk, __NR_fcntl, __NR_mlock, __NR_mlockall, __NR_mmap, __NR_mprotect,
    __NR_munlock, __NR_munlockall, __NR_prlimit64, __NR_rt_sigqueueinfo,
    __NR_timer_create, __NR_timer_delete, MAP_ANONYMOUS, MAP_PRIVATE,
    MAP_SHARED, PROT_READ, PROT_WRITE, SIG_BLOCK, SIGSEGV, SIGUSR1,
};
use user_lib::signal::{self, bit};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, memory, process};

use crate::limit::{SOMEBODY, ensure_done, set_limit};
use crate::tool::{
    Outcome, become_user, ensure, ensure_eq, in_child, stack_top, tests,
};

tests! {
    descriptors_are_below_their_limit
    data_grows_no_further_than_it_may
    a_stack_grows_no_further_than_it_may
    so_many_signals_wait_for_a_user
    timers_count_with_signals_that_wait
    so_much_memory_is_locked
    limits_are_raised_by_root_alone
}

const DATA: usize = 2;
const STACK: usize = 3;
const FILES: usize = 7;
const SIGNALS: usize = 11;

fn descriptors_are_below_their_limit() -> Outcome {
    const F_DUPFD: usize = 0;
    ensure_done(|| {
        set_limit(FILES, 10, 20)?;
        let mut last = 0;
        let refused = loop {
            match file::duplicate_above(0, 0) {
                Ok(open) => last = open,
                Err(error) => break error,
            }
        };
        ensure_eq!((last, refused), (9, Errno::EMFILE));
        ensure_eq!(file::duplicate(0, 10, 0), Err(Errno::EBADF));
        let above = arbitrary(__NR_fcntl, [0, F_DUPFD, 10, 0, 0, 0]);
        ensure_eq!(above, Err(Errno::EINVAL));
        // What is open stays so, and a child may have no more either.
        set_limit(FILES, 5, 20)?;
        file::close(9)?;
        file::descriptor_status(8)?;
        ensure_done(|| {
            ensure_eq!(file::duplicate_above(0, 0), Err(Errno::EMFILE));
            Ok(())
        })?;
        set_limit(FILES, 20, 20)?;
        file::duplicate(0, 19, 0)?;
        Ok(())
    })
}

/// Maps private memory with these rights.
fn private(length: usize, rights: u32) -> Result<usize> {
    let flags = (MAP_PRIVATE | MAP_ANONYMOUS) as usize;
    arbitrary(__NR_mmap, [0, length, rights as usize, flags, usize::MAX, 0])
}

fn data_grows_no_further_than_it_may() -> Outcome {
    const MIB: usize = 1 << 20;
    const BOTH: u32 = PROT_READ | PROT_WRITE;
    ensure_done(|| {
        // All that there is counts, too.
        set_limit(DATA, 16 * MIB as u64, 16 * MIB as u64)?;
        private(4 * MIB, BOTH)?;
        ensure_eq!(private(16 * MIB, BOTH), Err(Errno::ENOMEM));
        // Nobody writes to this, until it may.
        let only_read = private(16 * MIB, PROT_READ)?;
        let protect = |length| {
            let arguments = [only_read, length, BOTH as usize, 0, 0, 0];
            arbitrary(__NR_mprotect, arguments)
        };
        ensure_eq!(protect(16 * MIB), Err(Errno::ENOMEM));
        protect(4 * MIB)?;
        let shared = (MAP_SHARED | MAP_ANONYMOUS) as usize;
        let rights = BOTH as usize;
        let arguments = [0, 32 * MIB, rights, shared, usize::MAX, 0];
        arbitrary(__NR_mmap, arguments)?;
        let now = arbitrary(__NR_brk, [0; 6])?;
        let grown = arbitrary(__NR_brk, [now + 16 * MIB, 0, 0, 0, 0, 0])?;
        ensure_eq!(grown, now);
        arbitrary(__NR_brk, [now + MIB, 0, 0, 0, 0, 0])?;
        Ok(())
    })
}

fn a_stack_grows_no_further_than_it_may() -> Outcome {
    const MIB: usize = 1 << 20;
    let top = stack_top()?;
    let touched = |limit: usize, depth: usize| {
        in_child(|| {
            set_limit(STACK, limit as u64, limit as u64)?;
            memory::write_byte(top - depth, 1);
            Ok(0)
        })
    };
    ensure_eq!(touched(MIB, MIB - 64)?.exit_code(), Some(0));
    ensure_eq!(touched(MIB, 2 * MIB)?.killed_by(), Some(SIGSEGV));
    ensure_eq!(touched(16 * MIB, 12 * MIB)?.exit_code(), Some(0));
    ensure_eq!(touched(16 * MIB, 17 * MIB)?.killed_by(), Some(SIGSEGV));
    Ok(())
}

/// Sends itself a signal with a value.
fn queue(number: u32) -> Result<()> {
    const QUEUE: i32 = -1;
    let mut info = [0_i32; 32];
    (info[0], info[2]) = (number as i32, QUEUE);
    let (own, place) = (process::current_id(), info.as_ptr() as usize);
    let arguments = [own as usize, number as usize, place, 0, 0, 0];
    arbitrary(__NR_rt_sigqueueinfo, arguments).map(drop)
}

fn so_many_signals_wait_for_a_user() -> Outcome {
    const FIRST: u32 = 34;
    let queued = || {
        let status = file::text("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("SigQ:"));
        Ok::<String, Errno>(line.unwrap_or_default().trim().into())
    };
    ensure_done(|| {
        signal::change_mask(SIG_BLOCK, bit(FIRST) | bit(SIGUSR1))?;
        become_user(SOMEBODY)?;
        set_limit(SIGNALS, 5, 10)?;
        for _ in 0..5 {
            queue(FIRST)?;
        }
        ensure_eq!(queue(FIRST), Err(Errno::EAGAIN));
        ensure_eq!(queued()?, "5/5");
        // A signal of which nothing need be known comes.
        signal::send(process::current_id(), SIGUSR1)?;
        ensure!(signal::pending()? & bit(SIGUSR1) != 0);
        // They count for the user's other processes.
        ensure_done(|| {
            ensure_eq!(queue(FIRST), Err(Errno::EAGAIN));
            set_limit(SIGNALS, 7, 10)?;
            queue(FIRST)?;
            queue(FIRST)?;
            ensure_eq!(queue(FIRST), Err(Errno::EAGAIN));
            Ok(())
        })?;
        // What was taken makes room, and what its process took with it.
        ensure_eq!(signal::wait(bit(FIRST), None)?, FIRST);
        ensure_eq!(queued()?, "4/5");
        queue(FIRST)?;
        Ok(())
    })
}

fn timers_count_with_signals_that_wait() -> Outcome {
    let create = || {
        let mut id = 0_u32;
        let place = (&raw mut id) as usize;
        arbitrary(__NR_timer_create, [1, 0, place, 0, 0, 0])?;
        Ok(core::hint::black_box(id))
    };
    let delete =
        |id: u32| arbitrary(__NR_timer_delete, [id as usize, 0, 0, 0, 0, 0]);
    ensure_done(|| {
        become_user(SOMEBODY)?;
        set_limit(SIGNALS, 3, 3)?;
        let first = create()?;
        create()?;
        create()?;
        ensure_eq!(create(), Err(Errno::EAGAIN));
        delete(first)?;
        create()?;
        ensure_done(|| {
            ensure_eq!(create(), Err(Errno::EAGAIN));
            Ok(())
        })
    })
}

fn so_much_memory_is_locked() -> Outcome {
    const LOCKED: usize = 8;
    const PAGE: usize = 4096;
    const MAP_LOCKED: u32 = 0x2000;
    const NOW: usize = 1;
    const FUTURE: usize = 2;
    let call =
        |number, first, second| arbitrary(number, [first, second, 0, 0, 0, 0]);
    let map = |pages: usize, more: u32| {
        let flags = (MAP_PRIVATE | MAP_ANONYMOUS | more) as usize;
        let rights = (PROT_READ | PROT_WRITE) as usize;
        let words = [0, pages * PAGE, rights, flags, usize::MAX, 0];
        arbitrary(__NR_mmap, words)
    };
    ensure_done(|| {
        set_limit(LOCKED, 8 * PAGE as u64, 8 * PAGE as u64)?;
        // Root locks any number.
        let memory = map(16, 0)?;
        call(__NR_mlock, memory, 16 * PAGE)?;
        call(__NR_munlock, memory, 16 * PAGE)?;
        become_user(SOMEBODY)?;
        let more = call(__NR_mlock, memory, 9 * PAGE);
        ensure_eq!(more, Err(Errno::ENOMEM));
        call(__NR_mlock, memory, 8 * PAGE)?;
        // What is locked already counts once.
        call(__NR_mlock, memory + 4 * PAGE, 4 * PAGE)?;
        let more = call(__NR_mlock, memory + 4 * PAGE, 5 * PAGE);
        ensure_eq!(more, Err(Errno::ENOMEM));
        ensure_eq!(map(1, MAP_LOCKED), Err(Errno::EAGAIN));
        call(__NR_munlock, memory, 4 * PAGE)?;
        map(4, MAP_LOCKED)?;
        ensure_eq!(call(__NR_mlockall, NOW, 0), Err(Errno::ENOMEM));
        call(__NR_mlockall, FUTURE, 0)?;
        ensure_eq!(map(1, 0), Err(Errno::EAGAIN));
        call(__NR_munlockall, 0, 0)?;
        map(1, 0)?;
        set_limit(LOCKED, 0, 0)?;
        ensure_eq!(call(__NR_mlock, memory, PAGE), Err(Errno::EPERM));
        ensure_eq!(call(__NR_mlockall, NOW, 0), Err(Errno::EPERM));
        ensure_eq!(map(1, MAP_LOCKED), Err(Errno::EPERM));
        Ok(())
    })
}

fn limits_are_raised_by_root_alone() -> Outcome {
    ensure_done(|| {
        ensure_eq!(set_limit(FILES, 30, 20), Err(Errno::EINVAL));
        ensure_eq!(set_limit(16, 1, 1), Err(Errno::EINVAL));
        // More descriptors than this nobody has.
        let most = file::text("/proc/sys/fs/nr_open")?;
        let most: u64 = most.trim().parse().unwrap_or(0);
        set_limit(FILES, 10, most)?;
        ensure_eq!(set_limit(FILES, 10, most + 1), Err(Errno::EPERM));
        set_limit(STACK, 4096, 8192)?;
        set_limit(STACK, 4096, 16_384)?;
        become_user(SOMEBODY)?;
        ensure_eq!(set_limit(STACK, 1, 16_385), Err(Errno::EPERM));
        set_limit(STACK, 16_384, 16_384)?;
        set_limit(STACK, 0, 10)?;
        ensure_eq!(set_limit(STACK, 0, 11), Err(Errno::EPERM));
        // Those of others are not this user's to see or change.
        let (first, none) = (1, 0);
        let mut old = [0_u64; 2];
        let place = old.as_mut_ptr() as usize;
        let arguments = [first, FILES, none, place, 0, 0];
        let seen = arbitrary(__NR_prlimit64, arguments);
        ensure_eq!(seen, Err(Errno::EPERM));
        Ok(())
    })
}
