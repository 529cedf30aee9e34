//! Processes that are no copy of another: the first one, and the kernel's
//! helpers.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::freezer::{Flags, Groups};
use kernel_core::schedule::Entity;
use kernel_core::signal::{Actions, SignalSet};

use super::creation::{self, Belongings, Unentered};
use super::credentials::Credentials;
use super::exec::{MOST_ROOM, become_program};
use super::first_step::FirstStep;
use super::image::Image;
use super::load::Request;
use super::prctl::Attributes;
use super::process::Inherited;
use super::signal::Signals;
use super::user::{Place, User};
use super::user_limit::usual_limits;
use super::{current, tree};
use kernel_files::{FileTable, FsContext};
use kernel_machine::arch::timer;
use kernel_machine::arch::trap::TrapFrame;
use kernel_machine::mm::AddressSpace;
use kernel_machine::panic::refuse;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{Kind, NewTask, Numbered, Task};

/// What a process may become that is no copy of another.
pub struct Programs {
    /// Paths, the best first.
    pub candidates: Vec<Vec<u8>>,
    /// Arguments after the path.
    pub arguments: Vec<Vec<u8>>,
    /// Environment, `NAME=value` each.
    pub environment: Vec<Vec<u8>>,
}

/// Makes the first process, number 1, with these open files and directories.
/// It runs once it is woken by [`wake_new`](kernel_task::wake::wake_new), and
/// then becomes one of `programs`.
///
/// # Errors
/// `ENOMEM`.
pub fn first_process(
    programs: Programs,
    files: Arc<FileTable>,
    fs: Arc<FsContext>,
) -> Result<Arc<Task>, Errno> {
    let become_first = move || Ok(first_program(programs));
    make_process(NewProcess {
        id: Numbered::First,
        name: b"swapper/0",
        first_step: FirstStep::Program(Box::new(become_first)),
        files,
        fs,
        flags: Flags::empty(),
    })
}

/// What a process without a parent is made of.
pub(super) struct NewProcess {
    pub(super) id: Numbered,
    pub(super) name: &'static [u8],
    pub(super) first_step: FirstStep,
    pub(super) files: Arc<FileTable>,
    pub(super) fs: Arc<FsContext>,
    pub(super) flags: Flags,
}

/// Makes a process of root without a parent, in no group.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub(super) fn make_process(new: NewProcess) -> Result<Arc<Task>, Errno> {
    let is_init = matches!(new.id, Numbered::First);
    let task = Task::new(NewTask {
        id: new.id,
        kind: Kind::User,
        name: new.name,
        entry: creation::begin,
        space: Some(AddressSpace::new()?),
        allowed: u32::MAX,
        account: Entity::new(0),
        user_state: None,
    })?;
    let (user, limits) = (User::find(0), usual_limits());
    let room = user.room(limits.pending());
    let inherited = Inherited {
        signals: Signals::new(Actions::default(), is_init, room),
        credentials: Credentials::default(),
        limits,
        user,
        image: Image::default(),
        maker: 0,
        attributes: Attributes::default(),
    };
    let (process, key) =
        creation::new_process(task.id(), inherited, SignalSet::EMPTY)?;
    let belongings = Belongings {
        files: new.files,
        fs: new.fs,
        clear_at_exit: 0,
        vfork: None,
        undo: None,
        place: Place::of(User::find(0)),
        first_step: new.first_step,
    };
    let first = Unentered::new(task, process, key, belongings);
    let task = first.enter(&mut tree::lock(), 0, |task| {
        FREEZER.born_with(&FreezerHost, &task.freezer, new.flags, Groups::ROOT);
    });
    Ok(task)
}

/// The first process becomes the first of `programs` that exists. If none
/// can be run, there is nothing to do and the machine stops.
fn first_program(programs: Programs) -> TrapFrame {
    let thread = current();
    let mut frame = TrapFrame::default();
    let Programs { candidates, arguments, environment } = programs;
    for path in candidates {
        let name = String::from_utf8_lossy(&path).into_owned();
        let request = request_of(path, &arguments, &environment);
        match become_program(&thread, &mut frame, request) {
            Ok(()) => {
                log::info!("Run {name} as init process");
                let us = timer::now_ns() / 1000;
                log::info!("first user instruction after {us} us");
                return frame;
            }
            Err(Errno::ENOENT) => {}
            Err(error) => {
                log::error!(
                    "Starting init: {name} exists but couldn't \
                    execute it (error {error})"
                );
            }
        }
    }
    refuse("no working init found; try init=PROGRAM")
}

/// The calling process, which runs nothing yet, becomes the one program that
/// may be.
///
/// # Errors
/// As [`execve`](super::exec::execve).
pub(super) fn only_program(programs: Programs) -> Result<TrapFrame, Errno> {
    let mut frame = TrapFrame::default();
    let Programs { mut candidates, arguments, environment } = programs;
    let path = candidates.pop().ok_or(Errno::ENOENT)?;
    let request = request_of(path, &arguments, &environment);
    become_program(&current(), &mut frame, request)?;
    Ok(frame)
}

/// The path is the first argument.
fn request_of(
    path: Vec<u8>,
    arguments: &[Vec<u8>],
    environment: &[Vec<u8>],
) -> Request {
    let mut all = Vec::from([path.clone()]);
    all.extend_from_slice(arguments);
    let environment = environment.to_vec();
    Request { path, found: None, arguments: all, environment, room: MOST_ROOM }
}
