//! The table from numbers to functions.
//!
//! Each family of calls lists its own; this file only puts the lists into
//! one array, at compile time.

use super::{FrameCall, SystemCall};
use super::{
    capability, file, futex, identity, memory, prctl, process, ptrace, remote,
    sched, signal, system, time, timer,
};

/// What stands behind a number.
#[derive(Clone, Copy)]
pub enum Entry {
    /// Nothing: `ENOSYS`.
    Missing,
    /// A function of the arguments.
    Plain(SystemCall),
    /// A function of the user's registers.
    WithFrame(FrameCall),
}

/// A number and what stands behind it.
pub type Row = (usize, Entry);

const SIZE: usize = 512;

static TABLE: [Entry; SIZE] = build(&[
    process::CALLS,
    ptrace::CALLS,
    remote::CALLS,
    prctl::CALLS,
    identity::CALLS,
    capability::CALLS,
    memory::CALLS,
    signal::CALLS,
    time::CALLS,
    timer::CALLS,
    sched::CALLS,
    futex::CALLS,
    system::CALLS,
    file::descriptor::CALLS,
    file::event::CALLS,
    file::extended::CALLS,
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

const fn build(lists: &[&[Row]]) -> [Entry; SIZE] {
    let mut table = [Entry::Missing; SIZE];
    let mut list = 0;
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            let (number, entry) = lists[list][row];
            let is_free = matches!(table[number], Entry::Missing);
            assert!(is_free, "two functions for one number");
            table[number] = entry;
            row += 1;
        }
        list += 1;
    }
    table
}

/// What stands behind `number`.
#[inline(always)]
pub fn find(number: usize) -> Entry {
    if number < SIZE { TABLE[number] } else { Entry::Missing }
}
