//! Signals as programs see them: numbers, `siginfo`, `sigaction`, stacks.
//!
//! The layouts are aarch64 Linux's, also when this is built for another host.
//! Read next: `signal_frame.rs`, what a handler finds on its stack.

use crate::structure::structure;

macro_rules! numbers {
    ($($name:ident $number:literal)*) => {
        $(
            #[doc = concat!("Signal ", stringify!($number), ".")]
            pub const $name: u32 = $number;
        )*

        /// The signal's name; `None` for 0 and real-time signals.
        pub fn name(signal: u32) -> Option<&'static str> {
            match signal {
                $($number => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

numbers! {
    SIGHUP 1 SIGINT 2 SIGQUIT 3 SIGILL 4 SIGTRAP 5 SIGABRT 6 SIGBUS 7
    SIGFPE 8 SIGKILL 9 SIGUSR1 10 SIGSEGV 11 SIGUSR2 12 SIGPIPE 13
    SIGALRM 14 SIGTERM 15 SIGSTKFLT 16 SIGCHLD 17 SIGCONT 18 SIGSTOP 19
    SIGTSTP 20 SIGTTIN 21 SIGTTOU 22 SIGURG 23 SIGXCPU 24 SIGXFSZ 25
    SIGVTALRM 26 SIGPROF 27 SIGWINCH 28 SIGIO 29 SIGPWR 30 SIGSYS 31
}

/// The first real-time signal.
pub const SIGRTMIN: u32 = 32;
/// The last signal.
pub const SIGRTMAX: u32 = 64;

/// Handler value: the default action.
pub const SIG_DFL: u64 = 0;
/// Handler value: ignore.
pub const SIG_IGN: u64 = 1;

/// No `SIGCHLD` when a child stops or continues.
pub const SA_NOCLDSTOP: u64 = 1;
/// Children do not become zombies.
pub const SA_NOCLDWAIT: u64 = 2;
/// The handler takes three arguments.
pub const SA_SIGINFO: u64 = 4;
/// `restorer` is valid.
pub const SA_RESTORER: u64 = 0x0400_0000;
/// Run the handler on the alternative stack.
pub const SA_ONSTACK: u64 = 0x0800_0000;
/// Restart the interrupted call after the handler.
pub const SA_RESTART: u64 = 0x1000_0000;
/// Do not block the signal while its handler runs.
pub const SA_NODEFER: u64 = 0x4000_0000;
/// Back to the default action once the handler is called.
pub const SA_RESETHAND: u64 = 0x8000_0000;

/// `rt_sigprocmask`: add to the mask.
pub const SIG_BLOCK: u32 = 0;
/// `rt_sigprocmask`: take from the mask.
pub const SIG_UNBLOCK: u32 = 1;
/// `rt_sigprocmask`: replace the mask.
pub const SIG_SETMASK: u32 = 2;

/// `stack_t` flag: running on the alternative stack.
pub const SS_ONSTACK: u32 = 1;
/// `stack_t` flag: no alternative stack.
pub const SS_DISABLE: u32 = 2;
/// `stack_t` flag: disarm the stack while a handler runs on it.
pub const SS_AUTODISARM: u32 = 1 << 31;
/// The least size of an alternative stack on aarch64.
pub const MINSIGSTKSZ: u64 = 5120;

/// `si_code`: sent by `kill`.
pub const SI_USER: i32 = 0;
/// `si_code`: sent by the kernel.
pub const SI_KERNEL: i32 = 0x80;
/// `si_code`: sent by `rt_sigqueueinfo`.
pub const SI_QUEUE: i32 = -1;
/// `si_code`: a timer expired.
pub const SI_TIMER: i32 = -2;
/// `si_code`: a message came to an empty queue.
pub const SI_MESGQ: i32 = -3;
/// `si_code`: sent by `tkill` or `tgkill`.
pub const SI_TKILL: i32 = -6;

/// `si_code` of `SIGCHLD`: the child called `exit`.
pub const CLD_EXITED: i32 = 1;
/// `si_code` of `SIGCHLD`: killed by a signal.
pub const CLD_KILLED: i32 = 2;
/// `si_code` of `SIGCHLD`: killed by a signal that dumps core.
pub const CLD_DUMPED: i32 = 3;
/// `si_code` of `SIGCHLD`: a traced child trapped.
pub const CLD_TRAPPED: i32 = 4;
/// `si_code` of `SIGCHLD`: stopped.
pub const CLD_STOPPED: i32 = 5;
/// `si_code` of `SIGCHLD`: continued.
pub const CLD_CONTINUED: i32 = 6;

/// `si_code` of `SIGSEGV`: nothing is mapped there.
pub const SEGV_MAPERR: i32 = 1;
/// `si_code` of `SIGSEGV`: the mapping forbids this access.
pub const SEGV_ACCERR: i32 = 2;
/// `si_code` of `SIGBUS`: unaligned address.
pub const BUS_ADRALN: i32 = 1;
/// `si_code` of `SIGBUS`: no such page of the file.
pub const BUS_ADRERR: i32 = 2;
/// `si_code` of `SIGILL`: undefined instruction.
pub const ILL_ILLOPC: i32 = 1;
/// `si_code` of `SIGTRAP`: breakpoint.
pub const TRAP_BRKPT: i32 = 1;
/// `si_code` of `SIGTRAP`: one instruction was executed.
pub const TRAP_TRACE: i32 = 2;
/// `si_code` of `SIGFPE`: division by zero.
pub const FPE_INTDIV: i32 = 1;

/// Size of `siginfo_t`, of which [`SigInfo`] is the part that is used.
pub const SIGINFO_SIZE: usize = 128;

structure! {
    /// The used part of `siginfo_t`; the rest of its 128 bytes is zero.
    SigInfo 48 {
        /// Signal number.
        signo: i32,
        /// Mostly 0.
        errno: i32,
        /// `SI_*`, `CLD_*`, `SEGV_*` and so on.
        code: i32,
        /// 0.
        pad: u32,
        /// The union: what it holds depends on the signal.
        fields: [u64; 4],
    }
}

const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

impl SigInfo {
    /// Makes one with an empty union.
    pub const fn new(signal: u32, code: i32) -> Self {
        let fields = [0; 4];
        SigInfo { signo: signal as i32, errno: 0, code, pad: 0, fields }
    }

    /// Whether it says that the kernel or `kill` sent it, which a program may
    /// say to itself only.
    pub const fn is_forged(&self) -> bool {
        self.code >= 0 || self.code == SI_TKILL
    }

    /// Sent by the kernel itself.
    pub const fn kernel(signal: u32) -> Self {
        Self::new(signal, SI_KERNEL)
    }

    /// Sent by process `pid` of user `uid`.
    pub const fn from_user(signal: u32, code: i32, pid: u32, uid: u32) -> Self {
        let mut info = Self::new(signal, code);
        info.fields[0] = pair(pid, uid);
        info
    }

    /// A fault at a user address.
    pub const fn fault(signal: u32, code: i32, address: u64) -> Self {
        let mut info = Self::new(signal, code);
        info.fields[0] = address;
        info
    }

    /// `SIGCHLD`: `status` is an exit code or a signal number, as `code`
    /// says; times in ticks of 10 ms.
    pub const fn child(
        code: i32,
        pid: u32,
        uid: u32,
        status: i32,
        ticks: [u64; 2],
    ) -> Self {
        let mut info = Self::from_user(SIGCHLD, code, pid, uid);
        info.fields[1] = status as u32 as u64;
        info.fields[2] = ticks[0];
        info.fields[3] = ticks[1];
        info
    }

    /// A POSIX timer expired; `overrun` further times since.
    pub const fn timer(signal: u32, id: u32, overrun: u32, value: u64) -> Self {
        let mut info = Self::new(signal, SI_TIMER);
        info.fields[0] = pair(id, overrun);
        info.fields[1] = value;
        info
    }

    /// As a read of a `signalfd` gives it (`struct signalfd_siginfo`).
    pub fn to_signalfd(&self) -> [u8; SIGINFO_SIZE] {
        let mut bytes = [0; SIGINFO_SIZE];
        let mut put = |at: usize, value: &[u8]| {
            bytes[at..at + value.len()].copy_from_slice(value);
        };
        let [first, second, third, fourth] = self.fields;
        let (low, high) = ((first as u32), (first >> 32) as u32);
        put(0, &self.signo.to_ne_bytes());
        put(4, &self.errno.to_ne_bytes());
        put(8, &self.code.to_ne_bytes());
        match (self.signo as u32, self.code) {
            (SIGILL | SIGTRAP | SIGBUS | SIGFPE | SIGSEGV, 1..SI_KERNEL) => {
                put(72, &first.to_ne_bytes());
            }
            (_, SI_TIMER) => {
                put(24, &low.to_ne_bytes());
                put(32, &high.to_ne_bytes());
                put(44, &(second as u32).to_ne_bytes());
                put(48, &second.to_ne_bytes());
            }
            (SIGCHLD, 1..SI_KERNEL) => {
                put(12, &low.to_ne_bytes());
                put(16, &high.to_ne_bytes());
                put(40, &(second as u32).to_ne_bytes());
                put(56, &third.to_ne_bytes());
                put(64, &fourth.to_ne_bytes());
            }
            _ => {
                put(12, &low.to_ne_bytes());
                put(16, &high.to_ne_bytes());
                put(44, &(second as u32).to_ne_bytes());
                put(48, &second.to_ne_bytes());
            }
        }
        bytes
    }

    /// True if both tell of the same POSIX timer.
    pub fn is_of_same_timer(&self, other: &Self) -> bool {
        let is_timer = self.code == SI_TIMER && other.code == SI_TIMER;
        is_timer
            && self.signo == other.signo
            && self.timer_id() == other.timer_id()
    }

    /// Which POSIX timer expired.
    pub const fn timer_id(&self) -> u32 {
        self.fields[0] as u32
    }

    /// How often the timer has expired since the expiry that is told.
    pub const fn overrun(&self) -> u32 {
        (self.fields[0] >> 32) as u32
    }

    /// Counts so many expiries more.
    pub fn add_overrun(&mut self, more: u32) {
        /// Linux's `DELAYTIMER_MAX`.
        const MOST: u32 = i32::MAX as u32;
        let sum = self.overrun().saturating_add(more).min(MOST);
        self.fields[0] = pair(self.timer_id(), sum);
    }

    /// The sender, of a signal that came from a process.
    pub const fn pid(&self) -> u32 {
        self.fields[0] as u32
    }

    /// The sender's user.
    pub const fn uid(&self) -> u32 {
        (self.fields[0] >> 32) as u32
    }
}

structure! {
    /// `struct sigaction` as `rt_sigaction` takes it.
    SigAction 32 {
        /// `SIG_DFL`, `SIG_IGN` or an address.
        handler: u64,
        /// `SA_*`.
        flags: u64,
        /// Where the handler returns to, with `SA_RESTORER`.
        restorer: u64,
        /// Blocked while the handler runs; bit 0 is signal 1.
        mask: u64,
    }
}

structure! {
    /// `stack_t` of `sigaltstack`.
    SigStack 24 {
        /// Lowest address.
        base: u64,
        /// `SS_*`.
        flags: u32,
        /// 0.
        pad: u32,
        /// Bytes.
        size: u64,
    }
}

impl SigStack {
    /// A description with these three values.
    pub const fn new(base: u64, flags: u32, size: u64) -> Self {
        SigStack { base, flags, pad: 0, size }
    }
}
