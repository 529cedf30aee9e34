//! What a process runs: its program's name and where its strings are.

use core::ops::Range;

use crate::files::Location;

/// A program in memory.
#[derive(Clone, Default)]
pub struct Image {
    /// The program's file.
    pub program: Option<Location>,
    /// User addresses of the argument strings.
    pub arguments: Range<usize>,
    /// User addresses of the environment strings.
    pub environment: Range<usize>,
    /// First address of the program's code, and one past its last.
    pub code: Range<usize>,
    /// User address of the stack's first word at the start.
    pub stack_start: usize,
    /// Address of the page a handler without restorer returns to.
    pub trampoline: usize,
}
