//! A process that a child of the random calls traces.

use user_lib::{process, ptrace};

use user_lib::child::Child;

/// One of so many calls is `ptrace`.
pub const ONE_OF: u64 = 16;

/// Requests of `ptrace` that are known.
const REQUESTS: [u32; 23] = [
    ptrace::TRACEME,
    ptrace::PEEKTEXT,
    ptrace::PEEKDATA,
    ptrace::POKETEXT,
    ptrace::POKEDATA,
    ptrace::CONT,
    ptrace::SINGLESTEP,
    ptrace::ATTACH,
    ptrace::DETACH,
    ptrace::SYSCALL,
    ptrace::SETOPTIONS,
    ptrace::GETEVENTMSG,
    ptrace::GETSIGINFO,
    ptrace::SETSIGINFO,
    ptrace::GETREGSET,
    ptrace::SETREGSET,
    ptrace::SEIZE,
    ptrace::INTERRUPT,
    ptrace::INTERRUPT,
    ptrace::LISTEN,
    ptrace::GETSIGMASK,
    ptrace::SETSIGMASK,
    ptrace::GET_SYSCALL_INFO,
];
/// The traced process. It dies with its group.
pub struct Victim(i32);

impl Victim {
    /// Starts one, which asks for its parent for ever, and seizes it.
    ///
    /// # Errors
    /// Those of `clone(2)` and `ptrace(2)`.
    pub fn start() -> user_lib::Result<Self> {
        let victim = Child::start(|| {
            loop {
                process::parent_id();
            }
        })?;
        let id = victim.id();
        let options = ptrace::O_TRACESYSGOOD | ptrace::O_EXITKILL;
        ptrace::request(ptrace::SEIZE, id, 0, options as usize)?;
        ptrace::request(ptrace::INTERRUPT, id, 0, 0)?;
        core::mem::forget(victim);
        Ok(Self(id))
    }

    /// Makes the arguments a request about it, mostly a known one.
    pub fn aim(&self, arguments: &mut [usize; 6]) {
        let request = arguments[0] % (2 * REQUESTS.len());
        arguments[0] = match REQUESTS.get(request) {
            Some(request) => *request as usize,
            None => arguments[5],
        };
        arguments[1] = self.0 as usize;
    }
}
