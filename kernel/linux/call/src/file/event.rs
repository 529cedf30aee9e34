//! Calls about files to wait for: `epoll`, `eventfd`, `signalfd`, `timerfd`.

use alloc::boxed::Box;

use kernel_abi::system::EpollEvent;
use kernel_abi::time::{Itimerspec, Timespec};
use kernel_abi::{Errno, syscall as number};
use kernel_core::power::wakeup::Source;
use kernel_core::signal::SignalSet;
use zerocopy::IntoBytes;

use super::{check_flags, file};
use crate::call::{Args, Handler, Numbered, Result};
use crate::timer::{check_alarm, to_itimerspec, when};
use kernel_files::epoll::{self, Change, Epoll, check_pollable};
use kernel_files::eventfd::{EventFd, Take};
use kernel_files::file::File;
use kernel_files::table::OnExec;
use kernel_files::timerfd::{OnSet, TimerFd};
use kernel_files::{OpenFlags, anonymous};
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::clock::Clock;
use kernel_process::current;
use kernel_process::signal::watch::SignalFd;
use kernel_process::signal::{mask, restart};
use kernel_task::alarm::Expired;
use kernel_task::freezer::wakeup;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::SIGNALFD4, Handler::Plain(signalfd4)),
    (number::EVENTFD2, Handler::Plain(eventfd2)),
    (number::EPOLL_CREATE1, Handler::Plain(epoll_create1)),
    (number::EPOLL_CTL, Handler::Plain(epoll_ctl)),
    (number::EPOLL_PWAIT, Handler::Plain(epoll_pwait)),
    (number::EPOLL_PWAIT2, Handler::Plain(epoll_pwait2)),
    (number::TIMERFD_CREATE, Handler::Plain(timerfd_create)),
    (number::TIMERFD_SETTIME, Handler::Plain(timerfd_settime)),
    (number::TIMERFD_GETTIME, Handler::Plain(timerfd_gettime)),
];

/// Gives the caller a descriptor of a file without a name. `flags` are of
/// `open`, whose numbers all these calls share.
fn open(
    kind: &'static str,
    file: alloc::sync::Arc<dyn File>,
    flags: u32,
    known: OpenFlags,
) -> Result {
    check_flags(flags, known.bits())?;
    let flags = OpenFlags::from_bits_retain(flags);
    let on_exec = flags.contains(OpenFlags::CLOSE_ON_EXEC);
    let file = anonymous::open(kind, file, flags)?;
    current().files()?.insert(0, file, OnExec::close_if(on_exec))
}

const USUAL: OpenFlags =
    OpenFlags::CLOSE_ON_EXEC.union(OpenFlags::NON_BLOCKING);

fn eventfd2(args: &Args) -> Result {
    const SEMAPHORE: u32 = 1;
    let flags = args.word(1);
    let take = match flags & SEMAPHORE {
        0 => Take::All,
        _ => Take::One,
    };
    let counter = EventFd::new(args.word(0).into(), take);
    open("[eventfd]", counter, flags & !SEMAPHORE, USUAL)
}

fn signalfd4(args: &Args) -> Result {
    if args.x[2] != size_of::<SignalSet>() {
        return Err(Errno::EINVAL);
    }
    check_flags(args.word(3), USUAL.bits())?;
    let set = SignalSet(user::read_value(args.x[1])?);
    if args.int(0) == -1 {
        return open("[signalfd]", SignalFd::new(set), args.word(3), USUAL);
    }
    file(args.int(0))?.downcast::<SignalFd>()?.set(set);
    Ok(args.x[0])
}

fn epoll_create1(args: &Args) -> Result {
    let known = OpenFlags::CLOSE_ON_EXEC;
    open("[eventpoll]", Epoll::new(), args.word(0), known)
}

