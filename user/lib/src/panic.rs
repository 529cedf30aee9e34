//! What a panic does: one line on standard error, then status 101.

use core::fmt::Write;
use core::panic::PanicInfo;

use crate::output::Stderr;
use crate::process;

/// The exit status of a program that panicked, as Rust's `std` has it.
const STATUS: i32 = 101;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    // A failing write leaves nobody to tell.
    let _ = writeln!(Stderr, "{info}");
    process::exit(STATUS)
}
