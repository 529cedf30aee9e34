//! `/proc/PID/stat` and `/proc/PID/status`.

use alloc::vec::Vec;

use super::{escape, render_cpu_list, text};
use crate::capability::Capabilities;
use crate::task_state;

#[cfg(test)]
mod tests;

/// What a task does, as `ps` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Runs or could run.
    Running,
    /// Sleeps; a signal wakes it.
    Sleeping,
    /// Sleeps; no signal wakes it. A frozen task is shown so, too.
    DiskSleep,
    /// Stopped by a signal.
    Stopped,
    /// Stopped by its debugger.
    Tracing,
    /// Ended, not waited for.
    Zombie,
    /// Gone.
    Dead,
    /// A parked kernel thread.
    Parked,
    /// A kernel thread that waits without counting as load.
    Idle,
}

impl State {
    /// The letter in `stat`.
    pub const fn letter(self) -> char {
        match self {
            State::Running => 'R',
            State::Sleeping => 'S',
            State::DiskSleep => 'D',
            State::Stopped => 'T',
            State::Tracing => 't',
            State::Zombie => 'Z',
            State::Dead => 'X',
            State::Parked => 'P',
            State::Idle => 'I',
        }
    }

    /// The word in `status`.
    pub const fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Sleeping => "sleeping",
            State::DiskSleep => "disk sleep",
            State::Stopped => "stopped",
            State::Tracing => "tracing stop",
            State::Zombie => "zombie",
            State::Dead => "dead",
            State::Parked => "parked",
            State::Idle => "idle",
        }
    }

    /// What is shown of a task with these bits of [`task_state`]. One that
    /// `is_frozen` sleeps as `D`, whatever it sleeps in, unless it is dead
    /// (SPECIFICATION.md U7, G4, S4). Linux 6.1 does so; Linux 5.10 shows how a
    /// task that it did not have to wake sleeps.
    pub const fn of(state: u32, is_frozen: bool) -> State {
        match state {
            bits if bits & task_state::DEAD != 0 => State::Zombie,
            bits if bits & task_state::PARKED != 0 => State::Parked,
            _ if is_frozen => State::DiskSleep,
            task_state::RUNNING | task_state::WAKING => State::Running,
            bits if bits & task_state::STOPPED != 0 => State::Stopped,
            bits if bits & task_state::TRACED != 0 => State::Tracing,
            bits if bits & task_state::UNINTERRUPTIBLE != 0 => State::DiskSleep,
            _ => State::Sleeping,
        }
    }
}

/// Who a task is and to whom it belongs.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Task id.
    pub pid: u32,
    /// Id of its process.
    pub tgid: u32,
    /// The parent process.
    pub ppid: u32,
    /// Process group.
    pub pgrp: u32,
    /// Session.
    pub session: u32,
    /// Name, at most 15 bytes.
    pub comm: &'a [u8],
    /// What it does.
    pub state: State,
    /// Threads of its process.
    pub threads: u32,
}

/// Signals, by their bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signals {
    /// Pending for the task.
    pub pending: u64,
    /// Pending for the process.
    pub shared: u64,
    /// Blocked.
    pub blocked: u64,
    /// Ignored by choice.
    pub ignored: u64,
    /// With a handler.
    pub caught: u64,
}

/// The fields of `/proc/PID/stat` beyond [`Identity`]. Times in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stat {
    /// Device number of the terminal, or 0.
    pub tty: u32,
    /// Foreground process group of the terminal, or -1.
    pub tpgid: i32,
    /// `PF_*`, the freezer's flags among them (SPECIFICATION.md F4).
    pub flags: u32,
    /// Page faults without input, own and of children waited for.
    pub minor_faults: [u64; 2],
    /// Page faults with input, own and of children waited for.
    pub major_faults: [u64; 2],
    /// User and kernel time.
    pub times: [u64; 2],
    /// User and kernel time of children waited for.
    pub child_times: [u64; 2],
    /// Nice level.
    pub nice: i32,
    /// Real-time priority; 0 for none.
    pub priority: u8,
    /// When it started, in ticks since boot.
    pub start: u64,
    /// Bytes of address space.
    pub size: u64,
    /// Resident pages.
    pub resident: u64,
    /// Limit of resident bytes.
    pub resident_limit: u64,
    /// Code from and to.
    pub code: [u64; 2],
    /// Bottom of the stack.
    pub stack: u64,
    /// Stack pointer and program counter; 0 unless dying.
    pub registers: [u64; 2],
    /// Signals.
    pub signals: Signals,
    /// Whether it waits somewhere in the kernel.
    pub waits: bool,
    /// Signal sent to the parent at the end.
    pub exit_signal: i32,
    /// CPU it ran on last.
    pub cpu: u32,
    /// Scheduling policy.
    pub policy: u32,
    /// Data from and to, and the start of the heap.
    pub data: [u64; 3],
    /// Argument strings from and to.
    pub arguments: [u64; 2],
    /// Environment strings from and to.
    pub environment: [u64; 2],
    /// Wait status of the end.
    pub exit_code: u32,
}

