//! The kernel reads or writes a process's memory from outside: `execve`
//! fills a new stack, `/proc/PID/cmdline` reads another process.
//!
//! These go through the linear map, page by page under the space's lock; the
//! process's own system calls use `user.rs` instead.

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameNumber;
use kernel_core::memory::page_table::{self, Entry, Tables};

use super::fault::FaultError;
use super::space::{AddressSpace, Inner};
use super::{frame, page};
use crate::arch::trap::Access;

impl AddressSpace {
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
                frame::will_change(number);
                // SAFETY: the entry holds a reference under the lock, and
                // the program itself may store there.
                unsafe { page::write(number, offset, part) }
            })?;
            done += count;
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

fn to_errno(error: FaultError) -> Errno {
    match error {
        FaultError::OutOfMemory => Errno::ENOMEM,
        other => other.into(),
    }
}
