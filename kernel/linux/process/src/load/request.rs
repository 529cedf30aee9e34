//! What is to run.

use alloc::vec::Vec;

use kernel_files::Location;

/// What to run, with copies of all strings.
pub(crate) struct Request {
    /// Path of the file.
    pub path: Vec<u8>,
    /// The file itself, where the path alone does not lead to it.
    pub found: Option<Found>,
    /// `argv`.
    pub arguments: Vec<Vec<u8>>,
    /// `envp`.
    pub environment: Vec<Vec<u8>>,
    /// Most bytes of strings and pointers.
    pub room: usize,
}

/// A file that `execveat` names by a descriptor.
pub(crate) struct Found {
    /// Where it lies.
    pub location: Location,
    /// The interpreter of a script finds nothing by its path.
    pub is_hidden: bool,
}
