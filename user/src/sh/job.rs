//! Jobs: children in the background or stopped, and waiting for them.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{SIGCONT, SIGINT, WNOHANG, WUNTRACED};
use user_lib::process::{self, WaitStatus};
use user_lib::{Errno, eprintln, signal, terminal};

use crate::sh::state::{Flow, Ran, Shell};
use crate::sh::trap;

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

impl Shell {
    /// Waits in the foreground for the processes of a job; sets the status
    /// to the last one's. A job that stops becomes a background one.
    ///
    /// # Errors
    /// `Interrupt` if `^C` ended it and a person is there.
    pub fn wait_foreground(&mut self, pids: Vec<i32>, text: &str) -> Ran {
        let mut last = None;
        let mut is_stopped = false;
        for pid in &pids {
            last = wait_once(*pid);
            is_stopped |= last.is_some_and(|l| l.stopped_by().is_some());
        }
        self.take_terminal();
        self.status = last.map_or(127, WaitStatus::shell_status);
        if is_stopped {
            let number = self.jobs.add(pids, text, State::Stopped);
            eprintln!("\n[{number}] Stopped  {text}");
        }
        if self.is_interactive
            && last.and_then(WaitStatus::killed_by) == Some(SIGINT)
        {
            eprintln!("");
            return Err(Flow::Interrupt);
        }
        Ok(())
    }

    /// Takes the terminal back from a job.
    pub fn take_terminal(&self) {
        if self.has_job_control {
            // Without a terminal any more, nothing needs it.
            let _ = process::group(0)
                .and_then(|own| terminal::set_foreground_group(0, own));
        }
    }

    /// Waits for a job in the background to end; `None` if a signal came
    /// first.
    pub fn wait_background(&mut self, number: u32) -> Option<i32> {
        let job = self.jobs.find(Some(&alloc::format!("%{number}")))?.clone();
        let mut status = match job.state {
            State::Done(status) => status,
            _ => 127,
        };
        for pid in &job.pids {
            match wait_interruptibly(*pid) {
                Ok(Some(ended)) => status = ended.shell_status(),
                Ok(None) => return None,
                // Looked at before.
                Err(_) => {}
            }
        }
        self.jobs.take(number);
        Some(status)
    }

    /// Lets a stopped job go on, in the foreground or not.
    ///
    /// # Errors
    /// As [`Shell::wait_foreground`].
    pub fn continue_job(&mut self, number: u32, is_foreground: bool) -> Ran {
        let Some(mut job) = self.jobs.take(number) else {
            return Ok(());
        };
        let group = job.pids.first().copied().unwrap_or(0);
        if is_foreground && self.has_job_control {
            // A group that is gone needs no terminal.
            let _ = terminal::set_foreground_group(0, group);
        }
        // A job that is gone needs no signal.
        let _ = signal::send(-group, SIGCONT);
        eprintln!("{}", job.text);
        if is_foreground {
            return self.wait_foreground(job.pids, &job.text);
        }
        job.state = State::Running;
        self.jobs.add(job.pids, &job.text, State::Running);
        Ok(())
    }

    /// Tells a person which jobs are done.
    pub fn report_jobs(&mut self) {
        self.jobs.look();
        for job in self.jobs.take_done() {
            if let State::Done(status) = job.state {
                let word = if status == 0 { "Done" } else { "Exit" };
                let code = if status == 0 {
                    String::new()
                } else {
                    alloc::format!(" {status}")
                };
                eprintln!("[{}] {word}{code}  {}", job.number, job.text);
            }
        }
    }
}

/// Waits until a child ends or stops, whatever signals arrive.
fn wait_once(pid: i32) -> Option<WaitStatus> {
    loop {
        match process::wait(pid, WUNTRACED) {
            Ok(found) => return found.map(|(_, status)| status),
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}

/// Waits until a child ends; `None` if a signal for the shell came first.
fn wait_interruptibly(pid: i32) -> user_lib::Result<Option<WaitStatus>> {
    loop {
        match process::wait(pid, 0) {
            Ok(found) => return Ok(found.map(|(_, status)| status)),
            Err(Errno::EINTR) if !trap::has_arrived() => {}
            Err(Errno::EINTR) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}
