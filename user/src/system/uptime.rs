//! `uptime`: prints how long the system has run, and its load.

use alloc::string::String;

use user_lib::{println, system};

use crate::option::fail;

/// Runs `uptime`.
pub fn main(_: &[String]) -> i32 {
    let figures = match system::figures() {
        Ok(figures) => figures,
        Err(error) => return fail("uptime", "sysinfo", error),
    };
    let up = figures.uptime;
    let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
    let [one, five, fifteen] = figures.loads.map(hundredths);
    println!(
        "up {hours}:{minutes:02}:{seconds:02}, load average: \
         {one}, {five}, {fifteen}"
    );
    0
}

/// A load, which the kernel gives times 65536, with two places.
fn hundredths(load: u64) -> String {
    let value = (load * 100) >> 16;
    alloc::format!("{}.{:02}", value / 100, value % 100)
}
