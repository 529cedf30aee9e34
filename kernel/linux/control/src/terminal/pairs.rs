//! Which pairs there are: making one, finding it by its number, its end.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::signal::{SIGCONT, SIGHUP};
use kernel_abi::terminal::{B38400, CREAD, CS8, Termios, Winsize};

use super::pair::{Pair, number_of};
use super::state::{CONSOLE, Job, Port, Terminal};
use kernel_machine::sync::{Rank, SpinLock, copy_out};
use kernel_process::signal::send;
use kernel_process::tree;

/// Most pairs (`/proc/sys/kernel/pty/max` of Linux).
const MOST: u32 = 4096;
/// All pairs whose master is open.
static PAIRS: SpinLock<BTreeMap<u32, Arc<Terminal>>> =
    SpinLock::with_rank(Rank::Process, BTreeMap::new());

/// What a fresh pair has: as a console's, at the speed that Linux tells.
fn usual() -> Termios {
    Termios { cflag: B38400 | CS8 | CREAD, ..Termios::default() }
}

/// Makes a pair with the lowest free number, for the running process's user.
///
/// # Errors
/// `ENOSPC` if there are as many as may be; `ENOMEM`.
pub(super) fn make(
    permissions: u32,
    group: Option<u32>,
) -> Result<Arc<Terminal>, Errno> {
    loop {
        let index = free_index().ok_or(Errno::ENOSPC)?;
        let pair = Pair::new(index, permissions, group)?;
        let number = number_of(index);
        let window = Winsize::default();
        let port = Port::Pair(Box::new(pair));
        let made = Arc::new(Terminal::new(number, port, window, usual())?);
        let mut pairs = PAIRS.lock();
        // Somebody may have taken the number meanwhile.
        if let Entry::Vacant(place) = pairs.entry(index) {
            place.insert(made.clone());
            return Ok(made);
        }
    }
}

fn free_index() -> Option<u32> {
    let pairs = PAIRS.lock();
    let taken = pairs.keys().zip(0..).take_while(|(index, at)| *index == at);
    let free = taken.count() as u32;
    (free < MOST).then_some(free)
}

/// The pair with this number.
pub(super) fn find(index: u32) -> Option<Arc<Terminal>> {
    PAIRS.lock().get(&index).cloned()
}

/// All terminals: pairs, and the console.
pub(super) fn all_terminals() -> Vec<Arc<Terminal>> {
    let mut all = all();
    all.extend(CONSOLE.get().cloned());
    all
}

/// All pairs.
pub(super) fn all() -> Vec<Arc<Terminal>> {
    copy_out(|all| {
        let pairs = PAIRS.lock();
        if pairs.len() <= all.capacity() {
            all.extend(pairs.values().cloned());
        }
        pairs.len()
    })
}

/// Sessions whose terminal was hung up, and who used it in the foreground:
/// told when the leader ends.
static LOST: SpinLock<Vec<Job>> =
    SpinLock::with_rank(Rank::Process, Vec::new());

/// The leader of a session has ended, or has another terminal: who used the
/// last one in the foreground, if that was hung up.
pub(super) fn take_lost(session: u32) -> Option<u32> {
    let mut lost = LOST.lock();
    let place = lost.iter().position(|it| it.session == session)?;
    Some(lost.swap_remove(place).foreground)
}

/// Remembers who used a terminal that is hung up.
fn note_lost(job: Job) {
    let mut lost = LOST.lock();
    lost.retain(|it| it.session != job.session);
    // Without memory its group is not told.
    if lost.try_reserve(1).is_ok() {
        lost.push(job);
    }
}

impl Terminal {
    /// The master is closed: the terminal is nobody's any more, and the leader
    /// of its session is told. Its end tells who used it in the foreground.
    pub(super) fn hang_up(&self) {
        let Some(pair) = self.pair() else { return };
        pair.hang_up();
        let gone = PAIRS.lock().remove(&pair.index);
        drop(gone);
        // A leader that ends meanwhile finds the one or the other.
        let before = *self.job.lock();
        if before.session != 0 {
            note_lost(before);
        }
        let job = core::mem::take(&mut *self.job.lock());
        if job.session == 0 {
            take_lost(before.session);
        }
        self.readable.wake_all();
        self.flowing.wake_all();
        if let Some(leader) = tree::find(job.session) {
            send::from_kernel(&leader, SIGHUP);
            send::from_kernel(&leader, SIGCONT);
        }
    }
}
