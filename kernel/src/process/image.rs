//! What a process runs: its program's name and where its strings are.

use alloc::sync::Arc;
use core::ops::Range;

/// A program in memory.
#[derive(Clone)]
pub struct Image {
    /// Path of the program's file.
    pub path: Arc<[u8]>,
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

impl Default for Image {
    /// No program.
    fn default() -> Self {
        Self {
            path: Arc::from([]),
            arguments: 0..0,
            environment: 0..0,
            code: 0..0,
            stack_start: 0,
            trampoline: 0,
        }
    }
}
