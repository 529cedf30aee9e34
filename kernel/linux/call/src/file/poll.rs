//! `ppoll` and `pselect6`.
//!
//! Deadlines are absolute from the start of the call, and the wait is in
//! place, so a freeze shows neither in the result nor in the time that is
//! written back.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::system::Pollfd;
use kernel_abi::time::Timespec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::signal::SignalSet;
use zerocopy::IntoBytes;

use super::Checked;
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::poll::{Item, wait};
use kernel_files::{FileTable, OpenFile, OpenFlags, PollEvents};
use kernel_machine::arch::timer;
use kernel_machine::mm::heap;
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::signal::mask;
use kernel_process::{current, personality};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::PPOLL, Handler::Plain(ppoll)),
    (number::PSELECT6, Handler::Plain(pselect6)),
];

/// Bytes of a set of signals.
const SET_SIZE: usize = 8;

/// When to stop waiting, and where to write what time was left.
struct TimeOut {
    address: usize,
    deadline_ns: Option<u64>,
}

impl TimeOut {
    fn read(address: usize) -> Checked<Self> {
        let deadline_ns = match address {
            0 => None,
            _ => {
                let time: Timespec = user::read_value(address)?;
                Some(timer::now_ns().saturating_add(time.to_ns()?))
            }
        };
        Ok(Self { address, deadline_ns })
    }

    /// Writes what is left. The call goes on after a signal that no handler
    /// took, and must not begin anew.
    fn write_back(&self) {
        if let Some(deadline) = self.deadline_ns {
            let left = deadline.saturating_sub(timer::now_ns());
            // Linux, too, leaves the time alone where it cannot be written.
            let _ = user::write_value(self.address, &Timespec::from_ns(left));
        }
    }
}

/// Waits with the mask at `address`, if there is one.
fn wait_with_mask(
    items: &mut [Item],
    time_out: &TimeOut,
    address: usize,
    size: usize,
) -> Result {
    if address != 0 {
        if size != SET_SIZE {
            return Err(Errno::EINVAL);
        }
        mask::set_for_call(SignalSet(user::read_value(address)?));
    }
    let result = wait(items, time_out.deadline_ns);
    if address != 0 && result.is_ok() {
        mask::end_of_call();
    }
    if current().personality.get() & personality::STICKY_TIMEOUTS == 0 {
        time_out.write_back();
        return result;
    }
    // Nothing says how much is left: the call cannot go on.
    result.map_err(|error| match error {
        Errno::ERESTARTNOHAND => Errno::EINTR,
        other => other,
    })
}

/// Fails if there is no memory to look at so many files for a program.
fn check_room(count: usize) -> core::result::Result<(), Errno> {
    const FEW: usize = 1024;
    let size = count * (size_of::<Pollfd>() + 4 * size_of::<Item>());
    match count > FEW && !heap::has_room(size) {
        true => Err(Errno::ENOMEM),
        false => Ok(()),
    }
}

/// The open file `fd`, unless that is only a place, for which nobody waits.
fn watchable(table: &FileTable, fd: usize) -> Checked<Arc<OpenFile>> {
    let file = table.get(fd)?;
    match file.flags().contains(OpenFlags::PATH) {
        true => Err(Errno::EBADF),
        false => Ok(file),
    }
}

fn ppoll(args: &Args) -> Result {
    let [address, count, time_out, mask, size, _] = args.x;
    let table = current().files()?;
    if count > table.limit() {
        return Err(Errno::EINVAL);
    }
    check_room(count)?;
    let slice = UserSlice::new(address, count * size_of::<Pollfd>())?;
    let mut entries = vec![Pollfd::default(); count];
    slice.read(0, entries.as_mut_bytes())?;
    let time_out = TimeOut::read(time_out)?;
    let watched = |entry: &&Pollfd| entry.fd >= 0;
    let mut items: Vec<_> = (entries.iter().filter(watched))
        .map(|entry| Item {
            file: watchable(&table, entry.fd as usize).ok(),
            wanted: PollEvents::from_bits_retain(entry.events as u16),
            found: PollEvents::empty(),
        })
        .collect();
    let found = wait_with_mask(&mut items, &time_out, mask, size)?;
    let mut results = items.iter();
    for entry in &mut entries {
        let item = if entry.fd >= 0 { results.next() } else { None };
        entry.revents = item.map_or(0, |item| item.found.bits() as i16);
    }
    slice.write(0, entries.as_bytes())?;
    Ok(found)
}

