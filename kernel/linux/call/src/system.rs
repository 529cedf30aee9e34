//! Calls about the system as a whole.

use kernel_abi::system::{Sysinfo, Utsname};
use kernel_abi::time::NS_PER_S;
use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_control::proc::load;
use kernel_core::capability::Capability;
use kernel_files::buffer::Output;
use kernel_files::device::random;
use kernel_machine::arch;
use kernel_machine::log;
use kernel_machine::mm::frame;
use kernel_machine::mm::user::{self, UserSlice};
use kernel_machine::mm::{FrameStats, PAGE_SIZE};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_process::{authority, current, personality, tree};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::GETRANDOM, Handler::Plain(getrandom)),
    (number::UNAME, Handler::Plain(uname)),
    (number::SYSINFO, Handler::Plain(sysinfo)),
    (number::SYSLOG, Handler::Plain(syslog)),
    (number::REBOOT, Handler::Plain(reboot)),
    (number::SETHOSTNAME, Handler::Plain(sethostname)),
    (number::SETDOMAINNAME, Handler::Plain(setdomainname)),
    (number::RSEQ, Handler::Plain(|_| Err(Errno::ENOSYS))),
];

/// The release that programs see: an ABI version, since they ask for it.
pub const RELEASE: &str = concat!("5.10.0-firn-", env!("CARGO_PKG_VERSION"));
/// What stands beside it.
pub const VERSION: &str = "#1 SMP Firn";

/// The host's and the domain's name.
static NAMES: SpinLock<[[u8; 65]; 2]> = SpinLock::with_rank(
    Rank::Device,
    [Utsname::field("firn"), Utsname::field("(none)")],
);

/// As Linux tells it to programs that know no release but 2.6: 60 more than
/// the minor number.
const RELEASE_26: &str = concat!("2.6.70-firn-", env!("CARGO_PKG_VERSION"));

fn release() -> &'static str {
    match current().personality.get() & personality::UNAME26 {
        0 => RELEASE,
        _ => RELEASE_26,
    }
}

/// A name of the machine.
#[derive(Clone, Copy)]
pub enum Name {
    /// Its own.
    Host,
    /// That of its domain.
    Domain,
}

/// The name, up to the first NUL.
pub fn name(which: Name) -> alloc::vec::Vec<u8> {
    let name = NAMES.lock()[which as usize];
    name.split(|&byte| byte == 0).next().unwrap_or(&[]).to_vec()
}

/// Gives the machine a name of at most 64 bytes.
///
/// # Errors
/// `EINVAL` for a longer one.
pub fn set_name(which: Name, name: &[u8]) -> core::result::Result<(), Errno> {
    let mut field = [0; 65];
    if name.len() >= field.len() {
        return Err(Errno::EINVAL);
    }
    field[..name.len()].copy_from_slice(name);
    NAMES.lock()[which as usize] = field;
    Ok(())
}

fn getrandom(args: &Args) -> Result {
    /// `GRND_NONBLOCK`, `GRND_RANDOM`, `GRND_INSECURE`: all the same here.
    const FLAGS: usize = 7;
    if args.x[2] & !FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let length = args.x[1].min(i32::MAX as usize);
    let slice = UserSlice::new(args.x[0], length)?;
    random::read(&mut Output::user(slice))
}

fn uname(args: &Args) -> Result {
    let [nodename, domainname] = *NAMES.lock();
    let name = Utsname {
        sysname: Utsname::field("Linux"),
        nodename,
        release: Utsname::field(release()),
        version: Utsname::field(VERSION),
        machine: Utsname::field("aarch64"),
        domainname,
    };
    user::write_value(args.x[0], &name)?;
    Ok(0)
}

fn sethostname(args: &Args) -> Result {
    store_name(args, Name::Host)
}

fn setdomainname(args: &Args) -> Result {
    store_name(args, Name::Domain)
}

