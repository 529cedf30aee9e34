//! Builtins about jobs.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use user_lib::println;

use crate::sh::job::State;
use crate::sh::state::{Flow, Shell};
use crate::system;

/// Status of `wait` when a signal came first.
const INTERRUPTED: i32 = 130;
/// Status of `wait` for a process that is no child.
const NO_CHILD: i32 = 127;

/// `jobs`.
pub fn list(shell: &mut Shell, _: &[String]) -> Result<i32, Flow> {
    shell.jobs.look();
    for job in shell.jobs.iter() {
        let state = match job.state {
            State::Running => "Running",
            State::Stopped => "Stopped",
            State::Done(_) => "Done",
        };
        println!("[{}] {state}  {}", job.number, job.text);
    }
    shell.jobs.take_done();
    Ok(0)
}

/// The number of the job a word names, or a complaint.
fn number(shell: &Shell, word: Option<&String>) -> Option<u32> {
    let job = shell.jobs.find(word.map(String::as_str));
    if job.is_none() {
        let word = word.map_or("current", String::as_str);
        shell.complain(&format!("{word}: no such job"));
    }
    job.map(|job| job.number)
}

/// `fg [JOB]`.
pub fn foreground(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let Some(number) = number(shell, words.get(1)) else {
        return Ok(1);
    };
    shell.continue_job(number, true)?;
    Ok(shell.status)
}

/// `bg [JOB]`.
pub fn background(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let Some(number) = number(shell, words.get(1)) else {
        return Ok(1);
    };
    shell.continue_job(number, false)?;
    Ok(0)
}

/// `wait [PID|JOB]...`: for these, or for all.
pub fn wait(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let numbers: Vec<Option<u32>> = if words.len() > 1 {
        let find = |word: &String| Some(shell.jobs.find(Some(word))?.number);
        words[1..].iter().map(find).collect()
    } else {
        shell.jobs.iter().map(|job| Some(job.number)).collect()
    };
    let mut status = 0;
    for number in numbers {
        let ended = match number {
            Some(number) => shell.wait_background(number),
            None => Some(NO_CHILD),
        };
        match ended {
            Some(ended) if words.len() > 1 => status = ended,
            Some(_) => {}
            None => {
                shell.status = INTERRUPTED;
                shell.run_traps()?;
                return Ok(INTERRUPTED);
            }
        }
    }
    Ok(status)
}

/// `kill`, which also knows jobs.
pub fn kill(shell: &mut Shell, words: &[String]) -> Result<i32, Flow> {
    let mut translated = Vec::new();
    for word in words {
        if !word.starts_with('%') {
            translated.push(word.clone());
            continue;
        }
        match shell.jobs.find(Some(word)) {
            // With job control a job is a group.
            Some(job) if shell.has_job_control => {
                let group = job.pids.first().copied().unwrap_or(0);
                translated.push(format!("-{group}"));
            }
            Some(job) => translated.push(job.leader().to_string()),
            None => {
                shell.complain(&format!("{word}: no such job"));
                return Ok(1);
            }
        }
    }
    Ok(system::kill::main(&translated))
}