impl Stat {
    /// The line, 52 fields.
    pub fn render(&self, who: &Identity, out: &mut Vec<u8>) {
        text!(out, "{} (", who.pid);
        out.extend_from_slice(who.comm);
        text!(out, ") {} {} ", who.state.letter(), who.ppid);
        text!(out, "{} {} {} ", who.pgrp, who.session, self.tty);
        text!(out, "{} {} ", self.tpgid, self.flags);
        words(out, &self.minor_faults);
        words(out, &self.major_faults);
        words(out, &self.times);
        words(out, &self.child_times);
        // Real-time priorities are shown below 0, the others from 0 to 39.
        let shown = match self.priority {
            0 => 20 + self.nice,
            priority => -1 - i32::from(priority),
        };
        text!(out, "{shown} {} {} ", self.nice, who.threads);
        words(out, &[0, self.start, self.size, self.resident]);
        words(out, &[self.resident_limit]);
        words(out, &self.code);
        words(out, &[self.stack]);
        words(out, &self.registers);
        // Real-time signals do not fit these old fields.
        let signals = &self.signals;
        let old = |set: u64| set & 0x7fff_ffff;
        words(out, &[old(signals.pending), old(signals.blocked)]);
        words(out, &[old(signals.ignored), old(signals.caught)]);
        words(out, &[u64::from(self.waits), 0, 0]);
        text!(out, "{} {} ", self.exit_signal, self.cpu);
        text!(out, "{} {} ", self.priority, self.policy);
        words(out, &[0, 0, 0]);
        words(out, &self.data);
        words(out, &self.arguments);
        words(out, &self.environment);
        text!(out, "{}\n", self.exit_code);
    }
}

fn words(out: &mut Vec<u8>, values: &[u64]) {
    for value in values {
        text!(out, "{value} ");
    }
}

/// What `/proc/PID/fdinfo` tells of every descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Its offset.
    pub position: u64,
    /// `O_*`.
    pub flags: u32,
    /// The mount it lies in.
    pub mount: u32,
    /// Its inode.
    pub inode: u64,
}

impl Descriptor {
    /// The lines.
    pub fn render(&self, out: &mut Vec<u8>) {
        text!(out, "pos:\t{}\nflags:\t0{:o}\n", self.position, self.flags);
        text!(out, "mnt_id:\t{}\nino:\t{}\n", self.mount, self.inode);
    }
}

/// Memory of a process in KiB, for `status`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Largest address space so far.
    pub peak: u64,
    /// Address space.
    pub size: u64,
    /// What is to stay in memory.
    pub locked: u64,
    /// Most resident so far.
    pub high_water: u64,
    /// Resident and anonymous.
    pub anonymous: u64,
    /// Resident, of files.
    pub file: u64,
    /// Resident and shared.
    pub shared: u64,
    /// Private writable data.
    pub data: u64,
    /// Stack.
    pub stack: u64,
    /// Code.
    pub code: u64,
    /// Libraries.
    pub libraries: u64,
    /// Page tables.
    pub tables: u64,
}

