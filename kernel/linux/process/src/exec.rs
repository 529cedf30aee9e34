//! `execve(2)`: a process becomes another program.
//!
//! The new memory is built completely, beside the old one, before anything
//! of the old program goes; so whatever is wrong with a file is found while
//! the caller can still be told. What follows cannot fail: the other threads
//! end, memory is exchanged, handlers and descriptors that do not outlive an
//! exec go, and the registers of the new program stand in the frame.
//!
//! Read next: `load.rs`, how a file becomes memory.

use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::SeqCst;

use kernel_abi::Errno;
use kernel_core::executable::stack::MAX_STRING;
use kernel_core::freezer::Host;
use kernel_core::path::PATH_MAX;

use super::load::{self, Found, Loaded, Request};
use super::ptrace::link;
use super::signal::{act, send};
use super::{CurrentThread, current, exit, futex, handlers, oom};
use kernel_files::FileType;
use kernel_files::table::OnExec;
use kernel_files::walk::{AT_FDCWD, Asker, LastLink};
use kernel_machine::arch::thread::{self as machine, FpState};
use kernel_machine::arch::trap::TrapFrame;
use kernel_machine::mm::user;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::sleep::{give_way_and_go_on, give_way_until_killed};

/// Strings that are read, or let go of, between two looks whether to freeze.
const STRINGS: usize = 256;
/// At least this many bytes of strings are allowed, whatever the limit of
/// the stack (Linux: 32 pages).
const LEAST_ROOM: usize = 128 << 10;
/// No more than this whatever the limit: three quarters of 8 MiB.
pub(super) const MOST_ROOM: usize = 6 << 20;

/// Of so many bytes of strings some are copied before anybody looks whether
/// there is memory for them.
const UNCHECKED: usize = 64 << 10;

/// The file of an exec: where its path begins, and how far links are followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The directory, or with an empty path the file itself.
    pub base: i32,
    /// An empty path is allowed (`AT_EMPTY_PATH`).
    pub takes_empty: bool,
    /// The file must not be a symbolic link (`AT_SYMLINK_NOFOLLOW`).
    pub refuses_link: bool,
}

impl Place {
    /// As `execve` has it.
    pub const USUAL: Self =
        Self { base: AT_FDCWD, takes_empty: false, refuses_link: false };

    /// Finds the file of `request`, unless its path alone leads there; then
    /// the path becomes one by which a program can know it.
    fn find(
        self,
        thread: &CurrentThread,
        request: &mut Request,
    ) -> Result<(), Errno> {
        if self == Self::USUAL {
            return Ok(());
        }
        let path = &request.path[..];
        let (table, context) = (thread.files()?, thread.fs()?);
        let asker = Asker { context: &context, table: &table };
        let location = if path.is_empty() && self.takes_empty {
            asker.base(self.base)?
        } else if self.refuses_link {
            asker.find(self.base, path, LastLink::Keep)?
        } else {
            asker.find(self.base, path, LastLink::Follow)?
        };
        if location.inode.kind() == FileType::Symlink {
            return Err(Errno::ELOOP);
        }
        let mut is_hidden = false;
        if !path.starts_with(b"/") && self.base != AT_FDCWD {
            is_hidden = usize::try_from(self.base)
                .is_ok_and(|fd| table.on_exec(fd) == Ok(OnExec::Close));
            let mut name = format!("/dev/fd/{}", self.base).into_bytes();
            if !path.is_empty() {
                name.push(b'/');
                name.extend_from_slice(path);
            }
            request.path = name;
        }
        request.found = Some(Found { location, is_hidden });
        Ok(())
    }
}

/// `execve(2)` and `execveat(2)` with user addresses; on success `frame` is the
/// new program's.
///
/// # Errors
/// As there; the old program goes on.
pub fn execve(
    frame: &mut TrapFrame,
    place: Place,
    path: usize,
    arguments: usize,
    environment: usize,
) -> Result<(), Errno> {
    let thread = current();
    thread.process.check_user_tasks()?;
    let stack = thread.process.limits.lock().stack();
    let room = usize::try_from(stack / 4).unwrap_or(MOST_ROOM);
    let room = room.clamp(LEAST_ROOM, MOST_ROOM);
    let mut left = room;
    let mut request = Request {
        path: user::read_cstr(path, PATH_MAX)?,
        found: None,
        arguments: read_strings(arguments, &mut left)?,
        environment: Vec::new(),
        room,
    };
    if request.arguments.is_empty() {
        // Many programs take their name for granted (execve(2)).
        request.arguments.push(Vec::new());
    }
    request.environment = read_strings(environment, &mut left)?;
    place.find(&thread, &mut request)?;
    become_program(&thread, frame, request)
}

