//! The futex: sleeping on a word of shared memory.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{__NR_futex, CLOCK_REALTIME, SIGUSR1, WNOHANG};
use user_lib::schedule::{futex_wait, futex_wake};
use user_lib::signal::{self, Action};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, memory, process};

use crate::freezer::{wait_for, wait_for_place, wait_for_state, words};
use crate::group::Mount;
use crate::tool::{Outcome, ensure, ensure_eq, tests};
use user_lib::child::{Child, signal_again_and_again};

tests! {
    a_changed_word_is_not_waited_on
    a_wait_times_out
    a_sleeper_is_woken
    only_so_many_are_woken
    some_are_woken_and_others_moved
    nobody_there_wakes_nobody
    a_wait_is_interrupted
    private_memory_is_not_shared
    wrong_words_are_refused
    a_mutex_keeps_others_out
    a_wake_changes_another_word
    the_clock_of_a_wait_may_be_the_wall
    who_waits_for_an_heir_inherits_from_it
}

fn word() -> user_lib::Result<&'static AtomicU32> {
    Ok(&memory::shared_words(1)?[0])
}

fn a_changed_word_is_not_waited_on() -> Outcome {
    let word = word()?;
    word.store(4, Ordering::Relaxed);
    ensure_eq!(futex_wait(word, 5, None), Err(Errno::EAGAIN));
    Ok(())
}

fn a_wait_times_out() -> Outcome {
    let start = monotonic();
    let result = futex_wait(word()?, 0, Some(Time::from_millis(20)));
    ensure_eq!(result, Err(Errno::ETIMEDOUT));
    ensure!(monotonic() - start >= Time::from_millis(20));
    Ok(())
}

/// Wakes sleepers, as soon as they sleep, until there were so many.
fn wake_exactly(word: &AtomicU32, count: usize) -> Outcome {
    let mut woken = 0;
    while woken < count {
        let now = futex_wake(word, (count - woken) as u32)?;
        woken += now;
        ensure!(woken <= count);
        time::sleep(Time::from_millis(1));
    }
    Ok(())
}