const WORD_BITS: usize = 64;

/// A set of descriptors in a program's memory.
struct Set {
    slice: Option<UserSlice>,
    words: Vec<u64>,
}

impl Set {
    fn read(address: usize, count: usize) -> Checked<Self> {
        let mut words = vec![0; count.div_ceil(WORD_BITS)];
        if address == 0 {
            return Ok(Self { slice: None, words });
        }
        let slice = UserSlice::new(address, words.as_bytes().len())?;
        slice.read(0, words.as_mut_bytes())?;
        Ok(Self { slice: Some(slice), words })
    }

    fn contains(&self, fd: usize) -> bool {
        self.words[fd / WORD_BITS] >> (fd % WORD_BITS) & 1 != 0
    }

    fn insert(&mut self, fd: usize) {
        self.words[fd / WORD_BITS] |= 1 << (fd % WORD_BITS);
    }

    fn write(&self) -> Checked<()> {
        match &self.slice {
            Some(slice) => slice.write(0, self.words.as_bytes()),
            None => Ok(()),
        }
    }
}

/// What readiness for reading, writing and exceptions means (Linux
/// `POLLIN_SET` and so on).
const MEANINGS: [PollEvents; 3] = [
    PollEvents::READABLE.union(PollEvents::HANG_UP).union(PollEvents::ERROR),
    PollEvents::WRITABLE.union(PollEvents::ERROR),
    PollEvents::PRIORITY,
];

fn select_items(
    table: &FileTable,
    sets: &[Set; 3],
    count: usize,
) -> Checked<Vec<(usize, Item)>> {
    let mut items = Vec::new();
    for fd in 0..count {
        let mut wanted = PollEvents::empty();
        for (set, meaning) in sets.iter().zip(MEANINGS) {
            wanted.set(meaning, wanted.contains(meaning) || set.contains(fd));
        }
        if !wanted.is_empty() {
            let file = Some(watchable(table, fd)?);
            let found = PollEvents::empty();
            items.push((fd, Item { file, wanted, found }));
        }
    }
    Ok(items)
}

fn pselect6(args: &Args) -> Result {
    let count = usize::try_from(args.int(0)).map_err(|_| Errno::EINVAL)?;
    let table = current().files()?;
    let count = count.min(table.limit());
    check_room(count)?;
    let mut sets = [
        Set::read(args.x[1], count)?,
        Set::read(args.x[2], count)?,
        Set::read(args.x[3], count)?,
    ];
    let time_out = TimeOut::read(args.x[4])?;
    let [mask, size] = match args.x[5] {
        0 => [0, 0],
        address => user::read_value(address)?,
    };
    let items = select_items(&table, &sets, count)?;
    let (fds, mut items): (Vec<_>, Vec<_>) = items.into_iter().unzip();
    wait_with_mask(&mut items, &time_out, mask, size)?;
    let mut found = 0;
    for (set, meaning) in sets.iter_mut().zip(MEANINGS) {
        let asked = core::mem::take(&mut set.words);
        set.words = vec![0; asked.len()];
        for (fd, item) in fds.iter().zip(&items) {
            let was_asked = asked[fd / WORD_BITS] >> (fd % WORD_BITS) & 1 != 0;
            if was_asked && item.found.intersects(meaning) {
                set.insert(*fd);
                found += 1;
            }
        }
        set.write()?;
    }
    Ok(found)
}
