//! The kernel reads or writes a process's memory from outside: `execve`
//! fills a new stack, `/proc/PID/cmdline` reads another process, a tracer
//! writes a breakpoint into code.
//!
//! These go through the linear map, page by page under the space's lock; the
//! process's own system calls use `user.rs` instead.

use core::ops::Range;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameNumber;
use kernel_core::memory::page_table::{self, Entry, Tables};
use kernel_core::memory::region::Protection;

use super::fault::FaultError;
use super::pace::pause;
use super::space::{AddressSpace, Inner};
use super::{frame, page};
use crate::arch::trap::Access;

/// Bytes that are copied in one piece.
const CHUNK: usize = 64 * PAGE_SIZE;

impl AddressSpace {
    /// Copies bytes out of the space, whatever the program itself may do
    /// there: for its tracer.
    ///
    /// # Errors
    /// `EFAULT` where nothing is mapped, `ENOMEM`.
    pub fn peek(&self, address: usize, bytes: &mut [u8]) -> Result<(), Errno> {
        for (at, range) in pieces(address, bytes.len())? {
            let part = &mut bytes[range];
            self.with_own_page(at, Access::Read, |number| {
                // SAFETY: the entry holds a reference under the lock.
                unsafe { page::read(number, at % PAGE_SIZE, part) }
            })?;
        }
        Ok(())
    }

    /// Copies bytes into the space, whatever the program itself may do there:
    /// a private page that it may not write becomes its own and stays
    /// read-only. Stores into code hold for the next instruction.
    ///
    /// # Errors
    /// `EFAULT` where nothing is mapped, or a shared mapping that it may not
    /// write; `ENOMEM`. Bytes before the failing page are written.
    pub fn poke(&self, address: usize, bytes: &[u8]) -> Result<(), Errno> {
        for (at, range) in pieces(address, bytes.len())? {
            let part = &bytes[range];
            self.with_own_page(at, Access::Write, |number| {
                // SAFETY: the entry holds a reference under the lock, and
                // nobody else sees the page, or all may store to it.
                unsafe { page::write(number, at % PAGE_SIZE, part) }
                frame::changed(number);
            })?;
        }
        Ok(())
    }

    /// As [`Self::with_page`], past the region's rights.
    fn with_own_page(
        &self,
        address: usize,
        access: Access,
        use_page: impl FnOnce(FrameNumber),
    ) -> Result<(), Errno> {
        let mut inner = self.inner.lock();
        let entry = match self.present(&inner, address, access) {
            Some(entry) => entry,
            None => self
                .force_locked(&mut inner, address, access)
                .map_err(to_errno)?,
        };
        let number = page::number(entry.address());
        use_page(number);
        let region = inner.regions.find(address);
        let is_code = region
            .is_some_and(|it| it.protection.contains(Protection::EXECUTE));
        if access == Access::Write && is_code {
            frame::prepare_execution(number);
        }
        Ok(())
    }

    /// Copies bytes into the space, as a store of the program would.
    ///
    /// # Errors
    /// `EFAULT` if the program could not store there, `ENOMEM`. Bytes before
    /// the failing page are written.
    pub fn write_at(&self, address: usize, bytes: &[u8]) -> Result<(), Errno> {
        let mut done = 0;
        while done < bytes.len() {
            let at = address.checked_add(done).ok_or(Errno::EFAULT)?;
            let offset = at % PAGE_SIZE;
            let count = (bytes.len() - done).min(PAGE_SIZE - offset);
            let part = &bytes[done..done + count];
            self.with_page(at, Access::Write, |number| {
                // SAFETY: the entry holds a reference under the lock, and
                // the program itself may store there.
                unsafe { page::write(number, offset, part) }
                frame::changed(number);
            })?;
            done += count;
            if done % CHUNK < count {
                pause();
            }
        }
        Ok(())
    }

    /// Copies bytes out of the space, as a load of the program would.
    ///
    /// # Errors
    /// `EFAULT` if the program could not load from there, `ENOMEM`.
    pub fn read_at(
        &self,
        address: usize,
        bytes: &mut [u8],
    ) -> Result<(), Errno> {
        let mut done = 0;
        while done < bytes.len() {
            let at = address.checked_add(done).ok_or(Errno::EFAULT)?;
            let offset = at % PAGE_SIZE;
            let count = (bytes.len() - done).min(PAGE_SIZE - offset);
            let part = &mut bytes[done..done + count];
            self.with_page(at, Access::Read, |number| {
                // SAFETY: the entry holds a reference under the lock.
                unsafe { page::read(number, offset, part) }
            })?;
            done += count;
            if done % CHUNK < count {
                pause();
            }
        }
        Ok(())
    }

    /// Calls `use_page` with the frame at `address`, under the lock.
    fn with_page(
        &self,
        address: usize,
        access: Access,
        use_page: impl FnOnce(FrameNumber),
    ) -> Result<(), Errno> {
        let mut inner = self.inner.lock();
        let entry = match self.present(&inner, address, access) {
            Some(entry) => entry,
            None => self
                .touch_locked(&mut inner, address, access)
                .map_err(to_errno)?,
        };
        use_page(page::number(entry.address()));
        Ok(())
    }

    /// The entry, if the program could make the access without a fault.
    fn present(
        &self,
        inner: &Inner,
        address: usize,
        access: Access,
    ) -> Option<Entry> {
        let slot = page_table::find(&inner.tables, self.root, address)?;
        let entry = inner.tables.read(slot.table, slot.index);
        let allows = match access {
            Access::Write => entry.is_user_writable(),
            Access::Read | Access::Execute => entry.is_user_readable(),
        };
        (entry.is_valid() && allows).then_some(entry)
    }
}

/// The parts of `count` bytes from `address` on that lie in one page each:
/// address, and which of the bytes.
fn pieces(
    address: usize,
    count: usize,
) -> Result<impl Iterator<Item = (usize, Range<usize>)>, Errno> {
    address.checked_add(count).ok_or(Errno::EFAULT)?;
    let mut done = 0;
    Ok(core::iter::from_fn(move || {
        let at = address + done;
        let next = (count - done).min(PAGE_SIZE - at % PAGE_SIZE);
        let range = done..done + next;
        done += next;
        (next != 0).then_some((at, range))
    }))
}

fn to_errno(error: FaultError) -> Errno {
    match error {
        FaultError::OutOfMemory => Errno::ENOMEM,
        other => other.into(),
    }
}
