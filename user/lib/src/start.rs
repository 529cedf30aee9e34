//! From the kernel's first instruction to the program's `main`.
//!
//! At entry the stack holds, from the bottom: the count of arguments, the
//! arguments, a null, the environment, a null, the auxiliary vector in pairs
//! up to a zero key (Linux `fs/binfmt_elf.c`, `create_elf_tables`). That
//! place is remembered, and read when somebody asks.

use alloc::string::String;
use alloc::vec::Vec;
use core::arch::global_asm;
use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::{output, process};

global_asm!(include_str!("start.s"));

/// Address of the words the kernel left on the stack.
static STACK: AtomicUsize = AtomicUsize::new(0);

unsafe extern "Rust" {
    /// Made by [`crate::main!`].
    safe fn firn_user_main() -> i32;
}

/// Names the function that [`start`](crate::start) calls: it takes nothing
/// and gives the exit status.
#[macro_export]
macro_rules! main {
    ($function:path) => {
        // SAFETY: no other symbol of the program has this name.
        #[unsafe(no_mangle)]
        fn firn_user_main() -> i32 {
            $function()
        }
    };
}

/// Called by `start.s` with the initial stack pointer.
#[unsafe(no_mangle)]
extern "C" fn firn_user_start(stack: usize) -> ! {
    STACK.store(stack, Ordering::Relaxed);
    let status = firn_user_main();
    process::exit(output::finish(status))
}

fn word(index: usize) -> usize {
    let words = STACK.load(Ordering::Relaxed) as *const usize;
    // SAFETY: the callers below stay within the vectors, which end in a zero.
    let place = unsafe { words.add(index) };
    // SAFETY: the kernel filled these words, and nothing writes to them.
    unsafe { place.read() }
}

fn string(address: usize) -> String {
    // SAFETY: the vectors hold pointers to strings that end in a zero byte
    // and lie above the stack, where nothing writes.
    let text = unsafe { CStr::from_ptr(address as *const _) };
    String::from_utf8_lossy(text.to_bytes()).into_owned()
}

/// The strings of the vector that starts at word `index`.
fn strings(index: usize) -> Vec<String> {
    (index..).map(word).take_while(|&word| word != 0).map(string).collect()
}

/// The arguments; the first is the program's name.
pub fn arguments() -> Vec<String> {
    strings(1)
}

/// The environment, each entry `NAME=VALUE`.
pub fn environment() -> Vec<String> {
    strings(word(0) + 2)
}

/// The value of one environment variable.
pub fn variable(name: &str) -> Option<String> {
    environment().into_iter().find_map(|entry| {
        let (key, value) = entry.split_once('=')?;
        (key == name).then(|| String::from(value))
    })
}

/// The value that the auxiliary vector has for `key` (`AT_PAGESZ` …).
pub fn auxiliary(key: u32) -> Option<usize> {
    let environment = word(0) + 2;
    let end = (environment..).find(|&index| word(index) == 0)?;
    (end + 1..)
        .step_by(2)
        .map(|index| (word(index), word(index + 1)))
        .take_while(|&(found, _)| found != 0)
        .find_map(|(found, value)| (found == key as usize).then_some(value))
}
