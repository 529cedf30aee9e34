//! `free`: prints memory in use, in KiB.

use alloc::string::String;

use user_lib::{println, system};

use user_lib::option::fail;

/// Runs `free`.
pub fn main(_: &[String]) -> i32 {
    let figures = match system::figures() {
        Ok(figures) => figures,
        Err(error) => return fail("free", "sysinfo", error),
    };
    let (total, free) = (figures.total / 1024, figures.free / 1024);
    println!("{:4}{:>12}{:>12}{:>12}", "", "total", "used", "free");
    println!("Mem:{total:12}{:12}{free:12}", total.saturating_sub(free));
    0
}
