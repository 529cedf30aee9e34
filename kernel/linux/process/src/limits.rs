//! Resource limits, `prlimit64`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_abi::system::{RLIM_INFINITY, Rlimit};
use kernel_core::schedule::policy::Rights;

use kernel_files::table::LIMIT;

/// Number of kinds of limits.
pub const COUNT: usize = 16;

/// `RLIMIT_CPU`.
pub const CPU: usize = 0;
/// `RLIMIT_FSIZE`.
pub const FILE_SIZE: usize = 1;
/// `RLIMIT_DATA`.
const DATA: usize = 2;
/// `RLIMIT_STACK`.
pub const STACK: usize = 3;
/// `RLIMIT_CORE`.
const CORE: usize = 4;
/// `RLIMIT_NPROC`.
const PROCESSES: usize = 6;
/// `RLIMIT_NOFILE`.
pub const FILES: usize = 7;
/// `RLIMIT_MEMLOCK`.
pub(crate) const LOCKED: usize = 8;
/// `RLIMIT_AS`.
pub(crate) const ADDRESS_SPACE: usize = 9;
/// `RLIMIT_SIGPENDING`.
pub const PENDING: usize = 11;
/// `RLIMIT_MSGQUEUE`.
const MESSAGES: usize = 12;
/// `RLIMIT_NICE`, `RLIMIT_RTPRIO`.
const PRIORITIES: [usize; 2] = [13, 14];

/// Names and units, by kind, as Linux prints them.
const NAMES: [(&str, &str); COUNT] = [
    ("Max cpu time", "seconds"),
    ("Max file size", "bytes"),
    ("Max data size", "bytes"),
    ("Max stack size", "bytes"),
    ("Max core file size", "bytes"),
    ("Max resident set", "bytes"),
    ("Max processes", "processes"),
    ("Max open files", "files"),
    ("Max locked memory", "bytes"),
    ("Max address space", "bytes"),
    ("Max file locks", "locks"),
    ("Max pending signals", "signals"),
    ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""),
    ("Max realtime priority", ""),
    ("Max realtime timeout", "us"),
];

/// Some process has, or had, a limit of memory.
static IS_MEMORY_LIMITED: AtomicBool = AtomicBool::new(false);

/// Whether any process may have only so much memory or data.
#[inline]
pub fn is_memory_limited() -> bool {
    IS_MEMORY_LIMITED.load(Relaxed)
}

fn value(value: u64) -> String {
    match value {
        RLIM_INFINITY => String::from("unlimited"),
        value => value.to_string(),
    }
}

const fn limit(current: u64, maximum: u64) -> Rlimit {
    Rlimit { current, maximum }
}

/// What a process may use, by kind.
#[derive(Clone)]
pub struct Limits([Rlimit; COUNT]);

impl Limits {
    /// What the first process gets, as on Linux, where a user may have so
    /// many tasks, and as many signals that wait.
    pub const fn initial(tasks: u64) -> Self {
        let mut all = [limit(RLIM_INFINITY, RLIM_INFINITY); COUNT];
        all[STACK] = limit(8 << 20, RLIM_INFINITY);
        all[CORE] = limit(0, RLIM_INFINITY);
        all[PROCESSES] = limit(tasks, tasks);
        all[FILES] = limit(1024, 4096);
        all[LOCKED] = limit(64 << 10, 64 << 10);
        all[PENDING] = limit(tasks, tasks);
        all[MESSAGES] = limit(819_200, 819_200);
        all[PRIORITIES[0]] = limit(0, 0);
        all[PRIORITIES[1]] = limit(0, 0);
        Self(all)
    }

    /// The limit of `kind`.
    ///
    /// # Errors
    /// `EINVAL` for an unknown kind.
    pub fn get(&self, kind: usize) -> Result<Rlimit, Errno> {
        self.0.get(kind).copied().ok_or(Errno::EINVAL)
    }

