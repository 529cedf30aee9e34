//! Error numbers as system calls return them (Linux `errno(3)`).

use linux_raw_sys::errno as raw;

/// A Linux error number, always positive; system calls return its negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub u16);

macro_rules! errnos {
    ($($name:ident)*) => {
        impl Errno {
            $(#[doc = concat!("Linux's `", stringify!($name), "`.")]
            pub const $name: Errno = Errno(raw::$name as u16);)*

            /// The symbolic name, or `None` for a number without one here.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Errno::$name => Some(stringify!($name)),)*
                    Errno::ERESTARTSYS => Some("ERESTARTSYS"),
                    Errno::ERESTARTNOINTR => Some("ERESTARTNOINTR"),
                    Errno::ERESTARTNOHAND => Some("ERESTARTNOHAND"),
                    Errno::ERESTART_RESTARTBLOCK => {
                        Some("ERESTART_RESTARTBLOCK")
                    }
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN
    ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR
    EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK
    EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ETIME
    EOVERFLOW ENOTSOCK ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT
    EOPNOTSUPP EAFNOSUPPORT EISCONN ETIMEDOUT ECANCELED ENOMSG EIDRM EMSGSIZE
}

impl Errno {
    /// Restart the call after a signal unless a handler without `SA_RESTART`
    /// ran. Kernel-internal, as in Linux; never seen by a program.
    pub const ERESTARTSYS: Errno = Errno(512);
    /// Restart the call after a signal in any case. Kernel-internal.
    pub const ERESTARTNOINTR: Errno = Errno(513);
    /// Restart the call only if no handler ran. Kernel-internal.
    pub const ERESTARTNOHAND: Errno = Errno(514);
    /// Restart through `restart_syscall` unless a handler ran.
    /// Kernel-internal.
    pub const ERESTART_RESTARTBLOCK: Errno = Errno(516);

    /// The value that stands in `x0` after a failed system call.
    pub const fn to_return(self) -> usize {
        (self.0 as usize).wrapping_neg()
    }
}

impl core::fmt::Debug for Errno {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl core::fmt::Display for Errno {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self, f)
    }
}
