//! Waiting for jobs, in the foreground and in the background.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{SIGCONT, SIGINT, WUNTRACED};
use user_lib::process::{self, WaitStatus};
use user_lib::{Errno, eprintln, terminal};

use crate::sh::job::State;
use crate::sh::signal;
use crate::sh::state::{Flow, Ran, Shell};

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
        self.keep_settings(last);
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

    /// A job that ended well may have changed the terminal's settings for
    /// good; one that was killed or stopped had no chance to set them back.
    fn keep_settings(&mut self, last: Option<WaitStatus>) {
        if !self.has_job_control {
            return;
        }
        match (self.settings, last.and_then(WaitStatus::exit_code)) {
            (Some(settings), None) => {
                // Without a terminal any more, nothing needs them.
                let _ = terminal::set_settings(0, &settings);
            }
            _ => self.settings = terminal::settings(0).ok(),
        }
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
        let _ = user_lib::signal::send(-group, SIGCONT);
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
            Err(Errno::EINTR) if !signal::has_arrived() => {}
            Err(Errno::EINTR) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}