    /// Sets the limit of `kind`; gives what it was.
    ///
    /// # Errors
    /// `EINVAL` for an unknown kind or a limit above its maximum; `EPERM`
    /// for a process that raises the maximum without leave, and for more
    /// descriptors than anybody may have.
    pub fn set(
        &mut self,
        kind: usize,
        new: Rlimit,
        may_raise: bool,
    ) -> Result<Rlimit, Errno> {
        let slot = self.0.get_mut(kind).ok_or(Errno::EINVAL)?;
        if new.current > new.maximum {
            return Err(Errno::EINVAL);
        }
        let is_too_much = kind == FILES && new.maximum > LIMIT as u64;
        if is_too_much || new.maximum > slot.maximum && !may_raise {
            return Err(Errno::EPERM);
        }
        let is_of_memory = matches!(kind, DATA | ADDRESS_SPACE);
        if is_of_memory && new.current != RLIM_INFINITY {
            IS_MEMORY_LIMITED.store(true, Relaxed);
        }
        Ok(core::mem::replace(slot, new))
    }

    /// The text of `/proc/PID/limits`.
    pub fn render(&self) -> Vec<u8> {
        let mut text = format!(
            "{:<26}{:<21}{:<21}{:<10}\n",
            "Limit", "Soft Limit", "Hard Limit", "Units"
        );
        for ((name, unit), limit) in NAMES.iter().zip(&self.0) {
            let [soft, hard] = [limit.current, limit.maximum].map(value);
            text += &format!("{name:<26}{soft:<21}{hard:<21}{unit:<10}\n");
        }
        text.into_bytes()
    }

    /// The soft and the hard limit of CPU time, seconds; `None` for any.
    pub fn cpu_seconds(&self) -> Option<[u64; 2]> {
        let Rlimit { current, maximum } = self.0[CPU];
        let is_limited = current.min(maximum) != RLIM_INFINITY;
        is_limited.then_some([current, maximum])
    }

    /// Raises the soft limit of CPU time: its signal was sent.
    pub fn set_cpu_soft(&mut self, seconds: u64) {
        self.0[CPU].current = seconds;
    }

    /// The soft limit of a file's size, bytes; `None` for any.
    pub fn file_size(&self) -> Option<u64> {
        let most = self.0[FILE_SIZE].current;
        (most != RLIM_INFINITY).then_some(most)
    }

    /// The soft limit of all mapped memory, bytes; `None` for any.
    pub fn address_space(&self) -> Option<u64> {
        let most = self.0[ADDRESS_SPACE].current;
        (most != RLIM_INFINITY).then_some(most)
    }

    /// The soft limit of the bytes of a user's message queues.
    pub fn message_bytes(&self) -> u64 {
        self.0[MESSAGES].current
    }

    /// The soft limit of memory that is locked, bytes.
    pub fn locked(&self) -> u64 {
        self.0[LOCKED].current
    }

    /// The soft limit of a user's tasks.
    pub fn processes(&self) -> u64 {
        self.0[PROCESSES].current
    }

    /// The soft limits of nice value and real-time priority.
    pub fn scheduling(&self) -> Rights {
        let [nice, real_time_priority] =
            PRIORITIES.map(|kind| self.0[kind].current);
        Rights { nice, real_time_priority }
    }

    /// The soft limit of the stack's size, bytes.
    pub fn stack(&self) -> u64 {
        self.0[STACK].current
    }

    /// The same, as far as there are addresses.
    pub fn stack_bytes(&self) -> usize {
        usize::try_from(self.stack()).unwrap_or(usize::MAX)
    }

    /// The soft limit of private memory that can be written, bytes; `None` for
    /// any.
    pub fn data(&self) -> Option<u64> {
        let most = self.0[DATA].current;
        (most != RLIM_INFINITY).then_some(most)
    }

    /// The soft limit of signals that wait for a user's processes.
    pub fn pending(&self) -> usize {
        usize::try_from(self.0[PENDING].current).unwrap_or(usize::MAX)
    }

    /// The soft limit of descriptors: none at or above this.
    pub fn files(&self) -> usize {
        usize::try_from(self.0[FILES].current).unwrap_or(usize::MAX)
    }
}
