//! Classes and levels for disks: `ioprio_get(2)`, `ioprio_set(2)`.
//!
//! They are kept and given on; nothing here waits in an order of its own for a
//! disk.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::capability::Capability;

use super::priority::{Meant, meant};
use super::target::check_may_schedule;
use crate::call::{Args, Result};
use kernel_process::{NO_IO_PRIORITY, authority, thread_of};
use kernel_task::Task;

/// A class stands above so many bits of level.
const CLASS_SHIFT: u16 = 13;
const REAL_TIME: u16 = 1;
const BEST_EFFORT: u16 = 2;
const IDLE: u16 = 3;
const LEVELS: u16 = 8;

/// The tasks that `IOPRIO_WHO_*` and a number mean.
fn named(args: &Args) -> core::result::Result<Vec<Arc<Task>>, Errno> {
    let whom = match args.x[0] {
        1 => Meant::Thread,
        2 => Meant::Group,
        3 => Meant::User,
        _ => return Err(Errno::EINVAL),
    };
    let tasks = meant(whom, args.word(1))?;
    if tasks.is_empty() { Err(Errno::ESRCH) } else { Ok(tasks) }
}

/// Of several tasks the best is told: real time, best effort, none, idle.
pub(super) fn ioprio_get(args: &Args) -> Result {
    let tasks = named(args)?;
    let kept = tasks.iter().map(|task| {
        let thread = thread_of(task);
        thread.map_or(NO_IO_PRIORITY, |it| it.io_priority.load(Relaxed))
    });
    let rank = |word: &u16| match word >> CLASS_SHIFT {
        0 => BEST_EFFORT << CLASS_SHIFT | *word,
        _ => *word,
    };
    let best = kept.min_by_key(rank).unwrap_or(NO_IO_PRIORITY);
    Ok(best.into())
}

pub(super) fn ioprio_set(args: &Args) -> Result {
    let word = args.word(2);
    let (class, level) =
        (word >> CLASS_SHIFT, word as u16 % (1 << CLASS_SHIFT));
    match class as u16 {
        _ if class > u32::from(IDLE) => return Err(Errno::EINVAL),
        REAL_TIME if !authority::has(Capability::SYS_NICE) => {
            return Err(Errno::EPERM);
        }
        REAL_TIME | BEST_EFFORT if level >= LEVELS => {
            return Err(Errno::EINVAL);
        }
        0 if level != 0 => return Err(Errno::EINVAL),
        _ => {}
    }
    for task in named(args)? {
        let Some(thread) = thread_of(&task) else {
            return Err(Errno::EPERM);
        };
        check_may_schedule(Some(&thread.process))?;
        thread.io_priority.store(word as u16, Relaxed);
    }
    Ok(0)
}
