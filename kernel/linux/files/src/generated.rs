//! Files whose contents are made when they are read: `/proc` and `/sys`.
//!
//! A read from the beginning makes the text anew; later reads go on in the
//! same text, so that a program sees one snapshot. What makes the text holds
//! no lock that a frozen task could hold, allocates under no spin lock
//! ([`Making`]), and asks for the room for a long text
//! ([`heap::reserve`](kernel_machine::mm::heap::reserve)): each open file keeps one.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::buffer::{Input, Output};
use super::file::{Blocking, File, Offset};
use super::flags::PollEvents;
use super::mount::Watch;
use kernel_machine::mm::frame;
use kernel_machine::sync::{Making, SpinLock};
use kernel_task::PollTable;

/// Longest text that a write hands over at once.
const WRITE_MAX: usize = 4096;

/// Makes the text.
pub type Show = Box<dyn Fn() -> Result<Vec<u8>, Errno> + Send + Sync>;
/// Takes a text that was written; gives how much of it was used.
pub type Store = Box<dyn Fn(&[u8]) -> Result<usize, Errno> + Send + Sync>;

/// An open file with made contents.
pub struct Generated {
    show: Option<Show>,
    store: Option<Store>,
    text: SpinLock<Option<Arc<Vec<u8>>>>,
    waits: Waits,
}

/// Who can wait for the file.
enum Waits {
    /// Everybody, and it is always ready.
    Never,
    /// Everybody, until mounts change.
    Mounts(Watch),
    /// Nobody with `epoll`.
    Refused,
}

impl Generated {
    /// A file that can only be read.
    pub fn reading(show: Show) -> Arc<Self> {
        Self::new(Some(show), None)
    }

    /// A file that can be read and written as far as there is a function.
    pub fn new(show: Option<Show>, store: Option<Store>) -> Arc<Self> {
        Arc::new(Self {
            show,
            store,
            text: SpinLock::new(None),
            waits: Waits::Never,
        })
    }

    /// A list of mounts, which tells when it changes.
    pub fn of_mounts(show: Show) -> Arc<Self> {
        Self::with(show, Waits::Mounts(Watch::new()))
    }

    /// A file about one process.
    pub fn of_process(show: Show) -> Arc<Self> {
        Self::with(show, Waits::Refused)
    }

    fn with(show: Show, waits: Waits) -> Arc<Self> {
        let (show, text) = (Some(show), SpinLock::new(None));
        Arc::new(Self { show, store: None, text, waits })
    }

    fn text(&self, position: u64) -> Result<Arc<Vec<u8>>, Errno> {
        let known = self.text.lock().clone();
        if let Some(text) = known.filter(|_| position > 0) {
            return Ok(text);
        }
        let show = self.show.as_ref().ok_or(Errno::EIO)?;
        if frame::is_short() {
            return Err(Errno::ENOMEM);
        }
        let making = Making::begin();
        let text = Arc::new(show()?);
        drop(making);
        let old = self.text.lock().replace(text.clone());
        drop(old);
        Ok(text)
    }
}

impl File for Generated {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        output.put_from(&self.text(position)?, position)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        let store = self.store.as_ref().ok_or(Errno::EIO)?;
        let mut text = vec![0; input.remaining().min(WRITE_MAX)];
        input.take(&mut text)?;
        store(&text)
    }

    fn held(&self) -> usize {
        let text = self.text.lock();
        text.as_ref().map_or(0, |text| text.capacity())
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        let always = PollEvents::READABLE | PollEvents::WRITABLE;
        match &self.waits {
            Waits::Mounts(watch) => watch.poll(table),
            Waits::Never | Waits::Refused => always,
        }
    }

    fn can_poll(&self) -> bool {
        !matches!(self.waits, Waits::Refused)
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}