fn store_name(args: &Args, which: Name) -> Result {
    let [address, length, ..] = args.x;
    authority::check(Capability::SYS_ADMIN)?;
    if length > 64 {
        return Err(Errno::EINVAL);
    }
    let mut name = [0; 65];
    UserSlice::new(address, length)?.read(0, &mut name[..length])?;
    set_name(which, &name[..length]).map(|()| 0)
}

fn sysinfo(args: &Args) -> Result {
    let FrameStats { total, free, .. } = frame::stats();
    let info = Sysinfo {
        uptime: (arch::timer::now_ns() / NS_PER_S) as i64,
        loads: load::load().for_sysinfo(),
        totalram: total as u64,
        freeram: free as u64,
        procs: tree::count().min(usize::from(u16::MAX)) as u16,
        mem_unit: PAGE_SIZE as u32,
        ..Sysinfo::default()
    };
    user::write_value(args.x[0], &info)?;
    Ok(0)
}

/// `syslog(2)`, which `dmesg` uses.
fn syslog(args: &Args) -> Result {
    const READ: i32 = 2;
    const READ_ALL: i32 = 3;
    const READ_CLEAR: i32 = 4;
    const CLEAR: i32 = 5;
    const CONSOLE_OFF: i32 = 6;
    const CONSOLE_ON: i32 = 7;
    const CONSOLE_LEVEL: i32 = 8;
    const SIZE_UNREAD: i32 = 9;
    const SIZE_BUFFER: i32 = 10;
    let what = args.int(0);
    // To look at all of it, or to ask how much there is, is everybody's.
    if !matches!(what, READ_ALL | SIZE_BUFFER)
        && !authority::has(Capability::SYSLOG)
        && !authority::has(Capability::SYS_ADMIN)
    {
        return Err(Errno::EPERM);
    }
    match what {
        0 | 1 => Ok(0),
        READ | READ_ALL => read_log(args),
        READ_CLEAR => {
            let count = read_log(args)?;
            log::clear();
            Ok(count)
        }
        CLEAR => {
            log::clear();
            Ok(0)
        }
        CONSOLE_OFF => {
            log::set_console_level(1);
            Ok(0)
        }
        CONSOLE_ON => {
            log::set_console_level(7);
            Ok(0)
        }
        CONSOLE_LEVEL if (1..=8).contains(&args.int(2)) => {
            log::set_console_level(args.int(2) as u8);
            Ok(0)
        }
        SIZE_UNREAD => Ok(0),
        SIZE_BUFFER => Ok(log::capacity()),
        _ => Err(Errno::EINVAL),
    }
}

/// The log's end, as much as there is room for.
fn read_log(args: &Args) -> Result {
    let room = usize::try_from(args.int(2)).map_err(|_| Errno::EINVAL)?;
    if args.x[1] == 0 {
        return Err(Errno::EINVAL);
    }
    let text = log::read_all();
    let kept = &text[text.len() - text.len().min(room)..];
    UserSlice::new(args.x[1], kept.len())?.write(0, kept)?;
    Ok(kept.len())
}

fn reboot(args: &Args) -> Result {
    const MAGIC: u32 = 0xfee1_dead;
    const MAGIC_2: [u32; 4] =
        [0x2812_1969, 0x0512_1996, 0x1604_1998, 0x2011_2000];
    const RESTART: u32 = 0x0123_4567;
    const HALT: u32 = 0xcdef_0123;
    const POWER_OFF: u32 = 0x4321_fedc;
    const CAD_ON: u32 = 0x89ab_cdef;
    const CAD_OFF: u32 = 0;
    authority::check(Capability::SYS_BOOT)?;
    if args.word(0) != MAGIC || !MAGIC_2.contains(&args.word(1)) {
        return Err(Errno::EINVAL);
    }
    match args.word(2) {
        RESTART => {
            ::log::info!("reboot: Restarting system");
            ::log::logger().flush();
            arch::psci::system_reset()
        }
        HALT | POWER_OFF => {
            ::log::info!("reboot: Power down");
            ::log::logger().flush();
            arch::psci::system_off()
        }
        CAD_ON | CAD_OFF => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}
