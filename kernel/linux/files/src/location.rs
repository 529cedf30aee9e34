//! The ways up from a [`Location`], an inode as seen through a mount.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::path::{NAME_MAX, PATH_MAX};

use super::inode::{FIRST_ENTRY, FileType, Inode, InodeId};
use super::mount;

pub use super::inode::Location;

impl Location {
    /// The top of what is mounted here, if anything is.
    pub fn covered(self) -> Self {
        let mut here = self;
        while let Some(mount) = mount::find(&here) {
            here = mount.root();
        }
        here
    }

    /// The directory that this one is mounted on, as long as it is a mount's
    /// top and not `root`.
    fn uncovered(self, root: &Location) -> Self {
        let mut here = self;
        while here != *root && here.is_mount_root() {
            let Some(place) = here.mount.place().cloned() else { break };
            here = place;
        }
        here
    }

    /// Where `..` leads; never above `root`.
    pub fn parent(&self, root: &Location) -> Self {
        let here = self.clone().uncovered(root);
        if here == *root {
            return here;
        }
        match here.inode.parent() {
            Some(parent) => here.at(parent).covered(),
            None => here,
        }
    }

    /// Fails if something is mounted on `inode`, which stands in this
    /// directory.
    ///
    /// # Errors
    /// `EBUSY`.
    pub(super) fn check_not_covered(
        &self,
        inode: &Arc<dyn Inode>,
    ) -> Result<(), Errno> {
        if inode.kind() != FileType::Directory {
            return Ok(());
        }
        let place = self.at(inode.clone());
        match place.clone().covered() == place {
            true => Ok(()),
            false => Err(Errno::EBUSY),
        }
    }

    /// The absolute name below `root`.
    ///
    /// # Errors
    /// `ENOENT` if it has no name any more, `ENAMETOOLONG`.
    pub fn path(&self, root: &Location) -> Result<Vec<u8>, Errno> {
        if let Some(name) = self.inode.nameless() {
            return Ok(name.into_bytes());
        }
        self.names(root).map(|(path, _)| path)
    }

    /// The absolute name below `root`; of what does not lie below it, the name
    /// from the top, behind `(unreachable)` (`getcwd(2)`).
    ///
    /// # Errors
    /// As [`Location::path`].
    pub fn full_path(&self, root: &Location) -> Result<Vec<u8>, Errno> {
        let (mut path, is_below) = self.names(root)?;
        if !is_below {
            path.splice(..0, *b"(unreachable)");
        }
        Ok(path)
    }

    /// The names from `root`, or from the top, to here; whether it is below.
    fn names(&self, root: &Location) -> Result<(Vec<u8>, bool), Errno> {
        // Names come last one first, each reversed, and are turned at the
        // end: no quadratic copying.
        let mut reversed = Vec::new();
        let mut here = self.clone();
        loop {
            here = here.uncovered(root);
            let parent = here.inode.parent().ok_or(Errno::ENOENT)?;
            if here == *root || parent.id() == here.inode.id() {
                break;
            }
            let name = name_in(&*parent, here.inode.id())?;
            if reversed.len() + name.len() + 2 > PATH_MAX {
                return Err(Errno::ENAMETOOLONG);
            }
            reversed.extend(name.iter().rev());
            reversed.push(b'/');
            here = here.at(parent);
        }
        if reversed.is_empty() {
            reversed.push(b'/');
        }
        reversed.reverse();
        Ok((reversed, here == *root))
    }
}

/// The name of an inode in a directory. It is found under the directory's
/// lock, so it is copied to the stack.
pub(super) fn name_in(
    directory: &dyn Inode,
    id: InodeId,
) -> Result<Vec<u8>, Errno> {
    let (mut name, mut length) = ([0; NAME_MAX], None);
    directory.read_directory(FIRST_ENTRY, &mut |entry| {
        if entry.number == id.number
            && let Some(place) = name.get_mut(..entry.name.len())
        {
            place.copy_from_slice(entry.name);
            length = Some(place.len());
        }
        length.is_none()
    })?;
    length.map(|length| name[..length].to_vec()).ok_or(Errno::ENOENT)
}
