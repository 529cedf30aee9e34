//! `ptrace(2)`, and reading and writing the memory of other processes.

use kernel_abi::ptrace as request;
use kernel_abi::signal::{SIGINFO_SIZE, SigInfo};
use kernel_abi::system::Iovec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::signal::{Resume, SignalSet, Style};
use zerocopy::IntoBytes;

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::ptrace::register::{self, LARGEST};
use kernel_process::ptrace::request::Traced;
use kernel_process::ptrace::{end, link};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[(number::PTRACE, Handler::Plain(ptrace))];

/// Bytes of a word of memory, and of a signal mask.
const WORD: usize = 8;

type Checked<T> = core::result::Result<T, Errno>;

fn ptrace(args: &Args) -> Result {
    let (address, data) = (args.x[2], args.x[3]);
    let what = args.word(0);
    if what == request::TRACEME && args.x[0] == 0 {
        return link::trace_me().map(|()| 0);
    }
    let id = u32::try_from(args.int(1)).map_err(|_| Errno::ESRCH)?;
    match what {
        request::ATTACH => begin(id, Style::Attached, 0),
        request::SEIZE => seize(id, address, data),
        _ => ask(&Traced::find(id)?, what, address, data),
    }
}

fn seize(id: u32, address: usize, options: usize) -> Result {
    let options = u32::try_from(options).map_err(|_| Errno::EIO)?;
    if address != 0 || options & !request::O_MASK != 0 {
        return Err(Errno::EIO);
    }
    begin(id, Style::Seized, options)
}

fn begin(id: u32, style: Style, options: u32) -> Result {
    link::attach(&link::find(id)?, style, options).map(|()| 0)
}

/// A request about a thread that is traced.
fn ask(traced: &Traced, what: u32, address: usize, data: usize) -> Result {
    let signal = data as u64;
    match what {
        request::PEEKTEXT | request::PEEKDATA => peek(traced, address, data),
        request::POKETEXT | request::POKEDATA => poke(traced, address, data),
        request::CONT => done(traced.resume(Resume::Continue, signal)),
        request::SYSCALL => done(traced.resume(Resume::SystemCall, signal)),
        request::SINGLESTEP => done(traced.resume(Resume::Step, signal)),
        request::KILL => done(traced.kill()),
        request::DETACH => done(end::detach(traced.task(), signal)),
        request::INTERRUPT => done(traced.interrupt()),
        request::LISTEN => done(traced.listen()),
        request::SETOPTIONS => {
            let options = u32::try_from(data).map_err(|_| Errno::EINVAL)?;
            done(traced.set_options(options))
        }
        request::GETEVENTMSG => {
            done(user::write_value(data, &traced.message()?))
        }
        request::GETSIGINFO => get_info(traced, data),
        request::SETSIGINFO => set_info(traced, data),
        request::GETSIGMASK | request::SETSIGMASK if address != WORD => {
            Err(Errno::EINVAL)
        }
        request::GETSIGMASK => done(user::write_value(data, &traced.mask()?.0)),
        request::SETSIGMASK => {
            done(traced.set_mask(SignalSet(user::read_value(data)?)))
        }
        request::GETREGSET => get_registers(traced, address, data),
        request::SETREGSET => set_registers(traced, address, data),
        request::GET_SYSCALL_INFO => system_call(traced, address, data),
        _ => Err(Errno::EIO),
    }
}

fn done(result: Checked<()>) -> Result {
    result.map(|()| 0)
}

fn peek(traced: &Traced, address: usize, to: usize) -> Result {
    let mut word = [0_u8; WORD];
    let memory = traced.memory()?;
    memory.peek(address, &mut word).map_err(|_| Errno::EIO)?;
    done(user::write_value(to, &word))
}

fn poke(traced: &Traced, address: usize, word: usize) -> Result {
    let memory = traced.memory()?;
    let word = word.to_le_bytes();
    done(memory.poke(address, &word).map_err(|_| Errno::EIO))
}

fn get_info(traced: &Traced, to: usize) -> Result {
    let info = traced.info()?;
    let mut bytes = [0_u8; SIGINFO_SIZE];
    let used = info.as_bytes();
    bytes[..used.len()].copy_from_slice(used);
    done(user::write_value(to, &bytes))
}

fn set_info(traced: &Traced, from: usize) -> Result {
    let info: SigInfo = user::read_value(from)?;
    done(traced.set_info(info))
}

/// The caller's buffer for a register set.
fn buffer(set: usize, vector: usize) -> Checked<(u32, UserSlice)> {
    let iovec: Iovec = user::read_value(vector)?;
    let set = u32::try_from(set).map_err(|_| Errno::EINVAL)?;
    let length = usize::try_from(iovec.len).map_err(|_| Errno::EINVAL)?;
    if !length.is_multiple_of(register::unit(set)) {
        return Err(Errno::EINVAL);
    }
    let slice = UserSlice::new(iovec.base as usize, length.min(LARGEST))?;
    Ok((set, slice))
}

/// Tells the caller how many bytes of its buffer were used.
fn tell_length(vector: usize, length: usize) -> Result {
    let place = vector.wrapping_add(WORD);
    done(user::write_value(place, &(length as u64)))
}

fn get_registers(traced: &Traced, set: usize, vector: usize) -> Result {
    let (set, to) = buffer(set, vector)?;
    let mut bytes = [0; LARGEST];
    let length =
        traced.with_registers(|registers| registers.read(set, &mut bytes))?;
    let length = length.min(to.len());
    to.write(0, &bytes[..length])?;
    tell_length(vector, length)
}

fn set_registers(traced: &Traced, set: usize, vector: usize) -> Result {
    let (set, from) = buffer(set, vector)?;
    let mut bytes = [0; LARGEST];
    from.read(0, &mut bytes[..from.len()])?;
    let length = traced.with_registers(|registers| {
        registers.write(set, &bytes[..from.len()])
    })?;
    tell_length(vector, length)
}

/// The length of what there is to know; what fits of it goes to the caller.
fn system_call(traced: &Traced, size: usize, to: usize) -> Result {
    let info = traced.system_call()?;
    let length = info.length();
    let bytes = &info.as_bytes()[..length.min(size)];
    UserSlice::new(to, bytes.len())?.write(0, bytes)?;
    Ok(length)
}
