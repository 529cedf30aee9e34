#![doc = include_str!("cgroup/README.md")]

pub mod attribute;
mod figures;
mod group_type;
mod knob;
mod links;
mod populated;
pub mod request;
mod slots;
mod state;
#[cfg(all(test, not(loom)))]
mod tests;
mod trail;
mod tree;
mod watch;

pub use figures::Figures;
pub use group_type::GroupType;
pub use links::Links;
pub use slots::Slots;
pub use state::{Engine, State};
pub use trail::Trail;
pub use tree::{Group, Handle, ROOT, ROOT_HANDLE, Tree};
pub use watch::Watches;
