#![doc = include_str!("freezer/README.md")]

mod count;
mod gate;
mod group;
mod host;
mod life;
#[cfg(all(test, loom))]
mod model;
mod record;
mod state;
mod sweep;
mod task;
#[cfg(all(test, not(loom)))]
mod tests;
mod transition;
mod walk;

pub use gate::KthreadStop;
pub(crate) use host::barrier;
pub use host::{Delivery, HelperDepth, Host, Request, Step, System};
pub use record::{LogEvent, Outcome, Phase, Record};
pub use state::{
    DEFAULT_FREEZE_TIMEOUT_MS, FREEZING_BITS, FreezeTimeout, Freezer,
    LEASE_FREEZING, PARENT_FREEZING, SELF_FREEZING,
};
pub use task::{Flags, Groups, Hierarchy, TaskFreezer};
pub use walk::{Places, Walk};
