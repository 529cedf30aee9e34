//! What a process runs: its program's name and where its strings are.

use alloc::sync::Arc;
use core::ops::Range;

use kernel_files::Location;
use kernel_files::write_access::WriteAccess;

/// The file of a program, which nobody may write while somebody has this.
pub struct Executable {
    /// Where it lies.
    pub location: Location,
    /// Write access is denied to the program and to its dynamic linker.
    pub(super) _write_access: [Option<WriteAccess>; 2],
}

/// A program in memory.
#[derive(Clone, Default)]
pub struct Image {
    /// The program's file; `None` once the process is dead.
    pub program: Option<Arc<Executable>>,
    /// User addresses of the argument strings.
    pub arguments: Range<usize>,
    /// User addresses of the environment strings.
    pub environment: Range<usize>,
    /// User addresses of what it was told at its start.
    pub auxiliary: Range<usize>,
    /// First address of the program's code, and one past its last.
    pub code: Range<usize>,
    /// User address of the stack's first word at the start.
    pub stack_start: usize,
    /// Address of the page a handler without restorer returns to.
    pub sigreturn_page: usize,
}