impl Drop for Request {
    /// In pieces: strings may be many.
    fn drop(&mut self) {
        for strings in [&mut self.arguments, &mut self.environment] {
            while strings.len() > STRINGS {
                strings.truncate(strings.len() - STRINGS);
                give_way_and_go_on();
            }
        }
    }
}

/// Reads an array of strings that ends with a null pointer.
fn read_strings(array: usize, room: &mut usize) -> Result<Vec<Vec<u8>>, Errno> {
    let mut strings = Vec::new();
    if array == 0 {
        return Ok(strings);
    }
    loop {
        let place = array.wrapping_add(strings.len() * size_of::<usize>());
        let address: usize = user::read_value(place)?;
        if address == 0 {
            return Ok(strings);
        }
        let read = || user::read_cstr(address, MAX_STRING);
        let string = oom::with_memory(read);
        let string = string.map_err(|error| match error {
            Errno::ENAMETOOLONG => Errno::E2BIG,
            other => other,
        })?;
        let size = string.len() + 1 + size_of::<usize>();
        let before = *room;
        *room = room.checked_sub(size).ok_or(Errno::E2BIG)?;
        if before / UNCHECKED != *room / UNCHECKED {
            oom::wait_for_memory()?;
            give_way_until_killed()?;
        }
        if strings.len() % STRINGS == 0 {
            give_way_until_killed()?;
        }
        strings.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        strings.push(string);
    }
}

/// The running process becomes the program that `request` names.
///
/// # Errors
/// As [`execve`].
pub(super) fn become_program(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    request: Request,
) -> Result<(), Errno> {
    oom::wait_for_memory()?;
    let mut loaded = load::load(thread, request)?;
    let was_alone = end_other_threads(thread)?;
    let ready = loaded
        .renew_credentials(thread)
        // A table of descriptors that other processes share is left to them.
        .and_then(|()| thread.own_files());
    if let Err(error) = ready {
        if was_alone {
            return Err(error);
        }
        // The old program cannot go on without its threads.
        send::kill_process(&thread.process);
        return Err(Errno::ERESTARTNOINTR);
    }
    commit(thread, frame, loaded);
    Ok(())
}

/// Kills the other threads of the process and waits until they are gone; true
/// if there was none.
///
/// # Errors
/// `ERESTARTNOINTR` if the process is to end itself.
fn end_other_threads(thread: &CurrentThread) -> Result<bool, Errno> {
    let process = &thread.process;
    let mut signals = process.signals.lock();
    if signals.threads.len() == 1 {
        return Ok(true);
    }
    if !signals.state.begin_exec(thread.key) {
        return Err(Errno::ERESTARTNOINTR);
    }
    for member in signals.threads.iter().filter(|it| it.key != thread.key) {
        act::kill_thread(&member.task);
    }
    drop(signals);
    let is_alone = || (process.signals.lock().threads.len() == 1).then_some(());
    process
        .threads_changed
        .wait_killable("de_thread", is_alone)
        .map(|()| false)
        .map_err(|_| Errno::ERESTARTNOINTR)
}

/// The new program takes the place of the old one. Cannot fail.
fn commit(thread: &CurrentThread, frame: &mut TrapFrame, loaded: Loaded) {
    let process = &thread.process;
    let task = thread.task();
    futex::release_robust_list(thread);
    futex::pi::release(thread, futex::End::Exec);
    process.programs.fetch_add(1, SeqCst);
    let Loaded { space, credentials, .. } = loaded;
    let (user, group) = (credentials.user, credentials.group);
    let gives_rights =
        user.real != user.effective || group.real != group.effective;
    thread.personality.exec(gives_rights);
    process.limit_growth(&space);
    let exchange = || link::install(thread, space.clone(), credentials);
    exit::release_memory(thread, exchange);
    // Its rights are the new ones by now.
    process.limit_growth(&space);
    link::rename(thread);
    if let Ok(files) = thread.files() {
        files.close_on_exec();
    }
    handlers::unshare(process);
    // The timers go first: they send no more signals then.
    process.timers.exec();
    {
        let mut signals = process.signals.lock();
        signals.state.exec(thread.key);
    }
    thread.restart.forget();
    // What goes is dropped after each guard, since a file may end with it.
    let old = core::mem::replace(&mut *process.image.lock(), loaded.image);
    drop(old);
    task.set_name(&loaded.name);
    let request = FREEZER.exec(&FreezerHost, &*task);
    FreezerHost.deliver(&task, request);
    machine::set_fp_state(&FpState::zeroed());
    machine::set_user_thread_pointer(0);
    *frame = TrapFrame {
        sp: loaded.stack_pointer,
        pc: loaded.entry,
        ..TrapFrame::default()
    };
}
