//! Calls about signals.

use kernel_abi::signal::{SigAction, SigInfo, SigStack};
use kernel_abi::time::Timespec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::signal::SignalSet;

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::arch;
use kernel_machine::arch::trap::TrapFrame;
use kernel_machine::mm::user;
use kernel_process::signal::{mask, send, sigreturn};
use kernel_process::{current, handlers};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::KILL, Handler::Plain(kill)),
    (number::TKILL, Handler::Plain(tkill)),
    (number::TGKILL, Handler::Plain(tgkill)),
    (number::SIGALTSTACK, Handler::WithFrame(sigaltstack)),
    (number::RT_SIGACTION, Handler::Plain(rt_sigaction)),
    (number::RT_SIGPROCMASK, Handler::Plain(rt_sigprocmask)),
    (number::RT_SIGPENDING, Handler::Plain(rt_sigpending)),
    (number::RT_SIGSUSPEND, Handler::Plain(rt_sigsuspend)),
    (number::RT_SIGTIMEDWAIT, Handler::Plain(rt_sigtimedwait)),
    (number::RT_SIGQUEUEINFO, Handler::Plain(rt_sigqueueinfo)),
    (number::RT_TGSIGQUEUEINFO, Handler::Plain(rt_tgsigqueueinfo)),
    (number::RT_SIGRETURN, Handler::WithFrame(sigreturn)),
    (number::RESTART_SYSCALL, Handler::Plain(restart_syscall)),
];

/// Bytes of a signal set.
const SET_SIZE: usize = 8;

fn kill(args: &Args) -> Result {
    send::kill_call(args.int(0), args.word(1)).map(|()| 0)
}

fn tkill(args: &Args) -> Result {
    let thread = positive(args.int(0))?;
    send::tgkill_call(None, thread, args.word(1)).map(|()| 0)
}

fn tgkill(args: &Args) -> Result {
    let process = positive(args.int(0))?;
    let thread = positive(args.int(1))?;
    send::tgkill_call(Some(process), thread, args.word(2)).map(|()| 0)
}

fn positive(id: i32) -> core::result::Result<u32, Errno> {
    match id {
        1.. => Ok(id as u32),
        _ => Err(Errno::EINVAL),
    }
}

fn check_size(size: usize) -> core::result::Result<(), Errno> {
    if size == SET_SIZE { Ok(()) } else { Err(Errno::EINVAL) }
}

fn sigaltstack(frame: &mut TrapFrame) -> Result {
    let [new, old] = [frame.x[0], frame.x[1]].map(|x| x as usize);
    let thread = current();
    let new_stack: Option<SigStack> = match new {
        0 => None,
        address => Some(user::read_value(address)?),
    };
    let (before, result) = {
        let mut signals = thread.process.signals.lock();
        let state = &mut signals.state;
        let before = state.alternative_stack(thread.key, frame.sp);
        let result = new_stack.map_or(Ok(()), |stack| {
            state.set_alternative_stack(thread.key, frame.sp, &stack)
        });
        (before, result)
    };
    result?;
    if old != 0 {
        user::write_value(old, &before)?;
    }
    Ok(0)
}

fn rt_sigaction(args: &Args) -> Result {
    check_size(args.x[3])?;
    let signal = args.word(0);
    if SignalSet::one(signal).is_empty() {
        return Err(Errno::EINVAL);
    }
    let new: Option<SigAction> = match args.x[1] {
        0 => None,
        address => Some(user::read_value(address)?),
    };
    let old = {
        let process = &current().process;
        match new {
            None => process.signals.lock().state.actions().get(signal),
            Some(action) => handlers::set_action(process, signal, action)?,
        }
    };
    if args.x[2] != 0 {
        user::write_value(args.x[2], &old)?;
    }
    Ok(0)
}

fn rt_sigprocmask(args: &Args) -> Result {
    check_size(args.x[3])?;
    let old = mask::blocked();
    if args.x[1] != 0 {
        let set = SignalSet(user::read_value(args.x[1])?);
        mask::change(args.word(0), set)?;
    }
    if args.x[2] != 0 {
        user::write_value(args.x[2], &old.0)?;
    }
    Ok(0)
}

fn rt_sigpending(args: &Args) -> Result {
    check_size(args.x[1])?;
    let pending = {
        let thread = current();
        let signals = thread.process.signals.lock();
        signals.state.pending(thread.key)
    };
    user::write_value(args.x[0], &pending.0)?;
    Ok(0)
}

fn rt_sigsuspend(args: &Args) -> Result {
    check_size(args.x[1])?;
    let set = SignalSet(user::read_value(args.x[0])?);
    Err(mask::suspend(set))
}

fn rt_sigtimedwait(args: &Args) -> Result {
    check_size(args.x[3])?;
    let set = SignalSet(user::read_value(args.x[0])?);
    let deadline = match args.x[2] {
        0 => None,
        address => {
            let timeout: Timespec = user::read_value(address)?;
            let now = arch::timer::now_ns();
            Some(now.saturating_add(timeout.to_ns()?))
        }
    };
    let info = mask::wait_for(set, deadline)?;
    if args.x[1] != 0 {
        user::write_value(args.x[1], &padded(info))?;
    }
    Ok(info.signo as usize)
}

/// `siginfo_t` in its full size.
fn padded(info: SigInfo) -> [u64; 16] {
    let mut words = [0; 16];
    zerocopy::IntoBytes::as_mut_bytes(&mut words[..6])
        .copy_from_slice(zerocopy::IntoBytes::as_bytes(&info));
    words
}

fn rt_sigqueueinfo(args: &Args) -> Result {
    // Nobody has such a number.
    let id = positive(args.int(0)).map_err(|_| Errno::ESRCH)?;
    let info = queued_info(args.x[2], args.word(1), id)?;
    send::queue_to_process(id, args.word(1), &info).map(|()| 0)
}

fn rt_tgsigqueueinfo(args: &Args) -> Result {
    let process = positive(args.int(0))?;
    let thread = positive(args.int(1))?;
    let info = queued_info(args.x[3], args.word(2), process)?;
    let process = Some(process);
    send::queue_to_thread(process, thread, args.word(2), &info).map(|()| 0)
}

/// Programs may not pretend that the kernel, or `kill`, sent a signal to
/// another process.
fn queued_info(
    address: usize,
    signal: u32,
    target: u32,
) -> core::result::Result<SigInfo, Errno> {
    let mut info: SigInfo = user::read_value(address)?;
    info.signo = signal as i32;
    if info.is_forged() && target != current().process.id {
        return Err(Errno::EPERM);
    }
    Ok(info)
}

/// Calls that begin anew do so by their own number here.
fn restart_syscall(_: &Args) -> Result {
    Err(Errno::EINTR)
}
