//! The texts of `/proc` about one process or thread.
//!
//! The formats are `kernel_core::procfmt`'s; here the figures are collected.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::procfmt::NS_PER_TICK;
use kernel_core::procfmt::memory::Statm;
use kernel_core::procfmt::task as format;
use kernel_core::signal::SignalSet;

use super::inode::Text;
use super::memory;
use super::target::Target;
use crate::{cgroup, terminal};
use kernel_files::OpenFlags;
use kernel_files::table::OnExec;
use kernel_machine::mm::{AddressSpace, Observed, PAGE_SIZE, heap};
use kernel_process::image::Image;
use kernel_process::usage::Usage;
use kernel_process::{
    Thread, limits, number_of, thread_of, thread_usage, user_limit,
};
use kernel_task::account;
use kernel_task::freezer::shown_state;
use kernel_task::refrigerator::REFRIGERATOR;
use kernel_task::table;

/// `PF_FORKNOEXEC`: it has not called `execve` since it was made.
const FORK_NO_EXEC: u32 = 0x40;
/// `O_LARGEFILE`, which is shown of every file.
const LARGE_FILE: u32 = 0o400_000;
/// Most bytes of `cmdline` and `environ`.
const MOST_STRINGS: usize = 128 << 10;

impl Target {
    /// A text of `/proc` about it: about the process as a whole, or about the
    /// thread alone.
    ///
    /// # Errors
    /// `ENOMEM` if there is no memory for a long one.
    pub(super) fn text(&self, what: Text) -> Result<Vec<u8>, Errno> {
        let text = match what {
            Text::Stat => self.stat(),
            Text::Statm => self.statm(),
            Text::Status => self.status(),
            Text::CommandLine => match self.space() {
                Some(space) => {
                    self.strings(&space, |image| image.arguments.clone())?
                }
                None => Vec::new(),
            },
            Text::Name => {
                let mut name = self.task.name().as_bytes().to_vec();
                name.push(b'\n');
                name
            }
            Text::WaitChannel => self.wait_channel(),
            Text::Limits => self.limits().render(),
            Text::Groups => cgroup::groups_of(&self.task),
            Text::Environment
            | Text::Maps
            | Text::DetailedMaps
            | Text::MapSums
            | Text::Auxiliary => match self.memory()? {
                Some(space) => self.text_of_memory(what, &space)?,
                None => Vec::new(),
            },
        };
        Ok(text)
    }

    /// A copy: the text is made when the lock is free again.
    fn limits(&self) -> limits::Limits {
        let own = self.process().map(|process| process.limits.lock().clone());
        own.unwrap_or_else(user_limit::usual_limits)
    }

    /// A text that is about its memory alone, which is `space`.
    ///
    /// # Errors
    /// As [`Target::text`].
    pub(super) fn text_of_memory(
        &self,
        what: Text,
        space: &AddressSpace,
    ) -> Result<Vec<u8>, Errno> {
        match what {
            Text::Environment => {
                self.strings(space, |image| image.environment.clone())
            }
            Text::Auxiliary => {
                self.strings(space, |image| image.auxiliary.clone())
            }
            Text::Maps => memory::maps(space),
            Text::DetailedMaps => memory::detailed_maps(space),
            Text::MapSums => memory::sums(space),
            other => self.text(other),
        }
    }

    fn space(&self) -> Option<Observed> {
        self.process()?.space().map(Observed::from)
    }

    fn state(&self) -> format::State {
        let zombie = self.user.as_ref().and_then(|user| user.zombie);
        match zombie {
            Some(_) => format::State::Zombie,
            None => shown_state(&self.task),
        }
    }

