//! Objects of one kind, by key and identifier.

use alloc::sync::Arc;
use core::sync::atomic::AtomicI64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::ipc::identifier::{Found, Table, place_of};
use kernel_core::ipc::permission::Asker;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::sleep::{give_way_and_go_on, give_way_until_killed};

/// Objects that are looked at in one piece.
pub(crate) const PIECE: usize = 64;

/// What objects of all kinds can do.
pub(crate) trait Object {
    /// Fails unless `asker` may have what the mode `wanted` names, of an
    /// object that is at least of this size.
    ///
    /// # Errors
    /// `EINVAL` if it is smaller, `EACCES`.
    fn check(
        &self,
        asker: &Asker<'_>,
        size: usize,
        wanted: u32,
    ) -> Result<(), Errno>;

    /// Notes its identifier. The table's lock is held.
    fn note_id(&self, _id: u32) {}
}

/// Which object a call means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    /// That with this identifier.
    Id(i32),
    /// That at this place.
    Place(i32),
}

/// Objects of one kind. The lock of each may be taken under the table's.
pub(crate) struct Registry<T> {
    pub(crate) table: SpinLock<Table<Arc<T>>>,
    /// The identifier of the next object; -1 for any.
    pub(crate) next_id: AtomicI64,
}

/// What a call that finds or makes an object says of it.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// The key.
    pub(crate) key: i32,
    /// `IPC_CREAT`, `IPC_EXCL`, and the rights.
    pub(crate) flags: u32,
    /// How large it is to be.
    pub(crate) size: usize,
    /// Most objects of the kind.
    pub(crate) most: usize,
}

impl<T: Object> Registry<T> {
    /// One without objects.
    pub(crate) const fn new() -> Self {
        Self {
            table: SpinLock::with_rank(Rank::Object, Table::new()),
            next_id: AtomicI64::new(-1),
        }
    }

    /// Finds the object with the key, or puts in what `make` makes; its
    /// identifier. `room` says, once that is made, whether there is room for it.
    ///
    /// # Errors
    /// `ENOENT`, `EEXIST`; those of `make`, `room` and [`Object::check`];
    /// `ENOSPC`, `ENOMEM`.
    pub(crate) fn get(
        &self,
        asker: &Asker<'_>,
        wanted: Wanted,
        make: impl FnOnce() -> Result<Arc<T>, Errno>,
        room: impl Fn() -> Result<(), Errno>,
    ) -> Result<u32, Errno> {
        let Wanted { key, flags, size, most } = wanted;
        let look = |table: &Table<Arc<T>>| match table.find(key, flags)? {
            Found::None => Ok::<_, Errno>(None),
            Found::Object(id) => {
                table.get(id as i32)?.check(asker, size, flags)?;
                Ok(Some(id))
            }
        };
        if let Some(id) = look(&self.table.lock())? {
            return Ok(id);
        }
        let new = make()?;
        let mut table = self.table.lock();
        // Somebody may have made it meanwhile.
        if let Some(id) = look(&table)? {
            return Ok(id);
        }
        room()?;
        let id = u32::try_from(self.next_id.load(Relaxed)).ok();
        // If there is no room, the object ends after the lock.
        let given = table.insert(key, most, id, new.clone())?;
        table.get(given as i32)?.note_id(given);
        if id.is_some() {
            self.next_id.store(-1, Relaxed);
        }
        Ok(given)
    }

    /// The object that is meant, and its identifier.
    ///
    /// # Errors
    /// `EINVAL`, `EIDRM`.
    pub(crate) fn find(&self, name: Name) -> Result<(u32, Arc<T>), Errno> {
        let table = self.table.lock();
        match name {
            Name::Id(id) => Ok((id as u32, table.get(id)?.clone())),
            Name::Place(place) => {
                let (id, object) = table.at(place)?;
                Ok((id, object.clone()))
            }
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.table.lock().len()
    }

    /// The first object at `place` or above, and its identifier.
    fn next_from(&self, place: u32) -> Option<(u32, Arc<T>)> {
        let table = self.table.lock();
        table.next_from(place).map(|(id, it)| (id, it.clone()))
    }

    /// Calls `visit` for each object and its identifier, with room for a
    /// freeze between two pieces; what comes and goes meanwhile may be seen or
    /// not.
    ///
    /// # Errors
    /// Those of `visit`; `EINTR` if the caller is to end.
    ///
    /// # Locks
    /// None may be held, and none is while `visit` runs.
    pub(crate) fn each(
        &self,
        visit: impl FnMut(u32, &T) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.walk(give_way_until_killed, visit)
    }

    /// As [`Registry::each`], for a caller that ends, which sees all.
    pub(crate) fn each_at_end(&self, mut visit: impl FnMut(u32, &T)) {
        let pause = || {
            give_way_and_go_on();
            Ok(())
        };
        // Nothing fails.
        let _ = self.walk(pause, |id, object| {
            visit(id, object);
            Ok(())
        });
    }

    fn walk(
        &self,
        pause: fn() -> Result<(), Errno>,
        mut visit: impl FnMut(u32, &T) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let (mut place, mut seen) = (0, 0);
        while let Some((id, object)) = self.next_from(place) {
            visit(id, &object)?;
            drop(object);
            place = place_of(id) + 1;
            seen += 1;
            if seen % PIECE == 0 {
                pause()?;
            }
        }
        Ok(())
    }
}
