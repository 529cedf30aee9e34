//! `top`: shows again and again which processes use the CPUs.
//!
//! A share is what a process has used since the last look, of one CPU. At a
//! terminal the screen is drawn again until `q`; `-b` prints one look after
//! the other, `-n` ends after so many, and `-d` is the time between them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::STDIN_FILENO;
use user_lib::time::{self, Time};
use user_lib::{Result, eprintln, output, print, println, system, terminal};
use user_prompt::key::Key;

use crate::keyboard::{Keyboard, Signals, Size, screen_size};
use crate::system::process::{self, Process, TICKS};
use crate::system::sleep::duration;
use crate::system::uptime;
use user_lib::option::{Options, USAGE, fail};

/// Time from the start to the first picture, which needs two looks.
const FIRST: Time = Time::from_millis(300);
const KEYS: i32 = STDIN_FILENO as i32;

/// Runs `top`.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "bd:n:") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let rounds = match options.number('n', u64::MAX) {
        Ok(rounds) => rounds,
        Err(status) => return status,
    };
    let Some(nanos) = duration(options.value('d').unwrap_or("2")) else {
        eprintln!("top: wrong time");
        return USAGE;
    };
    let pause = Time::from_nanos(nanos);
    let is_batch = options.has('b') || !terminal::is_terminal(1);
    let result = match is_batch {
        true => in_batch(rounds, pause),
        false => at_terminal(rounds, pause),
    };
    result.map_or_else(|error| fail("top", "/proc", error), |()| 0)
}

fn in_batch(rounds: u64, pause: Time) -> Result<()> {
    let mut meter = Meter::new()?;
    time::sleep(FIRST);
    for round in 0..rounds {
        if round > 0 {
            time::sleep(pause);
            println!();
        }
        for line in meter.look()? {
            println!("{line}");
        }
        output::flush()?;
    }
    Ok(())
}

fn at_terminal(rounds: u64, pause: Time) -> Result<()> {
    let mut keyboard = Keyboard::open(KEYS, Signals::Keys)?;
    let mut meter = Meter::new()?;
    let mut wait = FIRST;
    for _ in 0..rounds {
        if is_quit(keyboard.key(Some(wait))?) {
            break;
        }
        draw(&meter.look()?, screen_size(KEYS))?;
        wait = pause;
    }
    Ok(())
}

fn is_quit(key: Option<Key>) -> bool {
    matches!(key, Some(Key::Char('q') | Key::Control('c')))
}

/// Draws over what there is; the cursor stays below.
fn draw(lines: &[String], size: Size) -> Result<()> {
    print!("\x1b[H");
    for line in lines.iter().take(size.rows - 1) {
        let end = line.char_indices().nth(size.columns - 1);
        print!("{}\x1b[K\n", &line[..end.map_or(line.len(), |(at, _)| at)]);
    }
    print!("\x1b[J");
    output::flush()
}

/// The last look: what each process had used, and when it was.
struct Meter {
    used: BTreeMap<u32, u64>,
    at: Time,
}

impl Meter {
    fn new() -> Result<Self> {
        let used = process::all()?.iter().map(|p| (p.id, p.ticks)).collect();
        Ok(Self { used, at: time::monotonic() })
    }

    /// Looks again; gives the lines of the picture.
    fn look(&mut self) -> Result<Vec<String>> {
        let processes = process::all()?;
        let now = time::monotonic();
        let elapsed = (now - self.at).as_nanos().max(1) as u64;
        let mut rows: Vec<(u64, &Process)> = Vec::new();
        for process in &processes {
            let before = self.used.get(&process.id).copied().unwrap_or(0);
            let used = process.ticks.saturating_sub(before);
            let nanos = used * (1_000_000_000 / TICKS);
            rows.push((nanos * 1000 / elapsed, process));
        }
        rows.sort_by_key(|(share, process)| {
            (core::cmp::Reverse(*share), process.id)
        });
        let mut lines = head(&processes)?;
        lines.extend(rows.iter().map(|(share, process)| row(*share, process)));
        self.used = processes.iter().map(|p| (p.id, p.ticks)).collect();
        self.at = now;
        Ok(lines)
    }
}

/// The lines above the processes.
fn head(processes: &[Process]) -> Result<Vec<String>> {
    let figures = system::figures()?;
    let count = |is_it: fn(&Process) -> bool| {
        processes.iter().filter(|process| is_it(process)).count()
    };
    let frozen = count(|process| process.is_frozen);
    let stopped = count(|process| matches!(process.state, 'T' | 't'));
    let (total, free) = (figures.total / 1024, figures.free / 1024);
    let used = total.saturating_sub(free);
    Ok(Vec::from([
        format!("top: {}", uptime::line(&figures)),
        format!(
            "Tasks: {} total, {} running, {frozen} frozen, {stopped} \
             stopped, {} zombie",
            processes.len(),
            count(|process| process.state == 'R'),
            count(|process| process.state == 'Z'),
        ),
        format!("KiB Mem: {total} total, {used} used, {free} free"),
        String::new(),
        format!("{:>5} {:>5} STAT FREEZER  %CPU   TIME COMMAND", "PID", "PPID"),
    ]))
}

/// One process; its share in tenths of a percent.
fn row(share: u64, process: &Process) -> String {
    let seconds = process.ticks / TICKS;
    format!(
        "{:5} {:5} {:4} {:7} {:3}.{} {:3}:{:02} {}",
        process.id,
        process.parent,
        process.state,
        if process.is_frozen { "frozen" } else { "" },
        share / 10,
        share % 10,
        seconds / 60,
        seconds % 60,
        process.command,
    )
}
