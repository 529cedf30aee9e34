//! An inotify as an open file: its reader waits for events.

use alloc::format;
use alloc::vec::Vec;
use core::any::Any;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;

use super::{Inotify, Watch};
use crate::buffer::Output;
use crate::file::{Blocking, File, interrupted};
use crate::flags::PollEvents;
use kernel_machine::mm::user;
use kernel_task::PollTable;

impl File for Inotify {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let room = output.remaining();
        let look = || {
            let mut queue = self.queue.lock();
            if queue.is_empty() {
                return None;
            }
            let bytes = queue.peek(room).map(<[u8]>::to_vec);
            queue.forget(bytes.as_ref().map_or(0, Vec::len));
            Some(bytes)
        };
        let bytes = match (look(), blocking) {
            (Some(bytes), _) => bytes?,
            (None, Blocking::Fail) => return Err(Errno::EAGAIN),
            (None, Blocking::Sleep) => self
                .readers
                .wait_until("inotify_read", look)
                .map_err(interrupted)??,
        };
        output.put(&bytes)?;
        Ok(bytes.len())
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.readers);
        }
        match self.queue.lock().is_empty() {
            true => PollEvents::empty(),
            false => PollEvents::READABLE,
        }
    }

    fn tell_details(&self, text: &mut Vec<u8>) {
        for (descriptor, inode, mask) in self.watches() {
            let line = format!(
                "inotify wd:{descriptor:x} ino:{:x} sdev:{:x} mask:{mask:x} \
                ignored_mask:0\n",
                inode.number, inode.device,
            );
            text.extend_from_slice(line.as_bytes());
        }
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        const FIONREAD: u32 = 0x541b;
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let waiting = self.queue.lock().len() as u32;
        user::write_value(argument, &waiting)?;
        Ok(0)
    }

    fn held(&self) -> usize {
        let watches = self.watches.load(Relaxed) as usize;
        self.queue.lock().capacity() + watches * size_of::<Watch>()
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
