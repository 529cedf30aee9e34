//! The open files of a group.
//!
//! Most have a text that a function makes and a function that takes what is
//! written ([`Content::Text`]); the table of all is in `row.rs`. Four keep
//! something for each descriptor, so they are files of their own. The files
//! of Linux behave as its own; those that only Firn has stand apart, so that
//! nothing of Linux's changes for their sake.
//!
//! | file | read | write |
//! |---|---|---|
//! | `freezer.state` | the state, in three words | `FROZEN`, `THAWED`; `FROZEN 500`: all frozen within 500 ms, or rolled back and `ETIMEDOUT` |
//! | `freezer.events` | the state; `POLLPRI` when it may have changed | |
//! | `freezer.wait` | sleeps until `FROZEN`; after a time, who still runs and what he waits for | the time in ms, for this descriptor |
//! | `freezer.stat` | figures, and who asks for freezing | |
//! | `freezer.lease` | the number of leases | `FROZEN` freezes until the descriptor is closed |
//! | `freezer.kill_frozen` | 0 or 1 | 1: a fatal signal ends a frozen task |
//! | `cgroup.kill` | | 1 ends all processes |

use alloc::sync::Arc;

use super::attach::What;
use super::group::Group;
use kernel_files::file::File;

mod lease;
mod state;
mod tasks;
mod text;
mod wait;

use lease::LeaseFile;
use state::StateFile;
use tasks::TasksFile;
use text::{TextFile, Watch};
use wait::WaitFile;

pub(super) use text::{Show, Store};

/// How an open file of a group behaves.
pub(super) enum Content {
    /// A text, made by each read from the beginning, and what a write does.
    Text(Option<Show>, Option<Store>),
    /// The numbers of tasks; a number that is written moves one.
    Tasks(Show, What),
    /// A text that can be polled for changes.
    Events(Show),
    /// `freezer.state`.
    State,
    /// `freezer.wait`.
    Wait,
    /// `freezer.lease`.
    Lease,
}

/// Opens a file of `group`.
pub(super) fn open(group: Group, content: &Content) -> Arc<dyn File> {
    match *content {
        Content::Text(show, store) => {
            Arc::new(TextFile::new(group, show, store, None))
        }
        Content::Events(show) => {
            let watch = Some(Watch::new(group));
            Arc::new(TextFile::new(group, Some(show), None, watch))
        }
        Content::Tasks(show, what) => {
            Arc::new(TasksFile::new(group, show, what))
        }
        Content::State => Arc::new(StateFile::new(group)),
        Content::Wait => Arc::new(WaitFile::new(group)),
        Content::Lease => Arc::new(LeaseFile::new(group)),
    }
}
