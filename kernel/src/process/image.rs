//! What a process runs: its program's name and where its strings are.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// A program in memory.
#[derive(Clone, Default)]
pub struct Image {
    /// Path of the program's file.
    pub path: Arc<[u8]>,
    /// User addresses of the argument strings.
    pub arguments: Range<usize>,
    /// User addresses of the environment strings.
    pub environment: Range<usize>,
    /// User address of the auxiliary vector's copy, as bytes.
    pub auxiliary: Arc<Vec<u8>>,
    /// First address of the program's code, and one past its last.
    pub code: Range<usize>,
    /// User address of the stack's first word at the start.
    pub stack_start: usize,
    /// Address of the page a handler without restorer returns to.
    pub trampoline: usize,
}
