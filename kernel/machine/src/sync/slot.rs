//! A place that one layer keeps for the layer above: filled once with a value
//! of any type, read for ever as that type.
//!
//! As `Once<Arc<dyn Any>>`, but the question for the type costs a comparison
//! instead of a call: every system call asks it.

use alloc::sync::Arc;
use core::any::{Any, TypeId};

/// What the slot holds.
struct Filled {
    type_id: TypeId,
    /// What `keeper` points at.
    value: *const (),
    _keeper: Arc<dyn Any + Send + Sync>,
}

/// A slot for one shared value.
pub struct Slot(spin::Once<Filled>);

// SAFETY: the value is `Send + Sync`, and the pointer only reads it.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}

impl Slot {
    /// An empty slot.
    pub const fn new() -> Self {
        Self(spin::Once::new())
    }

    /// Fills the slot. Later calls change nothing.
    pub fn fill<T: Any + Send + Sync>(&self, value: Arc<T>) {
        self.0.call_once(|| Filled {
            type_id: TypeId::of::<T>(),
            value: Arc::as_ptr(&value).cast(),
            _keeper: value,
        });
    }

    /// The value, if it is a `T`.
    #[inline]
    pub fn get<T: Any>(&self) -> Option<&T> {
        let filled = self.0.get()?;
        if filled.type_id != TypeId::of::<T>() {
            return None;
        }
        // SAFETY: `fill` stored the address of a `T` together with its type,
        // and `_keeper` keeps it alive as long as the slot.
        Some(unsafe { &*filled.value.cast() })
    }
}