fn epoll_ctl(args: &Args) -> Result {
    const ADD: u32 = 1;
    const DELETE: u32 = 2;
    const MODIFY: u32 = 3;
    let event = || user::read_value::<EpollEvent>(args.x[3]);
    let change = match args.word(1) {
        ADD => Change::Add(event()?),
        DELETE => Change::Remove,
        MODIFY => Change::Modify(event()?),
        _ => return Err(Errno::EINVAL),
    };
    let (set, target) = (file(args.int(0))?, file(args.int(2))?);
    let fd = args.word(2) as usize;
    match set.downcast::<Epoll>() {
        Ok(set) => epoll::change(set, fd, &target, change).map(|()| 0),
        // What cannot be waited for is told of first.
        Err(error) => check_pollable(&target).and(Err(error)),
    }
}

fn epoll_pwait(args: &Args) -> Result {
    let time_out = u64::try_from(args.int(3)).ok().map(|ms| ms * 1_000_000);
    epoll_wait_for(args, time_out)
}

fn epoll_pwait2(args: &Args) -> Result {
    let time_out = match args.x[3] {
        0 => None,
        address => Some(user::read_value::<Timespec>(address)?.to_ns()?),
    };
    epoll_wait_for(args, time_out)
}

/// Waits for `time_out`, ns, at most.
fn epoll_wait_for(args: &Args, time_out: Option<u64>) -> Result {
    const MOST: usize = i32::MAX as usize / size_of::<EpollEvent>();
    let [_, address, _, _, mask, size] = args.x;
    let most = usize::try_from(args.int(2)).unwrap_or(0);
    if most == 0 || most > MOST {
        return Err(Errno::EINVAL);
    }
    let file = file(args.int(0))?;
    let set = file.downcast::<Epoll>()?;
    let deadline = time_out.map(restart::deadline_after);
    if mask != 0 {
        if size != size_of::<SignalSet>() {
            return Err(Errno::EINVAL);
        }
        mask::set_for_call(SignalSet(user::read_value(mask)?));
    }
    let result = set.wait(most, deadline);
    if mask != 0 && result.is_ok() {
        mask::end_of_call();
    }
    let Ok(told) = result else {
        if let Some(deadline) = deadline {
            restart::keep_deadline(deadline);
        }
        return Err(Errno::ERESTARTNOHAND);
    };
    let bytes = told.as_bytes();
    UserSlice::new(address, bytes.len())?.write(0, bytes)?;
    Ok(told.len())
}

fn timerfd_create(args: &Args) -> Result {
    let id = args.word(0);
    let clock = Clock::named(id)?;
    // All clocks that can be slept on, but for two.
    if matches!(clock, Clock::Cpu(_) | Clock::Tai) || clock.deadline(0).is_err()
    {
        return Err(Errno::EINVAL);
    }
    check_flags(args.word(1), USUAL.bits())?;
    check_alarm(&clock)?;
    let wakes = clock.is_alarm();
    let expired: Expired = Box::new(move |_| {
        if wakes {
            wakeup::event(Source::Clock);
        }
    });
    open("[timerfd]", TimerFd::new(id, expired), args.word(1), USUAL)
}

fn timerfd_settime(args: &Args) -> Result {
    const ABSOLUTE: u32 = 1;
    const CANCEL_ON_SET: u32 = 2;
    check_flags(args.word(1), ABSOLUTE | CANCEL_ON_SET)?;
    let new: Itimerspec = user::read_value(args.x[2])?;
    let (when, interval) = when(new, args.word(1))?;
    let file = file(args.int(0))?;
    let timer = file.downcast::<TimerFd>()?;
    let clock = Clock::named(timer.clock)?;
    let is_wall = matches!(clock, Clock::Realtime(_));
    let on_set = match args.word(1) == ABSOLUTE | CANCEL_ON_SET && is_wall {
        true => OnSet::Cancel,
        false => OnSet::Continue,
    };
    let old = timer.set(clock.when(when)?, interval, on_set)?;
    if args.x[3] != 0 {
        user::write_value(args.x[3], &to_itimerspec(old))?;
    }
    Ok(0)
}

fn timerfd_gettime(args: &Args) -> Result {
    let file = file(args.int(0))?;
    let setting = file.downcast::<TimerFd>()?.alarm.setting();
    user::write_value(args.x[1], &to_itimerspec(setting))?;
    Ok(0)
}
