//! `ps`: lists processes from `/proc`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{directory, file, println};

use crate::option::fail;

/// Clock ticks in a second, as `/proc` counts times on every Linux.
const TICKS: u64 = 100;

/// What is shown of a process.
struct Process {
    id: u32,
    parent: u32,
    state: char,
    seconds: u64,
    command: String,
}

/// Runs `ps`; it takes and ignores the usual letters, since it shows all.
pub fn main(_: &[String]) -> i32 {
    let entries = match directory::entries("/proc") {
        Ok(entries) => entries,
        Err(error) => return fail("ps", "/proc", error),
    };
    let mut ids: Vec<u32> =
        entries.iter().filter_map(|entry| entry.name.parse().ok()).collect();
    ids.sort_unstable();
    println!("{:>5} {:>5} STAT   TIME COMMAND", "PID", "PPID");
    // A process that ended meanwhile is not shown.
    for process in ids.into_iter().filter_map(inspect) {
        println!(
            "{:5} {:5} {:4} {:3}:{:02} {}",
            process.id,
            process.parent,
            process.state,
            process.seconds / 60,
            process.seconds % 60,
            process.command,
        );
    }
    0
}

/// Reads `/proc/PID/stat`: `id (name) state parent …`, where a name may hold
/// anything, so the last parenthesis ends it.
fn inspect(id: u32) -> Option<Process> {
    let text = file::text(&format!("/proc/{id}/stat")).ok()?;
    let (head, tail) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Process {
        id,
        parent: fields.get(1)?.parse().ok()?,
        state: fields.first()?.chars().next()?,
        seconds: (number(11)? + number(12)?) / TICKS,
        command: command(id, name),
    })
}

/// The words of the command line, or the name in brackets where there are
/// none: kernel threads and zombies.
fn command(id: u32, name: &str) -> String {
    let line = file::text(&format!("/proc/{id}/cmdline")).unwrap_or_default();
    let line = line.trim_end_matches('\0');
    if line.is_empty() {
        return format!("[{name}]");
    }
    line.replace('\0', " ")
}
