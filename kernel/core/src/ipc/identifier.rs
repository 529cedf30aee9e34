//! The identifiers of objects of one kind: a place, and how often places were
//! used anew, so that the identifier of an object that is gone does not name
//! the next one.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_CREAT, IPC_EXCL, IPC_PRIVATE};

/// Bits of an identifier that tell the place.
const PLACE_BITS: u32 = 15;
/// Places that there are: the most objects of a kind.
pub const PLACES: u32 = 1 << PLACE_BITS;
/// Sequence numbers are below this: an identifier is no negative number.
const SEQUENCES: u32 = 1 << (31 - PLACE_BITS);

/// The place that `id` names.
pub fn place_of(id: u32) -> u32 {
    id % PLACES
}

/// How often places were used anew before `id` was given.
pub fn sequence_of(id: u32) -> u32 {
    id >> PLACE_BITS
}

/// What a call that finds or makes an object is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The object with this identifier is meant.
    Object(u32),
    /// One is to be made.
    None,
}

struct Entry<T> {
    place: u32,
    sequence: u32,
    key: i32,
    object: T,
}

impl<T> Entry<T> {
    fn id(&self) -> u32 {
        self.sequence << PLACE_BITS | self.place
    }
}

/// Objects by identifier and by key.
pub struct Table<T> {
    /// In the order of their places: most come at the end.
    entries: Vec<Entry<T>>,
    /// Keys in order, and the place of each.
    keys: Vec<(i32, u32)>,
    sequence: u32,
    /// The place that was given last.
    last: Option<u32>,
}

impl<T> Table<T> {
    /// No objects.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), keys: Vec::new(), sequence: 0, last: None }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The highest place in use, 0 if there is none.
    pub fn highest(&self) -> u32 {
        self.entries.last().map_or(0, |entry| entry.place)
    }

    /// Where the entry of `place` stands, or would.
    fn search(&self, place: u32) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&place, |entry| entry.place)
    }

    fn entry(&self, place: u32) -> Result<&Entry<T>, Errno> {
        let at = self.search(place).map_err(|_| Errno::EINVAL)?;
        Ok(&self.entries[at])
    }

    /// Looks a key up as `semget(2)` and its relatives do.
    ///
    /// # Errors
    /// `ENOENT`, `EEXIST`.
    pub fn find(&self, key: i32, flags: u32) -> Result<Found, Errno> {
        if key == IPC_PRIVATE {
            return Ok(Found::None);
        }
        match self.keys.binary_search_by_key(&key, |it| it.0) {
            Err(_) if flags & IPC_CREAT == 0 => Err(Errno::ENOENT),
            Err(_) => Ok(Found::None),
            Ok(_) if flags & IPC_CREAT != 0 && flags & IPC_EXCL != 0 => {
                Err(Errno::EEXIST)
            }
            Ok(at) => Ok(Found::Object(self.entry(self.keys[at].1)?.id())),
        }
    }

    /// Puts an object where nobody stands, at the place and with the sequence
    /// of `wanted` if that is free; its identifier.
    ///
    /// # Errors
    /// `ENOSPC` if there are `most` already; `ENOMEM`.
    pub fn insert(
        &mut self,
        key: i32,
        most: usize,
        wanted: Option<u32>,
        object: T,
    ) -> Result<u32, Errno> {
        if self.len() >= most.min(PLACES as usize) {
            return Err(Errno::ENOSPC);
        }
        let first = match (wanted, self.last) {
            (Some(id), _) => place_of(id),
            (None, Some(last)) => (last + 1) % PLACES,
            (None, None) => 0,
        };
        let free = self.free_in(first, PLACES);
        let place = free.or_else(|| self.free_in(0, first));
        let place = place.ok_or(Errno::ENOSPC)?;
        let [entries, keys] =
            [self.entries.try_reserve(1), self.keys.try_reserve(1)];
        entries.and(keys).map_err(|_| Errno::ENOMEM)?;
        let sequence = match wanted {
            Some(id) => sequence_of(id) % SEQUENCES,
            None => {
                if self.last.is_some_and(|last| place <= last) {
                    self.sequence = (self.sequence + 1) % SEQUENCES;
                }
                self.last = Some(place);
                self.sequence
            }
        };
        let (Ok(at) | Err(at)) = self.search(place);
        let entry = Entry { place, sequence, key, object };
        let id = entry.id();
        self.entries.insert(at, entry);
        if key != IPC_PRIVATE
            && let Err(at) = self.keys.binary_search_by_key(&key, |it| it.0)
        {
            self.keys.insert(at, (key, place));
        }
        Ok(id)
    }

    /// The first free place of some.
    fn free_in(&self, from: u32, to: u32) -> Option<u32> {
        let (Ok(at) | Err(at)) = self.search(from);
        let used = self.entries[at..].iter().map(|entry| entry.place);
        let place = (from..).zip(used).find(|(place, used)| place != used);
        let count = (self.entries.len() - at) as u32;
        let place = place.map_or(from + count, |(place, _)| place);
        (place < to).then_some(place)
    }

    /// The object that `id` names.
    ///
    /// # Errors
    /// `EINVAL` if nothing is there; `EIDRM` if it is another by now.
    pub fn get(&self, id: i32) -> Result<&T, Errno> {
        let id = u32::try_from(id).map_err(|_| Errno::EINVAL)?;
        let entry = self.entry(place_of(id))?;
        match entry.sequence == sequence_of(id) {
            true => Ok(&entry.object),
            false => Err(Errno::EIDRM),
        }
    }

    /// The object at `place`, and its identifier.
    ///
    /// # Errors
    /// `EINVAL` if nothing is there.
    pub fn at(&self, place: i32) -> Result<(u32, &T), Errno> {
        let place = u32::try_from(place).map_err(|_| Errno::EINVAL)?;
        let entry = self.entry(place % PLACES)?;
        Ok((entry.id(), &entry.object))
    }

    /// Takes an object out.
    pub fn remove(&mut self, id: u32) -> Option<T> {
        let at = self.search(place_of(id)).ok()?;
        if self.entries[at].id() != id {
            return None;
        }
        self.hide(id);
        Some(self.entries.remove(at).object)
    }

    /// Lets nobody find an object by its key any more.
    pub fn hide(&mut self, id: u32) {
        let Ok(at) = self.search(place_of(id)) else { return };
        let key = core::mem::replace(&mut self.entries[at].key, IPC_PRIVATE);
        if key != IPC_PRIVATE
            && let Ok(at) = self.keys.binary_search_by_key(&key, |it| it.0)
        {
            self.keys.remove(at);
        }
    }

    /// The first object at `place` or above, and its identifier.
    pub fn next_from(&self, place: u32) -> Option<(u32, &T)> {
        let (Ok(at) | Err(at)) = self.search(place);
        let entry = self.entries.get(at)?;
        Some((entry.id(), &entry.object))
    }
}
