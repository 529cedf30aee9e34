//! What `/proc` says about processes, for `ps` and `top`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{Result, directory, file};

/// Clock ticks in a second, as `/proc` counts times on every Linux.
pub const TICKS: u64 = 100;

/// In the refrigerator.
const PF_FROZEN: u64 = 0x1_0000;
/// Asleep where the freezer does not wake it.
const PF_FREEZER_SKIP: u64 = 0x4000_0000;

/// One process.
pub struct Process {
    /// Its number.
    pub id: u32,
    /// Its parent's number.
    pub parent: u32,
    /// What it does, as a letter.
    pub state: char,
    /// Whether it is frozen, in the refrigerator or where it sleeps. The
    /// parent of a `vfork` that waits for its child looks the same.
    pub is_frozen: bool,
    /// Time it has used, in ticks.
    pub ticks: u64,
    /// Its words, or its name in brackets.
    pub command: String,
}

/// All processes, by number.
///
/// # Errors
/// `/proc` cannot be read.
pub fn all() -> Result<Vec<Process>> {
    let entries = directory::entries("/proc")?;
    let mut ids: Vec<u32> =
        entries.iter().filter_map(|entry| entry.name.parse().ok()).collect();
    ids.sort_unstable();
    // A process that ended meanwhile is not shown.
    Ok(ids.into_iter().filter_map(inspect).collect())
}

/// Reads `/proc/PID/stat`: `id (name) state parent …`, where a name may hold
/// anything, so the last parenthesis ends it.
fn inspect(id: u32) -> Option<Process> {
    let text = file::text(&format!("/proc/{id}/stat")).ok()?;
    let (head, tail) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let state = fields.first()?.chars().next()?;
    let is_marked = number(6)? & (PF_FROZEN | PF_FREEZER_SKIP) != 0;
    Some(Process {
        id,
        parent: fields.get(1)?.parse().ok()?,
        state,
        is_frozen: state == 'D' && is_marked,
        ticks: number(11)? + number(12)?,
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