/// The fields of `/proc/PID/status` beyond [`Identity`].
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    /// File creation mask.
    pub umask: u32,
    /// Real, effective, saved and file system user id.
    pub uids: [u32; 4],
    /// The same of the group.
    pub gids: [u32; 4],
    /// Further groups.
    pub groups: &'a [u32],
    /// Slots for file descriptors.
    pub fd_slots: u32,
    /// `execve` gives no more rights.
    pub keeps_rights: bool,
    /// None for kernel threads.
    pub memory: Option<Memory>,
    /// Signals queued and how many may be.
    pub queued: [u64; 2],
    /// Signals.
    pub signals: Signals,
    /// Its rights among those of the user who may do everything.
    pub capabilities: Capabilities,
    /// CPUs on which it may run.
    pub cpus: u64,
    /// Voluntary and involuntary switches.
    pub switches: [u64; 2],
    /// The thread that traces it, or 0.
    pub tracer: u32,
}

impl Status<'_> {
    /// The file.
    pub fn render(&self, who: &Identity, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Name:\t");
        escape(out, who.comm, b"\n\\");
        text!(out, "\nUmask:\t{:04o}\n", self.umask);
        let state = who.state;
        text!(out, "State:\t{} ({})\n", state.letter(), state.word());
        text!(out, "Tgid:\t{}\nNgid:\t0\nPid:\t{}\n", who.tgid, who.pid);
        text!(out, "PPid:\t{}\nTracerPid:\t{}\n", who.ppid, self.tracer);
        ids(out, "Uid", &self.uids);
        ids(out, "Gid", &self.gids);
        text!(out, "FDSize:\t{}\nGroups:\t", self.fd_slots);
        for (index, group) in self.groups.iter().enumerate() {
            text!(out, "{}{group}", if index == 0 { "" } else { " " });
        }
        text!(out, " \nNStgid:\t{}\nNSpid:\t{}\n", who.tgid, who.pid);
        text!(out, "NSpgid:\t{}\nNSsid:\t{}\n", who.pgrp, who.session);
        if let Some(memory) = &self.memory {
            memory.render(out);
        }
        text!(out, "Threads:\t{}\n", who.threads);
        let [queued, limit] = self.queued;
        text!(out, "SigQ:\t{queued}/{limit}\n");
        self.render_sets(out);
        let keeps_rights = u32::from(self.keeps_rights);
        text!(out, "NoNewPrivs:\t{keeps_rights}\nSeccomp:\t0\n");
        text!(out, "Cpus_allowed:\t{:x}\nCpus_allowed_list:\t", self.cpus);
        render_cpu_list(out, self.cpus);
        text!(out, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
        let [voluntary, involuntary] = self.switches;
        text!(out, "voluntary_ctxt_switches:\t{voluntary}\n");
        text!(out, "nonvoluntary_ctxt_switches:\t{involuntary}\n");
    }

    fn render_sets(&self, out: &mut Vec<u8>) {
        let signals = &self.signals;
        let own = &self.capabilities;
        for (name, set) in [
            ("SigPnd", signals.pending),
            ("ShdPnd", signals.shared),
            ("SigBlk", signals.blocked),
            ("SigIgn", signals.ignored),
            ("SigCgt", signals.caught),
            ("CapInh", own.inheritable.bits()),
            ("CapPrm", own.permitted.bits()),
            ("CapEff", own.effective.bits()),
            ("CapBnd", own.bounding.bits()),
            ("CapAmb", own.ambient.bits()),
        ] {
            text!(out, "{name}:\t{set:016x}\n");
        }
    }
}

impl Memory {
    fn render(&self, out: &mut Vec<u8>) {
        for (name, value) in [
            ("VmPeak", self.peak),
            ("VmSize", self.size),
            ("VmLck", self.locked),
            ("VmPin", 0),
            ("VmHWM", self.high_water),
            ("VmRSS", self.anonymous + self.file + self.shared),
            ("RssAnon", self.anonymous),
            ("RssFile", self.file),
            ("RssShmem", self.shared),
            ("VmData", self.data),
            ("VmStk", self.stack),
            ("VmExe", self.code),
            ("VmLib", self.libraries),
            ("VmPTE", self.tables),
            ("VmSwap", 0),
        ] {
            text!(out, "{name}:\t{value:8} kB\n");
        }
        text!(out, "CoreDumping:\t0\nTHP_enabled:\t0\n");
    }
}

fn ids(out: &mut Vec<u8>, name: &str, ids: &[u32; 4]) {
    let [real, effective, saved, file] = ids;
    text!(out, "{name}:\t{real}\t{effective}\t{saved}\t{file}\n");
}
