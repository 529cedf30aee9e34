//! Nice values: `getpriority(2)`, `setpriority(2)`. A nice value is a thread's
//! own, as on Linux.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::capability::Capability;

use super::target::{check_may_schedule, named};
use crate::call::{Args, Result};
use kernel_process::{authority, current, thread_of, tree};
use kernel_task::{Task, account};

/// Whom a number means.
#[derive(Clone, Copy)]
pub(super) enum Meant {
    /// One thread.
    Thread,
    /// All threads of the processes of a group.
    Group,
    /// All threads of a user's processes.
    User,
}

/// The tasks that a number means; 0 means the caller, his group, his user.
///
/// # Errors
/// `ESRCH`.
pub(super) fn meant(
    whom: Meant,
    who: u32,
) -> core::result::Result<Vec<Arc<Task>>, Errno> {
    let own = current().process.clone();
    let processes = match whom {
        Meant::Thread => {
            let task = named(who as i32).map_err(|_| Errno::ESRCH)?;
            return Ok([task].into());
        }
        Meant::Group => {
            let id = if who == 0 { own.group() } else { who };
            tree::lock().group_members(id).ok_or(Errno::ESRCH)?
        }
        Meant::User => {
            let mut all = tree::all();
            let real = own.credentials.lock().user.real;
            let user = if who == 0 { real } else { who };
            all.retain(|it| it.credentials.lock().user.real == user);
            all
        }
    };
    Ok(processes.iter().flat_map(|process| process.threads()).collect())
}

/// The tasks that `PRIO_*` and a number mean.
fn chosen(args: &Args) -> core::result::Result<Vec<Arc<Task>>, Errno> {
    let whom = match args.x[0] {
        0 => Meant::Thread,
        1 => Meant::Group,
        2 => Meant::User,
        _ => return Err(Errno::EINVAL),
    };
    meant(whom, args.word(1))
}

/// The best of the nice values meant, as 20 less the value.
pub(super) fn getpriority(args: &Args) -> Result {
    let best = chosen(args)?.iter().map(|task| task.nice()).min();
    let nice = i32::from(best.ok_or(Errno::ESRCH)?);
    Ok((20 - nice) as usize)
}

pub(super) fn setpriority(args: &Args) -> Result {
    let nice = args.int(2).clamp(-20, 19) as i8;
    let tasks = chosen(args)?;
    if tasks.is_empty() {
        return Err(Errno::ESRCH);
    }
    let may_all = authority::has(Capability::SYS_NICE);
    // Whom the caller may not change does not keep others from it; the last
    // refusal is told.
    let mut outcome = Ok(0);
    for task in &tasks {
        if let Err(error) = set_nice(task, nice, may_all) {
            outcome = Err(error);
        }
    }
    outcome
}

fn set_nice(task: &Arc<Task>, nice: i8, may_all: bool) -> Result {
    let process = thread_of(task).map(|thread| &*thread.process);
    check_may_schedule(process)?;
    let may = may_all
        || process.is_some_and(|process| {
            process.limits.lock().scheduling().may_have_nice(nice)
        });
    let mut is_refused = false;
    account::change_account(task, |account, _| {
        is_refused = nice < account.attributes().nice && !may;
        if !is_refused {
            account.set_nice(nice);
        }
    });
    if is_refused { Err(Errno::EACCES) } else { Ok(0) }
}
