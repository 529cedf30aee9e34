//! Where a walk must not go (`openat2(2)`, `RESOLVE_*`).

use bitflags::bitflags;
use kernel_abi::Errno;

use crate::location::Location;

bitflags! {
    /// What bounds a walk.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Bounds: u32 {
        /// It stays in one mount.
        const ONE_MOUNT = 1;
        /// It follows no link that is no name, as those of `/proc`.
        const NO_MAGIC = 2;
        /// It follows no symbolic link.
        const NO_LINKS = 4;
        /// It fails where it would leave the directory it starts from.
        const BENEATH = 8;
        /// That directory is its root.
        const IN_ROOT = 16;
    }
}

impl Bounds {
    const INSIDE: Self = Self::BENEATH.union(Self::IN_ROOT);

    /// It must not leave the directory it starts from.
    pub(super) fn is_inside(self) -> bool {
        self.intersects(Self::INSIDE)
    }

    /// Fails unless it may go from one place to another, in another mount
    /// perhaps.
    ///
    /// # Errors
    /// `EXDEV`.
    pub(super) fn check_move(
        self,
        from: &Location,
        to: &Location,
    ) -> Result<(), Errno> {
        let leaves = from.mount.id() != to.mount.id();
        match leaves && self.contains(Bounds::ONE_MOUNT) {
            true => Err(Errno::EXDEV),
            false => Ok(()),
        }
    }

    /// Fails where it must not leave the directory it starts from, and would.
    ///
    /// # Errors
    /// `EXDEV`.
    pub(super) fn check_leave(self) -> Result<(), Errno> {
        match self.contains(Bounds::BENEATH) {
            true => Err(Errno::EXDEV),
            false => Ok(()),
        }
    }

    /// Fails unless it may follow a link, which is a name or, `is_magic`,
    /// leads straight to a place.
    ///
    /// # Errors
    /// `ELOOP`; `EXDEV` for one that may lead out.
    pub(super) fn check_link(self, is_magic: bool) -> Result<(), Errno> {
        let refused = match is_magic {
            true => Bounds::NO_LINKS | Bounds::NO_MAGIC,
            false => Bounds::NO_LINKS,
        };
        if self.intersects(refused) {
            return Err(Errno::ELOOP);
        }
        match is_magic && self.is_inside() {
            true => Err(Errno::EXDEV),
            false => Ok(()),
        }
    }
}
