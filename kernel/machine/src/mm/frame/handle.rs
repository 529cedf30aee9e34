//! Who holds a frame: [`Frame`] alone, [`FrameRef`] with others.

use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameNumber;

use super::allocator::{changed, is_sole, release, share};
use crate::mm::page;

/// A frame that belongs to its holder alone. Its contents are unspecified
/// unless it came from [`super::alloc_zeroed`].
pub struct Frame(FrameRef);

impl Frame {
    /// The sole reference to an allocated frame.
    #[inline]
    pub(super) fn from_number(number: FrameNumber) -> Self {
        Self(FrameRef { number })
    }

    /// The frame's bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8; PAGE_SIZE] {
        let pointer = page::pointer(self.number()).cast();
        // SAFETY: the linear map shows the frame; it is not shared, so
        // nobody writes while `self` is borrowed.
        unsafe { &*pointer }
    }

    /// The frame's bytes, to be changed.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8; PAGE_SIZE] {
        let pointer = page::pointer(self.number()).cast();
        // SAFETY: as in `bytes`, and `self` is borrowed mutably.
        unsafe { &mut *pointer }
    }

    #[inline]
    pub(in crate::mm) fn number(&self) -> FrameNumber {
        self.0.number
    }

    /// Gives the frame up without freeing it; see [`FrameRef::from_number`].
    #[inline]
    pub(in crate::mm) fn into_number(self) -> FrameNumber {
        self.0.into_number()
    }
}

impl From<Frame> for FrameRef {
    #[inline]
    fn from(frame: Frame) -> FrameRef {
        frame.0
    }
}

/// A counted reference to a frame. The frame is free when the last is gone,
/// mappings of it included.
pub struct FrameRef {
    number: FrameNumber,
}

impl FrameRef {
    /// Copies bytes out, from `offset` on.
    ///
    /// # Panics
    /// If they do not all lie in the frame.
    #[inline]
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        // SAFETY: this is a reference to the frame.
        unsafe { page::read(self.number, offset, bytes) }
    }

    /// Copies bytes in, from `offset` on.
    ///
    /// # Panics
    /// If they do not all lie in the frame.
    #[inline]
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        // SAFETY: this is a reference to the frame; whoever shares it
        // expects changes.
        unsafe { page::write(self.number, offset, bytes) }
        changed(self.number);
    }

    /// Fills `count` bytes from `offset` on with zero.
    ///
    /// # Panics
    /// If they do not all lie in the frame.
    #[inline]
    pub fn zero(&self, offset: usize, count: usize) {
        assert!(offset <= PAGE_SIZE && count <= PAGE_SIZE - offset);
        let start = page::pointer(self.number).wrapping_add(offset);
        // SAFETY: inside the frame (checked above), which is held; no Rust
        // reference covers frames that are shared.
        unsafe { start.write_bytes(0, count) }
        changed(self.number);
    }

    /// True if there is no other reference, nor a mapping.
    #[inline]
    pub fn is_sole(&self) -> bool {
        is_sole(self.number)
    }

    #[inline]
    pub(in crate::mm) fn number(&self) -> FrameNumber {
        self.number
    }

    /// Takes up a reference that [`FrameRef::into_number`] gave up.
    #[inline]
    pub(in crate::mm) fn from_number(number: FrameNumber) -> Self {
        Self { number }
    }

    /// Gives the reference up without counting down.
    #[inline(always)]
    pub(in crate::mm) fn into_number(self) -> FrameNumber {
        let number = self.number;
        core::mem::forget(self);
        number
    }
}

impl Clone for FrameRef {
    #[inline]
    fn clone(&self) -> Self {
        share(self.number);
        FrameRef { number: self.number }
    }
}

impl Drop for FrameRef {
    #[inline]
    fn drop(&mut self) {
        release(self.number);
    }
}
