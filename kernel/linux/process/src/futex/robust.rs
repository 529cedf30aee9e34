//! Robust futexes: what a thread that ends holds goes to who waits for it
//! (`set_robust_list(2)`).

use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::system::RobustListHead;

use super::wake_one_at;
use crate::CurrentThread;
use kernel_machine::mm::user;

/// Bit of a robust futex: somebody waits.
const WAITERS: u32 = 0x8000_0000;
/// Bit of a robust futex: its owner died.
const OWNER_DIED: u32 = 0x4000_0000;
/// The owner's number in a robust futex.
const OWNER: u32 = 0x3fff_ffff;
/// How many entries of a list are followed.
const LIST_LIMIT: usize = 2048;

/// Marks every futex that the ending thread holds, and wakes a waiter of
/// each (`set_robust_list(2)`).
pub fn release_robust_list(thread: &CurrentThread) {
    let head = thread.robust_list.swap(0, Relaxed) as usize;
    if head != 0 {
        // A list that cannot be read ends there.
        let _ = walk_robust_list(thread, head);
    }
}

fn walk_robust_list(thread: &CurrentThread, head: usize) -> Result<(), Errno> {
    let list: RobustListHead = user::read_value(head)?;
    let word_of = |entry: u64| {
        (entry & !1).wrapping_add_signed(list.futex_offset) as usize
    };
    let mut entry = list.list;
    for _ in 0..LIST_LIMIT {
        if (entry & !1) as usize == head {
            break;
        }
        let next: u64 = user::read_value((entry & !1) as usize)?;
        if entry != list.pending {
            release_robust(thread, word_of(entry), false)?;
        }
        entry = next;
    }
    if list.pending != 0 {
        release_robust(thread, word_of(list.pending), true)?;
    }
    Ok(())
}

/// A `pending` futex is one that the thread was about to take or to give up.
/// It may be free already, with those that wait for it not yet woken.
fn release_robust(
    thread: &CurrentThread,
    word: usize,
    is_pending: bool,
) -> Result<(), Errno> {
    if !word.is_multiple_of(4) {
        return Err(Errno::EFAULT);
    }
    loop {
        let value = user::load_word(word)?;
        if is_pending && value & OWNER == 0 {
            wake_one_at(&thread.space()?, word);
            return Ok(());
        }
        if value & OWNER != thread.id() {
            return Ok(());
        }
        let new = value & WAITERS | OWNER_DIED;
        if user::compare_exchange_word(word, value, new)? == value {
            if value & WAITERS != 0 {
                wake_one_at(&thread.space()?, word);
            }
            return Ok(());
        }
    }
}