fn a_sleeper_is_woken() -> Outcome {
    let word = word()?;
    let child = Child::start(|| i32::from(futex_wait(word, 0, None).is_err()))?;
    wake_exactly(word, 1)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn only_so_many_are_woken() -> Outcome {
    let words = memory::shared_words(2)?;
    let [word, woken] = words else { return Err(Errno::ENOMEM.into()) };
    let mut children = alloc::vec::Vec::new();
    for _ in 0..5 {
        children.push(Child::start(|| {
            let result = futex_wait(word, 0, None);
            woken.fetch_add(1, Ordering::AcqRel);
            i32::from(result.is_err())
        })?);
    }
    wake_exactly(word, 2)?;
    time::sleep(Time::from_millis(30));
    ensure!(woken.load(Ordering::Acquire) <= 2);
    wake_exactly(word, 3)?;
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    Ok(())
}

/// `FUTEX_REQUEUE`: the first waiter is woken, the next two move.
fn some_are_woken_and_others_moved() -> Outcome {
    const REQUEUE: usize = 3;
    let words = memory::shared_words(2)?;
    let [from, to] = words else { return Err(Errno::ENOMEM.into()) };
    let mut children = alloc::vec::Vec::new();
    for _ in 0..4 {
        let child =
            Child::start(|| i32::from(futex_wait(from, 0, None) != Ok(())))?;
        wait_for_state(child.id(), 'S')?;
        children.push(child);
    }
    let [place, other] = [from, to].map(|it| it.as_ptr() as usize);
    let both = arbitrary(__NR_futex, [place, REQUEUE, 1, 2, other, 0])?;
    ensure_eq!(both, 3);
    ensure_eq!(children.remove(0).wait()?.exit_code(), Some(0));
    ensure_eq!(futex_wake(from, 9)?, 1);
    let last = children.pop().ok_or(Errno::ECHILD)?;
    ensure_eq!(last.wait()?.exit_code(), Some(0));
    ensure_eq!(futex_wake(to, 9)?, 2);
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    Ok(())
}

fn nobody_there_wakes_nobody() -> Outcome {
    ensure_eq!(futex_wake(word()?, 10), Ok(0));
    Ok(())
}

extern "C" fn nothing(_: i32) {}

fn a_wait_is_interrupted() -> Outcome {
    signal::set_action(SIGUSR1, Action::Handle(nothing), 0, 0)?;
    let parent = process::current_id();
    let _child = signal_again_and_again(parent)?;
    ensure_eq!(futex_wait(word()?, 0, None), Err(Errno::EINTR));
    Ok(())
}

static PRIVATE: AtomicU32 = AtomicU32::new(0);

/// The same address in two processes is two words unless it is shared.
fn private_memory_is_not_shared() -> Outcome {
    PRIVATE.store(0, Ordering::Relaxed);
    let child = Child::start(|| {
        let soon = Some(Time::from_millis(80));
        let result = futex_wait(&PRIVATE, 0, soon);
        i32::from(result != Err(Errno::ETIMEDOUT))
    })?;
    time::sleep(Time::from_millis(30));
    ensure_eq!(futex_wake(&PRIVATE, 1), Ok(0));
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn wrong_words_are_refused() -> Outcome {
    let wait = |address| arbitrary(__NR_futex, [address, 0, 0, 0, 0, 0]);
    ensure_eq!(wait(memory::PAGE_SIZE), Err(Errno::EFAULT));
    let unaligned = PRIVATE.as_ptr() as usize + 2;
    ensure_eq!(wait(unaligned), Err(Errno::EINVAL));
    let unknown =
        arbitrary(__NR_futex, [PRIVATE.as_ptr() as usize, 99, 0, 0, 0, 0]);
    ensure_eq!(unknown, Err(Errno::ENOSYS));
    Ok(())
}

/// A mutex of one word: 0 free, 1 taken, 2 taken and somebody waits.
fn lock(word: &AtomicU32) {
    if word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    {
        return;
    }
    while word.swap(2, Ordering::Acquire) != 0 {
        // Woken or changed: the loop looks again.
        let _ = futex_wait(word, 2, None);
    }
}

fn unlock(word: &AtomicU32) {
    if word.swap(0, Ordering::Release) == 2 {
        // The word is there, so this cannot fail.
        let _ = futex_wake(word, 1);
    }
}

fn a_mutex_keeps_others_out() -> Outcome {
    const EACH: u32 = 1000;
    let words = memory::shared_words(2)?;
    let [mutex, value] = words else { return Err(Errno::ENOMEM.into()) };
    let mut children = alloc::vec::Vec::new();
    for _ in 0..4 {
        children.push(Child::start(|| {
            for _ in 0..EACH {
                lock(mutex);
                // Not atomic as a whole: only the mutex makes it right.
                let before = value.load(Ordering::Relaxed);
                value.store(before + 1, Ordering::Relaxed);
                unlock(mutex);
            }
            0
        })?);
    }
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    ensure_eq!(value.load(Ordering::Relaxed), 4 * EACH);
    Ok(())
}

/// What `FUTEX_WAKE_OP` does: adds 1 to the second word, and wakes there if
/// it was `compared`.
fn wake_and_add(
    [first, second]: [&AtomicU32; 2],
    compared: usize,
) -> user_lib::Result<usize> {
    const WAKE_OP: usize = 5;
    let operation = 1 << 28 | 1 << 12 | compared;
    let places = [first, second].map(|word| word.as_ptr() as usize);
    let arguments = [places[0], WAKE_OP, 1, 1, places[1], operation];
    arbitrary(__NR_futex, arguments)
}

fn a_wake_changes_another_word() -> Outcome {
    let words = memory::shared_words(2)?;
    let (first, second) = (&words[0], &words[1]);
    ensure_eq!(wake_and_add([first, second], 0)?, 0);
    ensure_eq!(second.load(Ordering::Relaxed), 1);
    // Not as asked: nobody is woken, yet the word changes.
    let child =
        Child::start(|| i32::from(futex_wait(second, 1, None).is_err()))?;
    wait_for_state(child.id(), 'S')?;
    ensure_eq!(wake_and_add([first, second], 0)?, 0);
    ensure_eq!(second.load(Ordering::Relaxed), 2);
    ensure!(process::wait(child.id(), WNOHANG)?.is_none());
    ensure_eq!(wake_and_add([first, second], 2)?, 1);
    ensure_eq!(second.load(Ordering::Relaxed), 3);
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    let wrong = [first.as_ptr() as usize, 5, 1, 1, 0, 0];
    ensure_eq!(arbitrary(__NR_futex, wrong), Err(Errno::EFAULT));
    Ok(())
}

fn the_clock_of_a_wait_may_be_the_wall() -> Outcome {
    const REALTIME: usize = 256;
    const WAIT_BITSET: usize = 9;
    let word = word()?;
    let place = word.as_ptr() as usize;
    let start = monotonic();
    let until = time::read(CLOCK_REALTIME)? + Time::from_millis(20);
    let limit = &raw const until as usize;
    let operation = WAIT_BITSET | REALTIME;
    let arguments = [place, operation, 0, limit, 0, u32::MAX as usize];
    ensure_eq!(arbitrary(__NR_futex, arguments), Err(Errno::ETIMEDOUT));
    // Relative to now, for a plain wait.
    let short = Time::from_millis(20);
    let arguments = [place, REALTIME, 0, &raw const short as usize, 0, 0];
    ensure_eq!(arbitrary(__NR_futex, arguments), Err(Errno::ETIMEDOUT));
    ensure!(monotonic() - start >= Time::from_millis(40));
    let arguments = [place, REALTIME | 1, 1, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_futex, arguments), Err(Errno::ENOSYS));
    Ok(())
}

/// `FUTEX_LOCK_PI`, with some seconds of patience.
fn lock_with_owner(word: &AtomicU32) -> user_lib::Result<usize> {
    const LOCK_PI: usize = 6;
    let until = time::read(CLOCK_REALTIME)? + Time::from_millis(10_000);
    let limit = &raw const until as usize;
    let place = word.as_ptr() as usize;
    arbitrary(__NR_futex, [place, LOCK_PI, 0, limit, 0, 0])
}

/// The heir of an ended owner cannot write the word while it is frozen. Who
/// comes meanwhile waits for it all the same, and has the lock once it ends.
fn who_waits_for_an_heir_inherits_from_it() -> Outcome {
    const OWNER_DIED: u32 = 0x4000_0000;
    let [word, step] = words()?;
    let mount = Mount::v1()?;
    let group = mount.group("heir")?;
    let owner = Child::start(|| {
        let result = lock_with_owner(word);
        step.store(1, Ordering::Release);
        wait_for(step, 2);
        i32::from(result.is_err())
    })?;
    wait_for(step, 1);
    // It ends with the lock, too.
    let heir = Child::start(|| i32::from(lock_with_owner(word).is_err()))?;
    wait_for_place(heir.id(), "futex_lock_pi")?;
    group.add(heir.id())?;
    group.freeze()?;
    step.store(2, Ordering::Release);
    ensure_eq!(owner.wait()?.exit_code(), Some(0));
    let last = Child::start(|| i32::from(lock_with_owner(word).is_err()))?;
    let last_id = last.id() as u32;
    wait_for_place(last.id(), "futex_lock_pi")?;
    group.thaw()?;
    ensure_eq!(heir.wait()?.exit_code(), Some(0));
    ensure_eq!(last.wait()?.exit_code(), Some(0));
    let word = word.load(Ordering::Acquire);
    ensure!(word & OWNER_DIED != 0);
    ensure_eq!(word & 0x3fff_ffff, last_id);
    Ok(())
}
