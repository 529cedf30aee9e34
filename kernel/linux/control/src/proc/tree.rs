//! The attributes of `/proc`: all that is not about one process.

use kernel_abi::Errno;

use kernel_files::attribute::{Attribute, Tree};
use kernel_files::mount;

/// What all of `/proc` stands on.
pub(super) struct Base {
    /// The number of the device that it seems to lie on.
    pub(super) device: u64,
    /// The attributes.
    pub(super) tree: Tree,
}

/// The one that there is.
pub(super) fn base() -> &'static Base {
    static BASE: spin::Once<Base> = spin::Once::new();
    BASE.call_once(|| {
        let device = mount::allocate_device();
        Base { device, tree: Tree::new(device) }
    })
}

/// Adds the file `path`, an absolute name that begins with `/proc`.
///
/// # Errors
/// `EEXIST` if the name is taken, `ENOTDIR` if part of the way is a file.
pub fn register(path: &str, attribute: Attribute) -> Result<(), Errno> {
    let path = path.strip_prefix("/proc/").ok_or(Errno::EINVAL)?;
    base().tree.add(path, attribute)
}
