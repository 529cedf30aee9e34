//! What freezing the whole system costs, with many processes of one kind.
//!
//! Each round writes `mem` to `/sys/power/state` at test level `freezer`, and
//! reads what the kernel measured from `/sys/power/freeze_stats`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::time::{self, Time};
use user_lib::{Errno, Message, Result, cpu, eprintln, file, memory, schedule};

use crate::bench::is_wanted;
use crate::bench::measure::{middle, show};
use crate::child::Child;

const TEST_LEVEL: &str = "/sys/power/pm_test";
const STATE: &str = "/sys/power/state";
const FIGURES: &str = "/sys/power/freeze_stats";
/// Seconds that a test stays frozen; 5 unless set.
const DELAY: &str = "/sys/module/suspend/parameters/pm_test_delay";

/// What a row shows, and the kernel's name for it.
const SHOWN: [(&str, &str); 3] =
    [("user", "user_us"), ("kernel", "kernel_us"), ("thaw", "thaw_us")];

const ROUNDS: usize = 5;
const BETWEEN_ROUNDS: Time = Time::from_millis(20);

/// What a child does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sleep,
    Pipe,
    Spin,
    /// One of eight spins, of the rest the odd ones sleep.
    Mix,
}

const KINDS: [(&str, Kind, &[usize]); 4] = [
    ("sleep", Kind::Sleep, &[1, 10, 100, 1000, 5000]),
    ("pipe", Kind::Pipe, &[1, 10, 100, 1000, 5000]),
    ("spin", Kind::Spin, &[1, 4, 10, 100]),
    ("mix", Kind::Mix, &[1, 10, 100]),
];

impl Kind {
    /// What the child of that index does.
    fn of(self, index: usize) -> Kind {
        match self {
            Kind::Mix if index.is_multiple_of(8) => Kind::Spin,
            Kind::Mix if index % 2 == 1 => Kind::Sleep,
            Kind::Mix => Kind::Pipe,
            kind => kind,
        }
    }

    /// Does it, for ever.
    fn run(self, pipe: i32) -> ! {
        loop {
            match self {
                Kind::Sleep | Kind::Mix => {
                    time::sleep(Time::from_millis(1 << 40))
                }
                // Its other end stays open and silent.
                Kind::Pipe => drop(file::read(pipe, &mut [0])),
                Kind::Spin => spin(),
            }
        }
    }
}

/// Some increments and a hint.
fn spin() {
    for round in 0..256 {
        black_box(round);
    }
    cpu::relax();
}

/// The names of all rows.
pub fn names() -> impl Iterator<Item = String> {
    KINDS.iter().flat_map(|(name, _, counts)| {
        counts.iter().map(move |count| format!("{name}_{count}"))
    })
}

/// Measures and prints the rows asked for; gives the status.
pub fn run(wanted: &[String]) -> i32 {
    let mut status = 0;
    for (name, kind, counts) in KINDS {
        for &count in counts {
            let row = format!("{name}_{count}");
            if !is_wanted(wanted, &row) {
                continue;
            }
            if let Err(error) = measure(&row, kind, count) {
                eprintln!("bench: freeze_{row}: {}", error.message());
                status = 1;
            }
        }
    }
    status
}

fn measure(row: &str, kind: Kind, count: usize) -> Result<()> {
    // Without this file the test stays frozen longer, and that is all.
    let _ = file::overwrite(DELAY, b"0");
    file::overwrite(TEST_LEVEL, b"freezer")?;
    let result = with_children(kind, count, || freeze_rounds(row));
    file::overwrite(TEST_LEVEL, b"none")?;
    result
}

fn freeze_rounds(row: &str) -> Result<()> {
    let mut columns = [const { Vec::new() }; SHOWN.len()];
    for _ in 0..ROUNDS {
        // Until what was thawed runs again, freezing it would cost nothing.
        time::sleep(BETWEEN_ROUNDS);
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

/// The value of a line `KEY: MICROSECONDS.FRACTION`, in picoseconds.
fn figure(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let value = line.trim_start_matches(':').trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let nanos: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some((whole.parse::<u64>().ok()? * 1000 + nanos) * 1000)
}

/// Does some work while there are children of a kind.
fn with_children(
    kind: Kind,
    count: usize,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let pipe = file::pipe(0)?;
    let ready = &memory::shared_words(1)?[0];
    let children = start(kind, count, pipe[0], ready);
    let result = children.and_then(|children| {
        wait_until_ready(ready, count);
        let result = work();
        drop(children);
        result
    });
    file::close(pipe[0])?;
    file::close(pipe[1])?;
    result
}

fn start(
    kind: Kind,
    count: usize,
    pipe: i32,
    ready: &'static AtomicU32,
) -> Result<Vec<Child>> {
    let mut children = Vec::new();
    for index in 0..count {
        children.push(Child::start(|| {
            ready.fetch_add(1, Ordering::Release);
            kind.of(index).run(pipe)
        })?);
    }
    Ok(children)
}

/// Waits until all children have started, and a while longer, so that those
/// that sleep are asleep.
fn wait_until_ready(ready: &AtomicU32, count: usize) {
    while ready.load(Ordering::Acquire) < count as u32 {
        cpu::relax();
        schedule::give_way();
    }
    time::sleep(Time::from_millis(20));
}
