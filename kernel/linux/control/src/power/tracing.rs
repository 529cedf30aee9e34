//! The event ring for user programs: `/sys/kernel/tracing`.
//!
//! `trace` shows the rings as they are now. Writing to `snapshot` keeps them
//! as they are then, and reading it shows what was kept: what comes after the
//! interesting moment does not push it out. The names are Linux's, the form
//! is ours: a line for each task alive, then one for each event, CPU by CPU.
//!
//! ```text
//! # task ID CPU user|kernel STATE NAME
//! # event TIME_NS CPU NAME A B
//! task 41 2 user S sleep
//! event 20012345678 0 switch 41 0
//! ```

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;

use kernel_abi::Errno;

use kernel_files::sys::{Attribute, register};
use kernel_machine::arch::cpu::MAX_CPUS;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_machine::trace::{self, EVENTS, Event};
use kernel_task::freezer::shown_state;
use kernel_task::{Task, table};

/// The events of each CPU, oldest first.
type Rings = Vec<Vec<Event>>;

/// What was kept. Nothing is allocated or freed under the lock.
static SNAPSHOT: SpinLock<Option<Arc<Rings>>> =
    SpinLock::with_rank(Rank::Device, None);

const HEAD: &str = "# task ID CPU user|kernel STATE NAME\n\
                    # event TIME_NS CPU NAME A B\n";

/// Makes the files.
///
/// # Errors
/// `ENOMEM`.
pub fn register_all() -> Result<(), Errno> {
    let trace = Attribute::read_only(|| Ok(text(&rings())));
    register("/sys/kernel/tracing/trace", trace.private())?;
    let snapshot = Attribute::new(show_snapshot, store_snapshot);
    register("/sys/kernel/tracing/snapshot", snapshot.private())
}

fn rings() -> Rings {
    (0..MAX_CPUS).map(|cpu| trace::last(cpu, EVENTS).collect()).collect()
}

fn show_snapshot() -> Result<String, Errno> {
    let kept = SNAPSHOT.lock().clone();
    Ok(kept.map_or_else(|| text(&Rings::new()), |rings| text(&rings)))
}

/// Keeps the events up to now; `0` forgets them.
fn store_snapshot(text: &[u8]) -> Result<(), Errno> {
    let new = match text.trim_ascii() {
        b"1" => Some(Arc::new(rings())),
        b"0" => None,
        _ => return Err(Errno::EINVAL),
    };
    let old = core::mem::replace(&mut *SNAPSHOT.lock(), new);
    drop(old);
    Ok(())
}

fn text(rings: &Rings) -> String {
    let mut text = String::from(HEAD);
    // Writing to a string does not fail.
    for task in table::all() {
        let _ = writeln!(text, "{}", TaskLine(&task));
    }
    for (cpu, events) in rings.iter().enumerate() {
        for event in events {
            let Event { time_ns, kind, a, b } = event;
            let name = kind.name();
            let _ = writeln!(text, "event {time_ns} {cpu} {name} {a} {b}");
        }
    }
    text
}

/// What a reader needs to tell tasks apart.
struct TaskLine<'a>(&'a Task);

impl core::fmt::Display for TaskLine<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let task = self.0;
        let kind = if task.is_user() { "user" } else { "kernel" };
        let (id, cpu) = (task.id(), task.cpu());
        let state = shown_state(task).letter();
        write!(f, "task {id} {cpu} {kind} {state} {}", task.name())
    }
}
