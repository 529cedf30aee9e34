//! How many tasks a user may have (`RLIMIT_NPROC`, Linux `copy_process`), and
//! the places that are kept for who may do everything; how many bytes its
//! POSIX message queues may be (`RLIMIT_MSGQUEUE`). Who else keeps a limit is
//! told of it here.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::capability::Capability;

use super::limits::{self, Limits};
use super::user::{Place, TimerPlace, User};
use super::{Process, Thread, current, thread_of};
use kernel_machine::mm::{AddressSpace, GrowthLimits, PAGE_SIZE};
use kernel_task::table;

impl Process {
    /// A place for one more task of its user.
    ///
    /// # Errors
    /// `EAGAIN` if that is more than the user may have, or if only as many
    /// are left as are kept for who may do everything.
    pub(crate) fn take_place(&self) -> Result<Place, Errno> {
        let user = self.tasks.user();
        let most = self.limits.lock().processes();
        let is_root = user.id() == 0;
        let place = Place::of(user.clone());
        let is_free =
            is_root || user.tasks() <= most && table::has_room_for_users();
        let may_more = || {
            let credentials = self.credentials.lock();
            credentials.has(Capability::SYS_RESOURCE)
                || credentials.has(Capability::SYS_ADMIN)
        };
        if !is_free && !may_more() {
            return Err(Errno::EAGAIN);
        }
        self.tasks.set_too_many(false);
        Ok(place)
    }

    /// Counts for the user that it belongs to by now. Called whenever that may
    /// have changed.
    pub fn count_for_user(&self) {
        let id = self.credentials.lock().user.real;
        if self.tasks.user().id() == id {
            return;
        }
        let most = self.limits.lock().processes();
        self.tasks.move_to(User::find(id), most);
        self.limit_signals();
    }

    /// The running process, which it is, has other rights: whoever keeps what
    /// follows from them is told. The caller does not hold the lock over them.
    pub fn rights_changed(&self) {
        self.count_for_user();
        // A child of vfork(2) has its parent's memory: the parent's rights say
        // what that may lock.
        if current().vfork.lock().is_none() {
            self.limit_changed(limits::LOCKED);
        }
    }

    /// Its signals count for the user that its tasks count for, and as many
    /// may wait as it may have. Called whenever either may have changed.
    pub(crate) fn limit_signals(&self) {
        let most = self.limits.lock().pending();
        let room = self.tasks.user().room(most);
        self.signals.lock().state.set_room(room);
    }

    /// What it may use of `kind` has changed: whoever keeps that is told.
    pub fn limit_changed(&self, kind: usize) {
        let own = self.limits.lock().clone();
        match kind {
            limits::PENDING => self.limit_signals(),
            limits::STACK | limits::ADDRESS_SPACE | limits::LOCKED => {
                if let Some(space) = self.space() {
                    self.limit_growth(&space);
                }
            }
            limits::FILES => {
                for task in self.threads() {
                    let files = thread_of(&task).map(Thread::files);
                    if let Some(Ok(files)) = files {
                        files.set_limit(own.files());
                    }
                }
            }
            _ => {}
        }
    }

    /// A stack in its memory grows as far as it may have memory, and may lock
    /// it. Called whenever it may have other limits or other rights.
    pub fn limit_growth(&self, space: &AddressSpace) {
        // The last change is the one that counts: both stay as they are.
        let credentials = self.credentials.lock();
        let may_lock = credentials.has(Capability::IPC_LOCK);
        let own = self.limits.lock();
        let pages = |bytes: u64| {
            usize::try_from(bytes).unwrap_or(usize::MAX) / PAGE_SIZE
        };
        space.set_growth_limits(GrowthLimits {
            stack: own.stack_bytes(),
            pages: own.address_space().map_or(usize::MAX, pages),
            locked: match may_lock {
                true => usize::MAX,
                false => pages(own.locked()),
            },
        });
    }

    /// Signals that wait for its user's processes, and how many there may be.
    pub fn queued_signals(&self) -> [u64; 2] {
        let most = self.limits.lock().pending();
        let room = self.tasks.user().room(most);
        [room.user.used() as u64, most as u64]
    }

    /// Fails if it may run no program because its user has too many tasks
    /// since it belongs to it: who ignores that `setuid` cannot fail for it
    /// does not get around the limit.
    ///
    /// # Errors
    /// `EAGAIN`.
    pub(crate) fn check_user_tasks(&self) -> Result<(), Errno> {
        let most = self.limits.lock().processes();
        if self.tasks.has_too_many(most) {
            return Err(Errno::EAGAIN);
        }
        self.tasks.set_too_many(false);
        Ok(())
    }
}

/// Bytes of a message queue, counted for the user that made it until this is
/// dropped.
pub struct MessageBytes {
    user: Arc<User>,
    bytes: u64,
}

impl Drop for MessageBytes {
    fn drop(&mut self) {
        self.user.give_message_bytes(self.bytes);
    }
}

impl Process {
    /// Counts so many bytes of a message queue for its user.
    ///
    /// # Errors
    /// `EMFILE` if that is more than the user may have.
    pub fn take_message_bytes(
        &self,
        bytes: u64,
    ) -> Result<MessageBytes, Errno> {
        let most = self.limits.lock().message_bytes();
        let user = self.tasks.user();
        match user.take_message_bytes(bytes, most) {
            true => Ok(MessageBytes { user, bytes }),
            false => Err(Errno::EMFILE),
        }
    }
}

/// Bytes of shared memory that are locked, counted for the user that did it
/// until this is dropped.
pub struct LockedBytes {
    user: Arc<User>,
    bytes: u64,
}

impl Drop for LockedBytes {
    fn drop(&mut self) {
        self.user.give_locked(self.bytes);
    }
}

impl Process {
    /// Counts so many bytes of shared memory that its user locks
    /// (`RLIMIT_MEMLOCK`). With `CAP_IPC_LOCK` it may lock any number.
    ///
    /// # Errors
    /// `ENOMEM` for more than the user may.
    pub fn take_locked(&self, bytes: u64) -> Result<LockedBytes, Errno> {
        let most = self.most_locked().unwrap_or(u64::MAX);
        let user = self.tasks.user();
        match user.take_locked(bytes, most) {
            true => Ok(LockedBytes { user, bytes }),
            false => Err(Errno::ENOMEM),
        }
    }

    /// Bytes that it may lock; `None` for any.
    pub fn most_locked(&self) -> Option<u64> {
        match self.credentials.lock().has(Capability::IPC_LOCK) {
            true => None,
            false => Some(self.limits.lock().locked()),
        }
    }

    /// Fails if it may lock nothing.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check_may_lock(&self) -> Result<(), Errno> {
        match self.most_locked() {
            Some(0) => Err(Errno::EPERM),
            _ => Ok(()),
        }
    }
}

impl Process {
    /// Counts one more timer for its user: each may send a signal any time
    /// (`RLIMIT_SIGPENDING`).
    ///
    /// # Errors
    /// `EAGAIN` if that is more than the user may have.
    pub fn take_timer(&self) -> Result<TimerPlace, Errno> {
        let most = self.limits.lock().pending();
        let place = TimerPlace::of(self.tasks.user(), most);
        place.ok_or(Errno::EAGAIN)
    }
}

/// What the first process may use. A user may have half of all tasks there
/// may be, where nobody says otherwise (Linux `fork_init`).
pub fn usual_limits() -> Limits {
    Limits::initial(table::most() as u64 / 2)
}
