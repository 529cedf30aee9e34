//! What freezing the whole system costs, with many processes of one kind.
//!
//! Each round writes `mem` to `/sys/power/state` at test level `freezer`, and
//! reads what the kernel measured from `/sys/power/freeze_stats`. The time of
//! a thaw is that without the lines it prints. Read `freeze/crowd.rs` next.

pub mod crowd;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{Errno, Message, Result, eprintln, file, schedule};

use crate::bench::measure::{is_wanted, middle, show};
use crowd::{Crowd, Kind};

const TEST_LEVEL: &str = "/sys/power/pm_test";
const STATE: &str = "/sys/power/state";
const FIGURES: &str = "/sys/power/freeze_stats";
/// The kernel's event ring.
const TRACE: &str = "/sys/kernel/tracing/trace";
/// Seconds that a test stays frozen; 5 unless set.
const DELAY: &str = "/sys/module/suspend/parameters/pm_test_delay";

/// What a row shows, and the kernel's name for it.
const SHOWN: [(&str, &str); 3] =
    [("user", "user_us"), ("kernel", "kernel_us"), ("thaw", "thaw_us")];

const ROUNDS: usize = 5;
/// With more spinners than this there is one round: before another, each of
/// them would have to get its share of time, which takes seconds.
const SPINNERS_MAX: u32 = 100;

const COUNTS: [usize; 5] = [1, 10, 100, 1000, 5000];

const KINDS: [(&str, Kind, &[usize]); 4] = [
    ("sleep", Kind::Sleep, &COUNTS),
    ("pipe", Kind::Pipe, &COUNTS),
    ("spin", Kind::Spin, &[1, 4, 10, 100, 1000, 5000]),
    ("mix", Kind::Mix, &COUNTS),
];

/// From the interrupt that a freeze sends to a spinning process, to that
/// process in the refrigerator.
const KICK: &str = "kick_to_refrigerator";

/// The names of all rows.
pub fn names() -> impl Iterator<Item = String> {
    let rows = KINDS.iter().flat_map(|(name, _, counts)| {
        counts.iter().map(move |count| format!("{name}_{count}"))
    });
    core::iter::once(String::from(KICK)).chain(rows)
}

/// Measures and prints the rows asked for; gives the status.
pub fn run(wanted: &[String]) -> i32 {
    let mut status = 0;
    let mut note = |row: &str, result: Result<()>| {
        if let Err(error) = result {
            eprintln!("bench: freeze_{row}: {}", error.message());
            status = 1;
        }
    };
    if is_wanted(wanted, KICK) {
        note(KICK, with_crowd(Kind::Spin, 1, kick_rounds));
    }
    for (name, kind, counts) in KINDS {
        for &count in counts {
            let row = format!("{name}_{count}");
            if is_wanted(wanted, &row) {
                let measure = |crowd: &Crowd| freeze_rounds(crowd, &row);
                note(&row, with_crowd(kind, count, measure));
            }
        }
    }
    status
}

/// Measures something while there are processes of a kind.
fn with_crowd(
    kind: Kind,
    count: usize,
    measure: impl FnOnce(&Crowd) -> Result<()>,
) -> Result<()> {
    // Without this file the test stays frozen longer, and that is all.
    let _ = file::overwrite(DELAY, b"0");
    file::overwrite(TEST_LEVEL, b"freezer")?;
    let result = Crowd::start(kind, count).and_then(|crowd| measure(&crowd));
    file::overwrite(TEST_LEVEL, b"none")?;
    result
}

fn freeze_rounds(crowd: &Crowd, row: &str) -> Result<()> {
    let mut columns = [const { Vec::new() }; SHOWN.len()];
    let rounds = if crowd.spinners() > SPINNERS_MAX { 1 } else { ROUNDS };
    for _ in 0..rounds {
        crowd.settle();
        file::overwrite(STATE, b"mem")?;
        let figures = file::text(FIGURES)?;
        for (column, (_, key)) in columns.iter_mut().zip(SHOWN) {
            column.push(figure(&figures, key).ok_or(Errno::ENXIO)?);
        }
    }
    for (column, (name, _)) in columns.into_iter().zip(SHOWN) {
        show(&format!("freeze_{row}_{name}"), middle(column));
    }
    Ok(())
}

/// The value of a line `KEY MICROSECONDS.FRACTION`, in picoseconds.
fn figure(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let value = line.trim_start_matches(':').trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let nanos: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some((whole.parse::<u64>().ok()? * 1000 + nanos) * 1000)
}

fn kick_rounds(crowd: &Crowd) -> Result<()> {
    let spinner = crowd.first().ok_or(Errno::ESRCH)?;
    let own = schedule::affinity(0)?;
    // Never on our own CPU, where no interrupt would be needed.
    schedule::set_affinity(0, 1)?;
    let result = schedule::set_affinity(spinner, own & !1)
        .and_then(|()| (0..ROUNDS).map(|_| kick(crowd, spinner)).collect());
    schedule::set_affinity(0, own)?;
    show(KICK, middle(result?));
    Ok(())
}

/// One freeze; picoseconds from the interrupt to the refrigerator.
fn kick(crowd: &Crowd, spinner: i32) -> Result<u64> {
    crowd.settle();
    file::overwrite(STATE, b"mem")?;
    let trace = file::text(TRACE)?;
    let sent = last_event(&trace, "ipi", spinner).ok_or(Errno::ENXIO)?;
    let entered = last_event(&trace, "refrigerator_enter", spinner);
    let nanos = entered.and_then(|entered| entered.checked_sub(sent));
    nanos.map(|nanos| nanos * 1000).ok_or(Errno::ENXIO)
}

/// When something last happened to a task, from the line
/// `event TIME_NS CPU NAME TASK DETAIL`.
fn last_event(trace: &str, name: &str, task: i32) -> Option<u64> {
    let task = format!("{task}");
    let time = |line: &str| -> Option<u64> {
        let mut words = line.strip_prefix("event ")?.split(' ');
        let (time, _cpu) = (words.next()?, words.next()?);
        let is_it = words.next()? == name && words.next()? == task;
        time.parse().ok().filter(|_| is_it)
    };
    trace.lines().filter_map(time).max()
}
