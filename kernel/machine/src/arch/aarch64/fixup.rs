//! Instructions that may fault: those that copy to and from user memory.
//!
//! Whoever writes such an instruction in assembly puts its address and a place
//! to go on at into the section `.fixup` (see `mm/user.s`).

use core::slice;

/// One line of the table, sorted by instruction.
#[repr(C)]
struct Fixup {
    instruction: usize,
    goes_on_at: usize,
}

unsafe extern "C" {
    #[link_name = "_fixup_start"]
    static FIXUP_START: [Fixup; 0];
    #[link_name = "_fixup_end"]
    static FIXUP_END: [Fixup; 0];
}

/// Where the kernel goes on if the instruction at `pc` faulted on a user
/// address and the page cannot be had. `None` if it is no user copy: a bug.
pub fn find(pc: usize) -> Option<usize> {
    let start = (&raw const FIXUP_START).cast::<Fixup>();
    let end = (&raw const FIXUP_END).addr();
    let count = (end - start.addr()) / size_of::<Fixup>();
    // SAFETY: the linker script puts the whole table between the symbols.
    let table = unsafe { slice::from_raw_parts(start, count) };
    let found = table.binary_search_by_key(&pc, |line| line.instruction);
    found.ok().map(|index| table[index].goes_on_at)
}
