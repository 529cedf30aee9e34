//! What a program asks of a terminal.

use crate::Result;
use crate::linux::{__NR_ioctl, __NR_ppoll, pollfd, termios, winsize};
use crate::syscall::{call3, call5, plain};
use crate::time::Time;
use crate::{file, linux};

use linux_raw_sys::ioctl::{
    TCGETS, TCSETS, TIOCGPGRP, TIOCGWINSZ, TIOCSCTTY, TIOCSPGRP, TIOCSWINSZ,
};

/// Numbers of requests that only tests make.
pub mod request {
    pub use linux_raw_sys::ioctl::{
        TCFLSH, TCXONC, TIOCGPTN, TIOCPKT, TIOCSPTLCK,
    };
}

// SAFETY: integers only.
unsafe impl file::Plain for termios {}
// SAFETY: integers only.
unsafe impl file::Plain for winsize {}
// SAFETY: an integer.
unsafe impl file::Plain for i32 {}

/// `ioctl(2)` that gives a value.
fn get<T: file::Plain>(descriptor: i32, request: u32) -> Result<T> {
    file::filled(|place| {
        // SAFETY: the requests of this file write at most a `T`.
        unsafe {
            call3(__NR_ioctl, descriptor as usize, request as usize, place)
        }
    })
}

/// `ioctl(2)` that takes a value.
fn set<T: file::Plain>(descriptor: i32, request: u32, value: &T) -> Result<()> {
    let place = &raw const *value as usize;
    let (descriptor, request) = (descriptor as usize, request as usize);
    // SAFETY: the requests of this file read at most a `T`.
    unsafe { call3(__NR_ioctl, descriptor, request, place) }.map(drop)
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(descriptor: i32) -> bool {
    settings(descriptor).is_ok()
}

/// The terminal's settings.
///
/// # Errors
/// `ENOTTY`.
pub fn settings(descriptor: i32) -> Result<termios> {
    get(descriptor, TCGETS)
}

/// Sets the terminal's settings.
///
/// # Errors
/// `ENOTTY`.
pub fn set_settings(descriptor: i32, settings: &termios) -> Result<()> {
    set(descriptor, TCSETS, settings)
}

/// Rows and columns.
///
/// # Errors
/// `ENOTTY`.
pub fn size(descriptor: i32) -> Result<winsize> {
    get(descriptor, TIOCGWINSZ)
}

/// Tells the kernel rows and columns.
///
/// # Errors
/// `ENOTTY`.
pub fn set_size(descriptor: i32, rows: u16, columns: u16) -> Result<()> {
    let size =
        winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    set(descriptor, TIOCSWINSZ, &size)
}

/// The group that `^C` goes to.
///
/// # Errors
/// `ENOTTY` also when it is not this session's terminal.
pub fn foreground_group(descriptor: i32) -> Result<i32> {
    get(descriptor, TIOCGPGRP)
}

/// Gives the terminal to a group of this session.
///
/// # Errors
/// Those of `tcsetpgrp(3)`.
pub fn set_foreground_group(descriptor: i32, group: i32) -> Result<()> {
    set(descriptor, TIOCSPGRP, &group)
}

/// Makes the terminal the one of this session.
///
/// # Errors
/// Those of `TIOCSCTTY`.
pub fn make_controlling(descriptor: i32) -> Result<()> {
    let arguments = [descriptor as usize, TIOCSCTTY as usize, 0];
    plain(__NR_ioctl, arguments).map(drop)
}

/// Waits until one of the descriptors is ready, or the time is over; gives
/// how many are ready. Meanwhile exactly the signals of `mask`, if given, are
/// blocked.
///
/// # Errors
/// Those of `ppoll(2)`: `EINTR` after a signal handler.
pub fn poll(
    descriptors: &mut [linux::pollfd],
    timeout: Option<Time>,
    mask: Option<u64>,
) -> Result<usize> {
    // The call writes the rest of the time back, so it gets a copy.
    let mut timeout = timeout;
    let timeout = timeout.as_mut().map_or(0, |time| &raw mut *time as usize);
    let mask = mask.as_ref().map_or(0, |mask| &raw const *mask as usize);
    let (place, count) = (descriptors.as_mut_ptr() as usize, descriptors.len());
    let size = size_of::<u64>();
    // SAFETY: the kernel reads and writes `count` entries and the time, and
    // reads the mask.
    unsafe { call5(__NR_ppoll, place, count, timeout, mask, size) }
}

/// Waits until a descriptor has input, or its end, or the time is over; says
/// which. Meanwhile exactly the signals of `mask`, if given, are blocked.
///
/// # Errors
/// Those of [`poll`].
pub fn wait_for_input(
    descriptor: i32,
    timeout: Option<Time>,
    mask: Option<u64>,
) -> Result<bool> {
    let mut entries = [poll_entry(descriptor, linux::POLLIN)];
    Ok(poll(&mut entries, timeout, mask)? > 0)
}

/// An entry for [`poll`].
pub fn poll_entry(descriptor: i32, events: u32) -> pollfd {
    pollfd { fd: descriptor, events: events as i16, revents: 0 }
}
