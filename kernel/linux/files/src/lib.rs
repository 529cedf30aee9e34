//! Files: names, open files, and what lies behind them.
//!
//! Three things are kept apart, as in every Unix. An [`Inode`](inode::Inode) is
//! a file as it lies in a file system. A [`File`](file::File) is the machinery
//! of an open one. An [`OpenFile`] is what a descriptor refers to: a file's
//! machinery, an offset, flags; descriptors that come from one `open` share it.
//! Descriptors stand in a [`FileTable`]; where a process stands in the tree of
//! names is its [`FsContext`].
//!
//! Reading order: `inode.rs`, `file.rs`, `open_file.rs`, `buffer.rs`, `walk.rs`
//! (names), `mount.rs`, `operation.rs` (what system calls do to names), then
//! the file systems: `ramfs.rs`, `sys.rs`; then `pipe.rs`, `device.rs`.
//!
//! No spin lock is held while user memory is copied: a copy may fault, and a
//! fault may sleep.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod anonymous;
pub mod attribute;
pub mod buffer;
pub mod clock;
pub mod context;
pub mod device;
pub mod epoll;
pub mod eventfd;
pub mod file;
pub mod flags;
pub mod generated;
pub mod initramfs;
pub mod inode;
pub mod inotify;
pub mod location;
pub mod lock;
pub mod memfd;
pub mod mount;
pub mod open_file;
pub mod operation;
pub mod permission;
pub mod pipe;
pub mod poll;
pub mod ramfs;
mod room;
pub mod size_limit;
pub mod socket;
pub mod start;
pub mod sys;
pub mod table;
pub mod timerfd;
pub mod user_quota;
pub mod walk;
pub mod write_access;
pub mod write_count;

pub use buffer::{Input, Output};
pub use context::{FsContext, FsShare};
pub use flags::{OpenFlags, PollEvents};
pub use inode::FileType;
pub use location::Location;
pub use open_file::OpenFile;
pub use table::FileTable;
