//! `check`: tests of the system calls, each named after what it promises.
//!
//! Every test runs in a child process in a group of its own with a time-out,
//! so that none harms the next. They pass on Linux: what they promise is the
//! behaviour of its system calls; those of the freezer also look at files
//! that only Firn has. Only the image of the checked profile has this program.
//!
//! Read next: `tool.rs`, what the tests share; then any area, a file each.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod access;
mod advice;
mod capability;
mod claim;
mod clone;
mod cpu;
mod cpu_time;
mod descriptor;
mod edge;
mod execute;
mod feature;
mod file;
mod freezer;
mod futex;
mod group;
mod habit;
mod hole;
mod ipc;
mod latency;
mod limit;
mod long;
mod mapping;
mod memfd;
mod memory;
mod notify;
mod open;
mod order;
mod owner;
mod pair;
mod pidfd;
mod pipe;
mod policy;
mod process;
mod random;
mod record;
mod resource;
mod rights;
mod runner;
mod schedule;
mod share;
mod shell;
mod signal;
mod socket;
mod stop;
mod stranger;
mod stress;
mod terminal;
mod text;
mod time;
mod timer;
mod tmpfs;
mod tool;
mod trace;
mod traits;

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::option::USAGE;
use user_lib::{arguments, eprintln, println};

use crate::tool::Test;

user_lib::main!(run);

/// All areas.
const AREAS: &[(&str, &[Test])] = &[
    ("process", process::TESTS),
    ("pidfd", pidfd::TESTS),
    ("share", share::TESTS),
    ("capability", capability::TESTS),
    ("execute", execute::TESTS),
    ("stop", stop::TESTS),
    ("signal", signal::TESTS),
    ("pipe", pipe::TESTS),
    ("descriptor", descriptor::TESTS),
    ("file", file::TESTS),
    ("memory", memory::TESTS),
    ("time", time::TESTS),
    ("futex", futex::TESTS),
    ("schedule", schedule::TESTS),
    ("policy", policy::TESTS),
    ("edge", edge::TESTS),
    ("terminal", terminal::TESTS),
    ("pair", pair::TESTS),
    ("pair-flow", pair::flow::TESTS),
    ("shell", shell::TESTS),
    ("freezer-task", freezer::task::TESTS),
    ("freezer-signal", freezer::signal::TESTS),
    ("freezer-wait", freezer::wait::TESTS),
    ("freezer-power", freezer::power::TESTS),
    ("freezer-wakeup", freezer::wakeup::TESTS),
    ("trace-stop", trace::stop::TESTS),
    ("trace-register", trace::register::TESTS),
    ("trace-event", trace::event::TESTS),
    ("cpu", cpu::TESTS),
    ("group-tree", group::tree::TESTS),
    ("group-member", group::member::TESTS),
    ("group-signal", group::signal::TESTS),
    ("group-trace", group::trace::TESTS),
    ("group-wait", group::wait::TESTS),
    ("group-clock", group::clock::TESTS),
    ("group-interface", group::interface::TESTS),
    ("group-birth", group::birth::TESTS),
    ("group-removed", group::removed::TESTS),
    ("group-kind", group::kind::TESTS),
    ("group-release", group::release::TESTS),
    ("notify", notify::TESTS),
    ("claim", claim::TESTS),
    ("timer", timer::TESTS),
    ("cpu-time", cpu_time::TESTS),
    ("traits", traits::TESTS),
    ("habit", habit::TESTS),
    ("access", access::TESTS),
    ("rights", rights::TESTS),
    ("owner", owner::TESTS),
    ("stranger", stranger::TESTS),
    ("socket", socket::TESTS),
    ("memfd", memfd::TESTS),
    ("text", text::TESTS),
    ("tmpfs", tmpfs::TESTS),
    ("limit", limit::TESTS),
    ("resource", resource::TESTS),
    ("long", long::TESTS),
    ("latency", latency::TESTS),
    ("feature", feature::TESTS),
    ("advice", advice::TESTS),
    ("mapping", mapping::TESTS),
    ("open", open::TESTS),
    ("hole", hole::TESTS),
    ("order", order::TESTS),
    ("record", record::TESTS),
    ("ipc-semaphore", ipc::semaphore::TESTS),
    ("ipc-message", ipc::message::TESTS),
    ("ipc-segment", ipc::segment::TESTS),
    ("ipc-queue", ipc::queue::TESTS),
    ("ipc-freeze", ipc::freeze::TESTS),
    ("ipc-latency", ipc::latency::TESTS),
];

/// Runs `check [--list | --random CALLS [SEED] | --stress [NAME [COUNT]] |
/// [--exact] AREA|NAME...]`; without a word, all tests. With `--exact` what
/// depends on time must be right at the first try: on a machine that counts
/// time in instructions.
fn run() -> i32 {
    let arguments = arguments();
    let mut words = arguments.get(1..).unwrap_or_default();
    if words.first().is_some_and(|word| word == "--exact") {
        tool::be_exact();
        words = &words[1..];
    }
    match words.first().map(String::as_str) {
        Some("--help") => help(),
        Some("--list") => list(),
        Some("--random") => random::main(&words[1..]),
        Some("--stress") => stress::main(&words[1..]),
        _ => match words.iter().find(|word| !is_known(word)) {
            None => runner::run(&select(words)),
            Some(word) => {
                eprintln!("check: no test or area {word}; see check --list");
                USAGE
            }
        },
    }
}

fn help() -> i32 {
    println!("check [AREA|NAME]...: tests the system calls");
    0
}

fn list() -> i32 {
    for &(area, tests) in AREAS {
        for test in tests {
            println!("{area} {}", test.name);
        }
    }
    0
}

fn is_known(word: &str) -> bool {
    let is_it = |test: &Test| test.name == word;
    AREAS.iter().any(|(area, tests)| *area == word || tests.iter().any(is_it))
}

/// The tests that the words name, by area or by name.
fn select(words: &[String]) -> Vec<&'static Test> {
    let is_named = |name: &str| words.iter().any(|word| word == name);
    let mut selected = Vec::new();
    for &(area, tests) in AREAS {
        let all = words.is_empty() || is_named(area);
        selected.extend(tests.iter().filter(|test| all || is_named(test.name)));
    }
    selected
}
