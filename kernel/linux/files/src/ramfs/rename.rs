//! Names move within the RAM file system.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::node::Node;
use crate::inode::Replace;

/// Moves a name, or exchanges two (Linux `rename(2)`). The caller holds the
/// file system's lock for changes. Gives what stood at the new name, which is to
/// end without that lock.
///
/// Between two directories the new name appears before the old one goes, so
/// a concurrent lookup finds at least one of them.
pub(super) fn rename(
    from: &Arc<Node>,
    name: &[u8],
    to: &Arc<Node>,
    new_name: &[u8],
    replace: Replace,
) -> Result<Option<Arc<Node>>, Errno> {
    let node = from.directory()?.get(name)?;
    let target = to.directory()?.get(new_name).ok();
    match (&target, replace) {
        (Some(_), Replace::No) => return Err(Errno::EEXIST),
        (None, Replace::Exchange) => return Err(Errno::ENOENT),
        (Some(target), _) if Arc::ptr_eq(target, &node) => return Ok(None),
        _ => {}
    }
    check_not_inside(&node, to)?;
    match &target {
        Some(target) if replace == Replace::Exchange => {
            check_not_inside(target, from)?;
            place(to, new_name, &node)?;
            place(from, name, target)?;
            moved(from, to, &node);
            moved(to, from, target);
        }
        Some(target) => {
            check_replaceable(&node, target)?;
            shift(from, name, to, new_name, &node)?;
            if target.is_directory() {
                to.names_changed(-1);
            }
            target.unlinked();
            moved(from, to, &node);
        }
        None => {
            to.directory()?.check_free(new_name)?;
            shift(from, name, to, new_name, &node)?;
            moved(from, to, &node);
        }
    }
    Ok(target)
}

/// A directory cannot move into itself or what is below it.
fn check_not_inside(node: &Arc<Node>, place: &Arc<Node>) -> Result<(), Errno> {
    let mut above = place.clone();
    loop {
        if Arc::ptr_eq(&above, node) {
            return Err(Errno::EINVAL);
        }
        match above.parent_node() {
            Some(parent) if !Arc::ptr_eq(&parent, &above) => above = parent,
            _ => return Ok(()),
        }
    }
}

fn check_replaceable(node: &Node, target: &Node) -> Result<(), Errno> {
    match (node.is_directory(), target.is_directory()) {
        (true, true) => target.directory()?.retire(),
        (true, false) => Err(Errno::ENOTDIR),
        (false, true) => Err(Errno::EISDIR),
        (false, false) => Ok(()),
    }
}

fn place(to: &Node, name: &[u8], node: &Arc<Node>) -> Result<(), Errno> {
    to.directory()?.insert(name, node.clone());
    Ok(())
}

fn shift(
    from: &Arc<Node>,
    name: &[u8],
    to: &Arc<Node>,
    new_name: &[u8],
    node: &Arc<Node>,
) -> Result<(), Errno> {
    if Arc::ptr_eq(from, to) {
        from.directory()?.rename(name, new_name, node.clone());
        return Ok(());
    }
    place(to, new_name, node)?;
    from.directory()?.remove(name);
    Ok(())
}

/// Notes in all three nodes that `node` moved.
fn moved(from: &Arc<Node>, to: &Arc<Node>, node: &Arc<Node>) {
    let is_directory = i32::from(node.is_directory());
    from.names_changed(-is_directory);
    to.names_changed(is_directory);
    node.linked(to, 0);
}
