//! The last part of a name.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::path;

use crate::inode::Inode;
use crate::location::Location;

/// The last part of a name, and the directory in which it stands.
pub struct Last {
    /// The directory.
    pub directory: Location,
    /// The name in it.
    pub name: Part,
    /// True if slashes follow the name.
    pub must_be_directory: bool,
}

/// One part of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// `/` alone.
    Root,
    /// `.`
    Here,
    /// `..`
    Up,
    /// A name.
    Name(Vec<u8>),
}

impl Part {
    pub(super) fn of(last: path::Last<'_>) -> Result<Self, Errno> {
        match last {
            path::Last::Root => Ok(Part::Root),
            path::Last::Current => Ok(Part::Here),
            path::Last::Parent => Ok(Part::Up),
            path::Last::Name(name) => {
                path::check_name(name)?;
                Ok(Part::Name(name.to_vec()))
            }
        }
    }
}

impl Last {
    /// The inode of the name; `None` for `.`, `..` and `/`.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn find(&self) -> Result<Option<Arc<dyn Inode>>, Errno> {
        match &self.name {
            Part::Name(name) => self.directory.inode.lookup(name).map(Some),
            _ => Ok(None),
        }
    }

    /// Where `.`, `..` or `/` leads.
    pub fn special(&self, root: &Location) -> Location {
        match self.name {
            Part::Up => self.directory.parent(root),
            _ => self.directory.clone(),
        }
    }
}
