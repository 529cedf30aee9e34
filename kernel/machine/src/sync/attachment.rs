//! A value that the layer above attaches to an object of the layer below: set
//! once, of any type, read for ever as that type.
//!
//! As `Once<Arc<dyn Any>>`, but the question for the type costs a comparison
//! instead of a call: every system call asks it.

use alloc::sync::Arc;
use core::any::{Any, TypeId};

/// What is attached.
struct Attached {
    type_id: TypeId,
    /// What `keeper` points at.
    value: *const (),
    _keeper: Arc<dyn Any + Send + Sync>,
}

/// A place for one shared value.
pub struct Attachment(spin::Once<Attached>);

// SAFETY: the value is `Send + Sync`, and the pointer only reads it.
unsafe impl Send for Attachment {}
// SAFETY: as above.
unsafe impl Sync for Attachment {}

impl Attachment {
    /// A place with nothing attached.
    pub const fn new() -> Self {
        Self(spin::Once::new())
    }

    /// Attaches `value`. Later calls change nothing.
    pub fn attach<T: Any + Send + Sync>(&self, value: Arc<T>) {
        self.0.call_once(|| Attached {
            type_id: TypeId::of::<T>(),
            value: Arc::as_ptr(&value).cast(),
            _keeper: value,
        });
    }

    /// The value, if it is a `T`.
    #[inline]
    pub fn get<T: Any>(&self) -> Option<&T> {
        let attached = self.0.get()?;
        if attached.type_id != TypeId::of::<T>() {
            return None;
        }
        // SAFETY: `attach` stored the address of a `T` together with its type,
        // and `_keeper` keeps it alive as long as this.
        Some(unsafe { &*attached.value.cast() })
    }
}
