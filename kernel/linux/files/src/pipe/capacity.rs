//! How much a pipe may hold.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::capability::Capability;

use super::ring::CAPACITY;
use crate::permission;
use crate::user_quota::{Account, Kind, limit};

const PAGE: usize = 4096;
/// Bytes of the smallest pipe.
const LEAST: usize = PAGE;
/// No pipe is larger, whoever asks.
const LARGEST: usize = 1 << 31;

/// Bytes of a new pipe of a user that has too much in pipes already.
const FEW: usize = 2 * PAGE;

/// More pages than this all pipes of a user do not get in any case; 0 for any
/// number (`/proc/sys/fs/pipe-user-pages-hard`).
static HARD: AtomicUsize = AtomicUsize::new(0);

/// The limit that a user's pipes never exceed, pages; 0 for none.
pub fn hard_limit() -> usize {
    HARD.load(Relaxed)
}

/// Sets [`hard_limit`].
pub fn set_hard_limit(pages: usize) {
    HARD.store(pages, Relaxed);
}

/// Whether no limit of a user holds for the running process.
fn may_all() -> bool {
    permission::has_any(Capability::SYS_RESOURCE | Capability::SYS_ADMIN)
}

/// Whether its pipes may be larger than [`most`] allows.
fn may_be_large() -> bool {
    permission::has_any(Capability::SYS_RESOURCE)
}

/// True if a user whose pipes may hold `sum` pages has more than `limit`.
fn exceeds(sum: usize, limit: usize) -> bool {
    limit != 0 && sum > limit
}

/// The pages that a pipe may hold, counted for the user that made it. A pipe
/// with a name, which nobody made for himself, counts for the first who
/// changes its size. A socket's never changes, and does not count.
///
/// Some may have any number of them ([`may_all`]), but count too. Whoever changes
/// it holds the pipe's lock.
#[derive(Default)]
pub(super) struct Share {
    account: spin::Once<Account>,
    pages: AtomicUsize,
}

impl Share {
    /// That of a new pipe of the running process, and how many bytes it gets.
    ///
    /// # Errors
    /// `ENFILE` if its user has too much in pipes.
    pub(super) fn begin() -> Result<(Self, usize), Errno> {
        let share = Self::default();
        let mut bytes = usual();
        let mut sum = share.set(bytes);
        if may_all() {
            return Ok((share, bytes));
        }
        if exceeds(sum, limit(Kind::PipePages)) && bytes > FEW {
            bytes = FEW;
            sum = share.set(bytes);
        }
        match exceeds(sum, hard_limit()) {
            true => Err(Errno::ENFILE),
            false => Ok((share, bytes)),
        }
    }

    /// The running process makes the pipe hold `bytes` instead of `held`; how
    /// many it counted before.
    ///
    /// # Errors
    /// `EPERM` if that would be too much for its user; nothing changes then.
    pub(super) fn change(
        &self,
        bytes: usize,
        held: usize,
    ) -> Result<usize, Errno> {
        let old = self.pages.load(Relaxed) * PAGE;
        let sum = self.set(bytes);
        let is_too_much = bytes > held
            && (exceeds(sum, limit(Kind::PipePages))
                || exceeds(sum, hard_limit()));
        if is_too_much && !may_all() {
            self.set(old);
            return Err(Errno::EPERM);
        }
        Ok(old)
    }

    /// Counts `bytes` for this pipe, whatever the limits are; how many pages
    /// its user has then.
    pub(super) fn set(&self, bytes: usize) -> usize {
        let account = self.account.call_once(Account::current);
        let new = bytes / PAGE;
        let old = self.pages.swap(new, Relaxed);
        let sum = account.add(Kind::PipePages, new);
        account.give(Kind::PipePages, old);
        sum - old
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(account) = self.account.get() {
            account.give(Kind::PipePages, *self.pages.get_mut());
        }
    }
}

/// Most bytes of a pipe of who lacks `CAP_SYS_RESOURCE`
/// (`/proc/sys/fs/pipe-max-size`).
static MOST: AtomicUsize = AtomicUsize::new(1 << 20);

/// Most bytes of a pipe of who lacks `CAP_SYS_RESOURCE`.
pub fn most() -> usize {
    MOST.load(Relaxed)
}

fn rounded(bytes: usize) -> Result<usize, Errno> {
    match bytes <= LARGEST {
        true => Ok(bytes.max(LEAST).next_power_of_two()),
        false => Err(Errno::EINVAL),
    }
}

/// Sets [`most`], rounded up to what a pipe can have.
///
/// # Errors
/// `EINVAL` for nothing, and for too much.
pub fn set_most(bytes: usize) -> Result<(), Errno> {
    if bytes == 0 {
        return Err(Errno::EINVAL);
    }
    MOST.store(rounded(bytes)?, Relaxed);
    Ok(())
}

/// What a pipe gets for which the running process asks for `bytes`.
///
/// # Errors
/// `EINVAL` for what no pipe can have; `EPERM` for what this process may not
/// have.
pub fn allowed_capacity(bytes: usize) -> Result<usize, Errno> {
    let bytes = rounded(bytes)?;
    match bytes > most() && !may_be_large() {
        true => Err(Errno::EPERM),
        false => Ok(bytes),
    }
}

/// What a new pipe of the running process gets.
pub(super) fn usual() -> usize {
    match may_be_large() {
        true => CAPACITY,
        false => CAPACITY.min(most()),
    }
}
