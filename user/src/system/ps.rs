//! `ps`: lists processes from `/proc`.

use alloc::string::String;

use user_lib::println;

use crate::system::process::{self, TICKS};
use user_lib::option::fail;

/// Runs `ps`; it takes and ignores the usual letters, since it shows all.
pub fn main(_: &[String]) -> i32 {
    let processes = match process::all() {
        Ok(processes) => processes,
        Err(error) => return fail("ps", "/proc", error),
    };
    println!("{:>5} {:>5} STAT   TIME COMMAND", "PID", "PPID");
    for process in processes {
        let seconds = process.ticks / TICKS;
        println!(
            "{:5} {:5} {:4} {:3}:{:02} {}",
            process.id,
            process.parent,
            process.state,
            seconds / 60,
            seconds % 60,
            process.command,
        );
    }
    0
}
