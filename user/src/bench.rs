//! `bench`: measures what the kernel costs, one line for each figure:
//! `bench: NAME VALUE UNIT`. Times are medians of seven runs.
//!
//! It runs under Linux as it does under Firn, so the columns compare. Under
//! QEMU's `-icount` a waiting loop must execute `yield`, or another CPU waits
//! for its whole time slice; all loops here do. Read `measure.rs` first.

mod freeze;
mod group;
mod measure;
mod micro;
mod schedule;

use alloc::string::String;

use user_lib::println;

use user_lib::option::usage;

/// Runs `bench micro|freeze|group|schedule [NAME]...`; without a word, all but
/// the last.
pub fn main(arguments: &[String]) -> i32 {
    let names = arguments.get(2..).unwrap_or_default();
    match arguments.get(1).map(String::as_str) {
        None => micro::run(names) | freeze::run(names) | group::run(names),
        Some("micro") => micro::run(names),
        Some("freeze") => freeze::run(names),
        Some("group") => group::run(names),
        Some("schedule") => schedule::run(names),
        Some("--list") => list(),
        Some(micro::SINCE) => micro::tell_since(names),
        Some(_) => {
            usage("bench", "[micro|freeze|group|schedule [NAME]...] | --list")
        }
    }
}

fn list() -> i32 {
    for name in micro::names() {
        println!("micro {name}");
    }
    for name in freeze::names() {
        println!("freeze {name}");
    }
    for name in group::names() {
        println!("group {name}");
    }
    for name in schedule::names() {
        println!("schedule {name}");
    }
    0
}