    fn with_identity<T>(
        &self,
        tell: impl FnOnce(&format::Identity<'_>) -> T,
    ) -> T {
        let name = self.task.name();
        let id = number_of(&self.task);
        let process = self.process();
        let threads = process.map_or(1, |it| it.threads().len().max(1));
        let own = process.map_or(id, |process| process.id);
        tell(&format::Identity {
            pid: if self.is_whole { own } else { id },
            tgid: own,
            ppid: process.map_or(0, |process| process.parent()),
            pgrp: process.map_or(0, |process| process.group()),
            session: process.map_or(0, |process| process.session()),
            comm: name.as_bytes(),
            state: self.state(),
            threads: threads as u32,
        })
    }

    /// The number of the thread that traces it, or 0.
    fn tracer(&self) -> u32 {
        let tracer = self.thread().and_then(Thread::tracer);
        let task = tracer.and_then(|tracer| table::find(tracer.task));
        let thread = task.as_deref().and_then(thread_of);
        thread.map_or(0, Thread::id)
    }

    fn signals(&self) -> format::Signals {
        let Some((process, thread)) = self.process().zip(self.thread()) else {
            let ignored = SignalSet::ALL.0;
            return format::Signals { ignored, ..Default::default() };
        };
        let signals = process.signals.lock();
        let [ignored, caught] = signals.state.ignored_and_caught();
        let mut sets = format::Signals {
            ignored: ignored.0,
            caught: caught.0,
            ..Default::default()
        };
        if signals.task(thread.key).is_some() {
            let [own, shared] = signals.state.pending_sets(thread.key);
            sets.pending = own.0;
            sets.shared = shared.0;
            sets.blocked = signals.state.blocked(thread.key).0;
        }
        sets
    }

    fn flags(&self) -> u32 {
        let is_copy = self.process().is_some_and(|it| it.program() == 0);
        let copied = if is_copy { FORK_NO_EXEC } else { 0 };
        self.task.freezer.stat_flags() | copied
    }

    fn usage(&self) -> Usage {
        match self.process() {
            Some(process) if self.is_whole => process.usage(),
            _ => thread_usage(&self.task),
        }
    }

    fn stat(&self) -> Vec<u8> {
        let usage = self.usage();
        let children = self
            .process()
            .map(|process| *process.children_usage.lock())
            .unwrap_or_default();
        // Where things are is for who may look.
        let is_shown = self.memory().is_ok();
        let image = self
            .process()
            .filter(|_| is_shown)
            .map(|process| process.image.lock().clone())
            .unwrap_or_default();
        let space = self.space();
        let pages = |count: fn(&AddressSpace) -> usize| {
            space.as_deref().map_or(0, |space| count(space) as u64)
        };
        let pair = |range: &core::ops::Range<usize>| {
            [range.start as u64, range.end as u64]
        };
        let times = |usage: &Usage| {
            [usage.user_ns / NS_PER_TICK, usage.system_ns / NS_PER_TICK]
        };
        let session = self.process().map_or(0, |it| it.session());
        let terminal = terminal::of_session(session);
        let user = self.user.as_ref();
        let scheduling = account::account(&self.task).attributes();
        let stat = format::Stat {
            tty: terminal.map_or(0, |(device, _)| device),
            tpgid: terminal.map_or(-1, |(_, group)| group as i32),
            flags: self.flags(),
            minor_faults: [usage.faults, children.faults],
            times: times(&usage),
            child_times: times(&children),
            nice: scheduling.nice.into(),
            priority: scheduling.priority,
            policy: scheduling.policy as u32,
            start: self.task.start_ns / NS_PER_TICK,
            size: pages(AddressSpace::mapped_pages) * PAGE_SIZE as u64,
            resident: pages(AddressSpace::resident_pages),
            resident_limit: u64::MAX,
            code: pair(&image.code),
            stack: image.stack_start as u64,
            signals: self.signals(),
            waits: is_shown && !self.task.sleeps_in().is_empty(),
            exit_signal: user.map_or(0, |user| user.exit_signal as i32),
            cpu: self.task.cpu() as u32,
            arguments: pair(&image.arguments),
            environment: pair(&image.environment),
            exit_code: user
                .filter(|_| is_shown)
                .and_then(|user| user.zombie)
                .unwrap_or(0),
            ..Default::default()
        };
        let mut text = Vec::new();
        self.with_identity(|who| stat.render(who, &mut text));
        text
    }

    fn status(&self) -> Vec<u8> {
        let credentials = self
            .process()
            .map(|process| process.credentials.lock().clone())
            .unwrap_or_default();
        let (user, group) = (credentials.user, credentials.group);
        let usage = thread_usage(&self.task);
        let umask = self.thread().and_then(|thread| thread.fs().ok());
        let status = format::Status {
            umask: umask.map_or(0, |fs| fs.umask()),
            uids: [
                user.real,
                user.effective,
                user.saved,
                credentials.file_user,
            ],
            gids: [
                group.real,
                group.effective,
                group.saved,
                credentials.file_group,
            ],
            groups: &credentials.groups,
            fd_slots: 64,
            keeps_rights: self
                .process()
                .is_some_and(|process| process.attributes.keeps_rights()),
            memory: self.space().map(|space| memory::status_of(&space)),
            queued: self
                .process()
                .map_or([0, 0], |process| process.queued_signals()),
            signals: self.signals(),
            capabilities: credentials.capabilities,
            cpus: self.task.usable_cpus().into(),
            switches: [usage.voluntary, usage.involuntary],
            tracer: self.tracer(),
        };
        let mut text = Vec::new();
        self.with_identity(|who| status.render(who, &mut text));
        text
    }

    /// What is told of a descriptor: its place, its flags, its mount.
    ///
    /// # Errors
    /// `ENOENT` if it is not open.
    pub(super) fn descriptor_details(&self, fd: u32) -> Result<Vec<u8>, Errno> {
        let files = self.files()?;
        let file = files.get(fd as usize).map_err(|_| Errno::ENOENT)?;
        let mut flags = file.flags();
        let on_exec = files.on_exec(fd as usize).unwrap_or(OnExec::Keep);
        flags.set(OpenFlags::CLOSE_ON_EXEC, on_exec == OnExec::Close);
        let details = format::Descriptor {
            position: file.position(),
            flags: flags.bits() | LARGE_FILE,
            mount: file.location.mount.id(),
            inode: file.inode().id().number,
        };
        let mut text = Vec::new();
        details.render(&mut text);
        file.file().tell_details(&mut text);
        Ok(text)
    }

    fn statm(&self) -> Vec<u8> {
        let statm = self.space().map_or(Statm::default(), |space| Statm {
            size: space.mapped_pages() as u64,
            resident: space.resident_pages() as u64,
            data: space.mapped_pages() as u64,
            ..Statm::default()
        });
        let mut text = Vec::new();
        statm.render(&mut text);
        text
    }

    /// Strings of the program, read from its memory.
    fn strings(
        &self,
        space: &AddressSpace,
        pick: fn(&Image) -> core::ops::Range<usize>,
    ) -> Result<Vec<u8>, Errno> {
        let mut bytes = Vec::new();
        let Some(process) = self.process() else { return Ok(bytes) };
        let range = pick(&process.image.lock());
        let length = range.len().min(MOST_STRINGS);
        heap::reserve(&mut bytes, length)?;
        bytes.resize(length, 0);
        match space.read_at(range.start, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// A task is frozen a few steps before it has gone to sleep.
    fn wait_channel(&self) -> Vec<u8> {
        match self.task.sleeps_in() {
            _ if self.memory().is_err() => b"0".to_vec(),
            _ if self.task.freezer.frozen() => REFRIGERATOR.as_bytes().to_vec(),
            "" => b"0".to_vec(),
            place => place.as_bytes().to_vec(),
        }
    }
}
