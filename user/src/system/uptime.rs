//! `uptime`: prints how long the system has run, and its load.

use alloc::format;
use alloc::string::String;

use user_lib::system::{self, Figures};

use user_lib::option::fail;

/// Runs `uptime`.
pub fn main(_: &[String]) -> i32 {
    match system::figures() {
        Ok(figures) => {
            user_lib::println!("{}", line(&figures));
            0
        }
        Err(error) => fail("uptime", "sysinfo", error),
    }
}

/// Time and load, in one line.
pub fn line(figures: &Figures) -> String {
    let up = figures.uptime;
    let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
    let [one, five, fifteen] = figures.loads.map(hundredths);
    format!(
        "up {hours}:{minutes:02}:{seconds:02}, load average: \
         {one}, {five}, {fifteen}"
    )
}

/// A load, which the kernel gives times 65536, with two places.
fn hundredths(load: u64) -> String {
    let value = (load * 100) >> 16;
    format!("{}.{:02}", value / 100, value % 100)
}
