//! The text of `/proc`, field by field as Linux 5.10 writes it.
//!
//! Real tools read these files, so each blank and tab matters. Every file is a
//! plain structure with a `render` method that appends its text. Read next:
//! [`task`] (`/proc/PID/stat`, `status`), [`memory`] (`maps`, `statm`,
//! `meminfo`), [`slab`] (`slabinfo`), [`system`] (the rest), [`load`] (the
//! load average).

pub mod load;
pub mod memory;
pub mod slab;
pub mod system;
pub mod task;

use alloc::vec::Vec;
use core::fmt;

/// Times in `/proc` are in ticks of 10 ms (Linux's `USER_HZ` is 100).
pub const NS_PER_TICK: u64 = 10_000_000;

/// Appends formatted text to bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends formatted text to a `Vec<u8>`.
macro_rules! text {
    ($out:expr, $($arguments:tt)*) => {{
        use core::fmt::Write;
        // Appending to a vector cannot fail.
        let _ = write!($crate::procfmt::Text($out), $($arguments)*);
    }};
}
use text;

/// Appends `bytes` with those in `special` as octal escapes, so that a line
/// can be split again.
fn escape(out: &mut Vec<u8>, bytes: &[u8], special: &[u8]) {
    for &byte in bytes {
        if special.contains(&byte) {
            text!(out, "\\{byte:03o}");
        } else {
            out.push(byte);
        }
    }
}

/// Appends a set of CPUs as ranges, such as `0-3,6`.
pub fn render_cpu_list(out: &mut Vec<u8>, mask: u64) {
    let has = |cpu: u32| cpu < 64 && mask >> cpu & 1 != 0;
    let mut separator = "";
    let mut cpu = 0;
    while cpu < 64 {
        if !has(cpu) {
            cpu += 1;
            continue;
        }
        let first = cpu;
        while has(cpu) {
            cpu += 1;
        }
        text!(out, "{separator}{first}");
        if cpu - first > 1 {
            text!(out, "-{}", cpu - 1);
        }
        separator = ",";
    }
}
