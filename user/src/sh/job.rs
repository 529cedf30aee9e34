//! Jobs: children in the background or stopped. `wait.rs` waits for them.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{WNOHANG, WUNTRACED};
use user_lib::process::{self, WaitStatus};

/// How a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Its last process runs.
    Running,
    /// By this signal.
    Stopped,
    /// With this status.
    Done(i32),
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// What a person calls it by.
    pub number: u32,
    /// Its processes; the last one's status counts.
    pub pids: Vec<i32>,
    /// Its text.
    pub text: String,
    /// How it is.
    pub state: State,
}

impl Job {
    /// The process that `$!` names.
    pub fn leader(&self) -> i32 {
        self.pids.last().copied().unwrap_or(0)
    }

    fn note(&mut self, pid: i32, status: WaitStatus) {
        if status.stopped_by().is_some() {
            self.state = State::Stopped;
        } else if pid == self.leader() {
            self.state = State::Done(status.shell_status());
        }
    }
}

/// All jobs, in order of their numbers.
#[derive(Default)]
pub struct Jobs {
    list: Vec<Job>,
}

impl Jobs {
    /// Adds a job; gives its number.
    pub fn add(&mut self, pids: Vec<i32>, text: &str, state: State) -> u32 {
        let number = self.list.last().map_or(1, |job| job.number + 1);
        self.list.push(Job { number, pids, text: text.into(), state });
        number
    }

    /// All, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Job> {
        self.list.iter()
    }

    /// Looks for changes, without waiting.
    pub fn look(&mut self) {
        for job in &mut self.list {
            for pid in job.pids.clone() {
                if let Ok(Some((pid, status))) =
                    process::wait(pid, WNOHANG | WUNTRACED)
                {
                    job.note(pid, status);
                }
            }
        }
    }

    /// Takes out the jobs that are done.
    pub fn take_done(&mut self) -> Vec<Job> {
        let is_done = |job: &mut Job| matches!(job.state, State::Done(_));
        self.list.extract_if(.., is_done).collect()
    }

    /// Takes out one job.
    pub fn take(&mut self, number: u32) -> Option<Job> {
        let index = self.list.iter().position(|job| job.number == number)?;
        Some(self.list.remove(index))
    }

    /// Forgets all: a subshell has no children yet.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// The job a word names: `%2`, `%%`, `%+`, or a process; the last one
    /// without a word.
    pub fn find(&self, word: Option<&str>) -> Option<&Job> {
        let Some(word) = word else {
            return self.list.last();
        };
        match word.strip_prefix('%') {
            Some("" | "%" | "+") => self.list.last(),
            Some(number) => {
                let number = number.parse().ok()?;
                self.list.iter().find(|job| job.number == number)
            }
            None => {
                let pid = word.parse().ok()?;
                self.list.iter().find(|job| job.pids.contains(&pid))
            }
        }
    }
}
