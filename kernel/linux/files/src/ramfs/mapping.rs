//! Who has mapped a file whose end was cut off: all memory is looked through.
//!
//! Only files that were mapped to be shared are looked for, when pages of
//! theirs go: that is rare, and a list of who maps what would cost each
//! mapping something.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::ptr;

use super::node::Node;
use kernel_machine::mm::{AddressSpace, Observed, PageSource};
use kernel_task::table;

/// Takes the pages of `node` away, from page `first` on, from whoever has
/// mapped them: the file has none there any more, so that nobody maps them
/// anew. In pieces, with no lock held between them.
pub(super) fn forget_pages(node: &Node, first: usize) {
    let file = ptr::from_ref(node).cast::<()>();
    let is_it =
        |source: &dyn PageSource| ptr::from_ref(source).cast::<()>() == file;
    for space in spaces().into_values() {
        space.forget_pages(first, is_it);
    }
}

/// All memories of user programs, each once.
fn spaces() -> BTreeMap<usize, Observed> {
    let spaces = table::all().into_iter().filter_map(|task| task.space());
    let by_address = |space: Arc<AddressSpace>| {
        (Arc::as_ptr(&space).addr(), Observed::from(space))
    };
    spaces.map(by_address).collect()
}
