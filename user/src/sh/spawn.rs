//! Children of the shell: pipelines, subshells, the background.

use alloc::vec::Vec;

use user_lib::linux::{O_CLOEXEC, O_RDONLY, SIGINT, SIGQUIT};
use user_lib::process::{self, Fork};
use user_lib::signal::{self, Action};
use user_lib::{Message, file, output, terminal};

use crate::sh::ast::{Chain, Command};
use crate::sh::execute::is_plain;
use crate::sh::job::State;
use crate::sh::state::{Ran, Shell};

/// Where a child of the shell runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In front: it gets the terminal.
    Foreground,
    /// Behind.
    Background,
}

impl Shell {
    /// Runs something in a child and waits for it.
    ///
    /// # Errors
    /// As [`Shell::wait_foreground`].
    pub fn in_foreground(
        &mut self,
        text: &str,
        child: impl FnOnce(&mut Self) -> i32,
    ) -> Ran {
        match self.start(0, Place::Foreground, child) {
            Some(pid) => self.wait_foreground(Vec::from([pid]), text),
            None => Ok(()),
        }
    }

    /// Starts a child, in a group (0: of its own) if there is job control.
    /// `None`, with status and message, if that fails.
    fn start(
        &mut self,
        group: i32,
        place: Place,
        child: impl FnOnce(&mut Self) -> i32,
    ) -> Option<i32> {
        match process::fork() {
            Ok(Fork::Child) => {
                self.enter_group(0, group, place);
                self.become_subshell();
                process::exit(child(self))
            }
            Ok(Fork::Parent(pid)) => {
                self.enter_group(pid, group, place);
                Some(pid)
            }
            Err(error) => {
                self.complain(&alloc::format!("fork: {}", error.message()));
                self.status = 1;
                None
            }
        }
    }

    /// Puts a process into its group. Parent and child both do it, so that
    /// it is done whichever runs first; the second finds it done.
    fn enter_group(&self, pid: i32, group: i32, place: Place) {
        if !self.has_job_control {
            return;
        }
        let _ = process::set_group(pid, group);
        if place == Place::Foreground {
            let first = if group != 0 { group } else { pid };
            let own = process::current_id();
            let group = if first != 0 { first } else { own };
            let _ = terminal::set_foreground_group(0, group);
        }
    }

    /// Makes this process a subshell: no person, no jobs, default signals.
    pub fn become_subshell(&mut self) {
        self.reset_signals();
        self.is_interactive = false;
        self.has_job_control = false;
        self.jobs.clear();
        self.loops = 0;
    }

    /// Runs the commands of a pipeline at once.
    ///
    /// # Errors
    /// As [`Shell::wait_foreground`].
    pub fn run_pipe(&mut self, commands: &[Command]) -> Ran {
        let mut pids = Vec::new();
        let mut input = None;
        for (index, command) in commands.iter().enumerate() {
            let is_last = index + 1 == commands.len();
            let ends = if is_last { Ok(None) } else { open_pipe() };
            let (next, output) = match ends {
                Ok(ends) => ends.unzip(),
                Err(error) => {
                    self.complain(error.message());
                    break;
                }
            };
            let group = pids.first().copied().unwrap_or(0);
            let pid = self.start(group, Place::Foreground, |shell| {
                connect(input, 0);
                connect(output, 1);
                next.map(file::close);
                shell.run_alone(command)
            });
            input.map(file::close);
            output.map(file::close);
            input = next;
            pids.extend(pid);
        }
        input.map(file::close);
        self.wait_foreground(pids, "pipeline")
    }

    /// Runs one command as the last thing this process does.
    fn run_alone(&mut self, command: &Command) -> i32 {
        self.is_disposable = matches!(command, Command::Simple(_));
        // Wherever it says to go on, the process ends here.
        let _ = self.run_command(command);
        let _ = output::flush();
        self.status
    }

    /// Runs a chain in the background.
    pub fn start_background(&mut self, chain: &Chain, text: &str) {
        let has_job_control = self.has_job_control;
        let pid = self.start(0, Place::Background, |shell| {
            if !has_job_control {
                detach();
            }
            shell.is_disposable = is_plain(chain);
            // Wherever it says to go on, the process ends here.
            let _ = shell.run_joined(chain);
            let _ = output::flush();
            shell.status
        });
        let Some(pid) = pid else { return };
        self.last_background = Some(pid);
        self.status = 0;
        let number = self.jobs.add(Vec::from([pid]), text, State::Running);
        if self.is_interactive {
            user_lib::eprintln!("[{number}] {pid}");
        }
    }
}

fn open_pipe() -> user_lib::Result<Option<(i32, i32)>> {
    let [from, to] = file::pipe(O_CLOEXEC)?;
    Ok(Some((from, to)))
}

/// Moves one end of a pipe, if there is one, to a standard descriptor.
fn connect(end: Option<i32>, descriptor: i32) {
    if let Some(end) = end.filter(|end| *end != descriptor) {
        // Both are good numbers.
        let _ = file::duplicate(end, descriptor, 0);
        let _ = file::close(end);
    }
}

/// Keeps a background child of a script from `^C` and from its input.
fn detach() {
    for number in [SIGINT, SIGQUIT] {
        // These signals may be ignored.
        let _ = signal::set_action(number, Action::Ignore, 0, 0);
    }
    if let Ok(null) = file::open("/dev/null", O_RDONLY, 0) {
        connect(Some(null), 0);
    }
}
