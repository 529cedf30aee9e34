//! What freezing a group costs, as its manager sees it: from the write of
//! `FROZEN` until a read gives it, the same for `THAWED`, and moving a task.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{O_RDWR, O_WRONLY};
use user_lib::{Errno, Message, Result, cpu, eprintln, file, system};

use crate::bench::freeze::crowd::{Crowd, Kind};
use crate::bench::measure::{each, is_wanted, middle, show, ticks};

const MOUNT: &str = "/tmp/bench-groups";
const ATTACH: &str = "attach";

const KINDS: [(&str, Kind, &[usize]); 4] = [
    ("sleep", Kind::Sleep, &[1, 10, 100, 1000, 5000]),
    ("pipe", Kind::Pipe, &[1, 10, 100, 1000, 5000]),
    ("spin", Kind::Spin, &[1, 4, 10, 100]),
    ("mix", Kind::Mix, &[1, 10, 100]),
];

const ROUNDS: usize = 5;
/// Moves of one task to and fro.
const MOVES: u64 = 100;

/// The names of all rows.
pub fn names() -> impl Iterator<Item = String> {
    let rows = KINDS.iter().flat_map(|(name, _, counts)| {
        counts.iter().map(move |count| format!("{name}_{count}"))
    });
    rows.chain([String::from(ATTACH)])
}

/// Measures and prints the rows asked for; gives the status.
pub fn run(wanted: &[String]) -> i32 {
    match mounted(|| run_all(wanted)) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("bench: group: {}", error.message());
            1
        }
    }
}

/// Does some work while groups can be made in [`MOUNT`].
fn mounted(work: impl FnOnce() -> Result<()>) -> Result<()> {
    file::make_directory(MOUNT, 0o755)?;
    let result = system::mount("none", MOUNT, "cgroup", 0, "freezer");
    let result = result.and_then(|()| {
        let result = work();
        system::unmount(MOUNT, 0)?;
        result
    });
    file::remove_directory(MOUNT)?;
    result
}

fn run_all(wanted: &[String]) -> Result<()> {
    for (name, kind, counts) in KINDS {
        for &count in counts {
            let row = format!("{name}_{count}");
            if is_wanted(wanted, &row) {
                freeze(&row, &Crowd::start(kind, count)?)?;
            }
        }
    }
    if is_wanted(wanted, ATTACH) {
        attach(&Crowd::start(Kind::Sleep, 1)?)?;
    }
    Ok(())
}

/// A group, removed when dropped.
struct Group(String);

impl Group {
    fn new(name: &str) -> Result<Self> {
        let path = format!("{MOUNT}/{name}");
        file::make_directory(&path, 0o755)?;
        Ok(Self(path))
    }

    fn open(&self, name: &str, flags: u32) -> Result<i32> {
        file::open(&format!("{}/{name}", self.0), flags, 0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its tasks go back first; one that has ended is in no group.
        let members = file::text(&format!("{}/tasks", self.0));
        let root = file::open(&format!("{MOUNT}/tasks"), O_WRONLY, 0);
        if let (Ok(members), Ok(root)) = (members, root) {
            for member in members.lines() {
                let _ = file::write(root, member.as_bytes());
            }
            let _ = file::close(root);
        }
        let _ = file::remove_directory(&self.0);
    }
}

/// Ticks from writing a state until it is read.
fn change(state: i32, word: &[u8]) -> Result<u64> {
    ticks(|| {
        file::write(state, word)?;
        let mut text = [0; 16];
        loop {
            let length = file::read_at(state, &mut text, 0)?;
            if text[..length].starts_with(word) {
                return Ok(());
            }
            cpu::relax();
        }
    })
}

fn freeze(row: &str, crowd: &Crowd) -> Result<()> {
    let group = Group::new(row)?;
    let tasks = group.open("tasks", O_WRONLY)?;
    for id in crowd.ids() {
        file::write(tasks, format!("{id}").as_bytes())?;
    }
    file::close(tasks)?;
    let state = group.open("freezer.state", O_RDWR)?;
    let (mut freezes, mut thaws) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        crowd.settle();
        freezes.push(each(change(state, b"FROZEN")?, 1));
        thaws.push(each(change(state, b"THAWED")?, 1));
    }
    file::close(state)?;
    show(&format!("group_{row}_freeze"), middle(freezes));
    show(&format!("group_{row}_thaw"), middle(thaws));
    Ok(())
}

fn attach(crowd: &Crowd) -> Result<()> {
    let groups = [Group::new("here")?, Group::new("there")?];
    let mut tasks = [0; 2];
    for (tasks, group) in tasks.iter_mut().zip(&groups) {
        *tasks = group.open("tasks", O_WRONLY)?;
    }
    let id = format!("{}", crowd.first().ok_or(Errno::ESRCH)?);
    let mut moves = Vec::new();
    for _ in 0..ROUNDS {
        let ticks = ticks(|| {
            for round in 0..MOVES as usize {
                file::write(tasks[round % 2], id.as_bytes())?;
            }
            Ok(())
        })?;
        moves.push(each(ticks, MOVES));
    }
    tasks.iter().try_for_each(|tasks| file::close(*tasks))?;
    show("group_attach", middle(moves));
    Ok(())
}
