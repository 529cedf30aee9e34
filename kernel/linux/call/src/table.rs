//! The table from numbers to functions.
//!
//! Each family of calls lists its own; this file only puts the lists into
//! one array, at compile time.

use super::call::{Handler, Numbered};
use super::{
    capability, clone, file, futex, identity, ipc, kcmp, memory, pidfd, prctl,
    process, ptrace, remote, sched, signal, system, time, timer,
};

const SIZE: usize = 512;

static TABLE: [Handler; SIZE] = build(&[
    process::CALLS,
    clone::CALLS,
    kcmp::CALLS,
    pidfd::CALLS,
    ptrace::CALLS,
    remote::CALLS,
    prctl::CALLS,
    identity::CALLS,
    capability::CALLS,
    memory::CALLS,
    memory::advice::CALLS,
    memory::lock::CALLS,
    signal::CALLS,
    time::CALLS,
    timer::CALLS,
    sched::CALLS,
    futex::CALLS,
    ipc::CALLS,
    ipc::posix::CALLS,
    system::CALLS,
    file::descriptor::CALLS,
    file::event::CALLS,
    file::extended::CALLS,
    file::extent::CALLS,
    file::lock::CALLS,
    file::socket::CALLS,
    file::splice::CALLS,
    file::directory::CALLS,
    file::inotify::CALLS,
    file::mount::CALLS,
    file::name::CALLS,
    file::poll::CALLS,
    file::status::CALLS,
    file::transfer::CALLS,
]);

const fn build(lists: &[&[Numbered]]) -> [Handler; SIZE] {
    let mut table = [Handler::Missing; SIZE];
    let mut list = 0;
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            let (number, handler) = lists[list][row];
            let is_free = matches!(table[number], Handler::Missing);
            assert!(is_free, "two functions for one number");
            table[number] = handler;
            row += 1;
        }
        list += 1;
    }
    table
}

/// What handles `number`.
#[inline(always)]
pub fn find(number: usize) -> Handler {
    if number < SIZE { TABLE[number] } else { Handler::Missing }
}
