//! What is undone in a set of semaphores when a process ends (semop(2),
//! `SEM_UNDO`): a sum for each semaphore, in each list that has changed one.
//!
//! The room for a list is made before the set is locked. All sums are
//! forgotten at once by a new era: those of an older one count as 0.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use kernel_abi::Errno;

/// What is added to each semaphore of a set when the owner of a list ends.
#[derive(Debug)]
pub struct Sums {
    by_number: Box<[i16]>,
    era: u64,
}

impl Sums {
    /// For so many semaphores: nothing.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(count: usize) -> Result<Self, Errno> {
        let mut sums = Vec::new();
        sums.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        sums.resize(count, 0);
        Ok(Self { by_number: sums.into_boxed_slice(), era: 0 })
    }

    /// Bytes of the sums for so many semaphores.
    pub const fn size(count: usize) -> usize {
        count * size_of::<i16>()
    }

    /// Each semaphore's, by number.
    pub fn iter(&self) -> impl Iterator<Item = i32> {
        self.by_number.iter().map(|sum| i32::from(*sum))
    }
}

/// The sums of all lists.
#[derive(Debug)]
pub(super) struct Undo {
    lists: BTreeMap<u64, Sums>,
    era: u64,
}

impl Undo {
    pub(super) const fn new() -> Self {
        Self { lists: BTreeMap::new(), era: 0 }
    }

    /// True if there are sums for this list.
    pub(super) fn has(&self, list: u64) -> bool {
        self.lists.contains_key(&list)
    }

    /// Keeps `sums` for a list; gives them back if it has some.
    pub(super) fn add(&mut self, list: u64, sums: Sums) -> Option<Sums> {
        match self.has(list) {
            true => Some(sums),
            false => self.lists.insert(list, sums),
        }
    }

    /// The sums of a list.
    pub(super) fn sums(&mut self, list: u64) -> Option<&mut [i16]> {
        let sums = self.lists.get_mut(&list)?;
        if sums.era != self.era {
            sums.by_number.fill(0);
            sums.era = self.era;
        }
        Some(&mut sums.by_number)
    }

    /// Takes the sums of a list out.
    pub(super) fn take(&mut self, list: u64) -> Option<Sums> {
        self.sums(list)?;
        self.lists.remove(&list)
    }

    /// Forgets the sums of one semaphore.
    pub(super) fn forget(&mut self, number: usize) {
        for sums in self.lists.values_mut() {
            sums.by_number[number] = 0;
        }
    }

    /// Forgets all sums.
    pub(super) fn forget_all(&mut self) {
        self.era += 1;
    }
}
