//! `freezer.lease`: a request that ends with its descriptor.

use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::cgroup::request::{StateRequest, parse_state};

use super::super::forest::{Tasks, forest};
use super::super::group::Group;
use super::text::{Kept, accept, ready};
use kernel_files::file::{Blocking, File, Offset};
use kernel_files::{Input, Output, PollEvents};
use kernel_task::PollTable;

/// An open `freezer.lease`.
pub(super) struct LeaseFile {
    group: Group,
    text: Kept,
    /// It holds a lease.
    is_lease: AtomicBool,
}

impl LeaseFile {
    pub(super) fn new(group: Group) -> Self {
        Self { group, text: Kept::new(), is_lease: AtomicBool::new(false) }
    }

    fn count(&self) -> Result<Vec<u8>, Errno> {
        let leases =
            self.group.with(|tree, handle| Ok(tree.get(handle)?.leases()))?;
        Ok(format!("{leases}\n").into_bytes())
    }

    fn store(&self, text: &[u8]) -> Result<(), Errno> {
        match parse_state(text)? {
            StateRequest::Freeze => self.begin(),
            StateRequest::Thaw => {
                self.end();
                Ok(())
            }
            StateRequest::FreezeWithin(_) => Err(Errno::EINVAL),
        }
    }

    fn begin(&self) -> Result<(), Errno> {
        self.group.check_outside()?;
        if self.is_lease.swap(true, Relaxed) {
            return Ok(());
        }
        let added =
            self.group.with(|tree, handle| tree.add_lease(handle, &Tasks));
        self.is_lease.store(added.is_ok(), Relaxed);
        added
    }

    fn end(&self) {
        if self.is_lease.swap(false, Relaxed) {
            let mut forest = forest();
            let tree = forest.tree(self.group.hierarchy);
            tree.drop_lease(self.group.handle, &Tasks);
        }
    }
}

impl Drop for LeaseFile {
    fn drop(&mut self) {
        self.end();
    }
}

impl File for LeaseFile {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.text.read(position, output, || self.count())
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        accept(input, |text| self.store(text))
    }

    fn poll(&self, _table: Option<&mut PollTable>) -> PollEvents {
        ready(self.group)
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}
