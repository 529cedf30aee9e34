//! Resource limits, `prlimit64`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::system::{RLIM_INFINITY, Rlimit};

/// Number of kinds of limits.
pub const COUNT: usize = 16;

/// `RLIMIT_FSIZE`.
pub const FILE_SIZE: usize = 1;
/// `RLIMIT_STACK`.
pub const STACK: usize = 3;
/// `RLIMIT_CORE`.
const CORE: usize = 4;
/// `RLIMIT_NPROC`.
const PROCESSES: usize = 6;
/// `RLIMIT_NOFILE`.
pub const FILES: usize = 7;
/// `RLIMIT_MEMLOCK`.
const LOCKED: usize = 8;
/// `RLIMIT_AS`.
const ADDRESS_SPACE: usize = 9;
/// `RLIMIT_SIGPENDING`.
const PENDING: usize = 11;
/// Most signals that may wait in a process's queues.
pub const MOST_PENDING: u64 = 32_768;
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
    /// many tasks.
    pub const fn initial(tasks: u64) -> Self {
        let mut all = [limit(RLIM_INFINITY, RLIM_INFINITY); COUNT];
        all[STACK] = limit(8 << 20, RLIM_INFINITY);
        all[CORE] = limit(0, RLIM_INFINITY);
        all[PROCESSES] = limit(tasks, tasks);
        all[FILES] = limit(1024, 4096);
        all[LOCKED] = limit(64 << 10, 64 << 10);
        all[PENDING] = limit(MOST_PENDING, MOST_PENDING);
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

    /// Sets the limit of `kind`.
    ///
    /// # Errors
    /// `EINVAL` for an unknown kind or a limit above its maximum; `EPERM`
    /// for an unprivileged process that raises the maximum.
    pub fn set(
        &mut self,
        kind: usize,
        new: Rlimit,
        is_privileged: bool,
    ) -> Result<(), Errno> {
        let slot = self.0.get_mut(kind).ok_or(Errno::EINVAL)?;
        if new.current > new.maximum {
            return Err(Errno::EINVAL);
        }
        if new.maximum > slot.maximum && !is_privileged {
            return Err(Errno::EPERM);
        }
        *slot = new;
        Ok(())
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

    /// The soft limit of the stack's size, bytes.
    pub fn stack(&self) -> u64 {
        self.0[STACK].current
    }
}
