//! What takes a capability: a call for each.

use alloc::format;
use alloc::string::String;

use user_lib::linux::{
    __NR_adjtimex, __NR_chroot, __NR_fchownat, __NR_kcmp, __NR_mknodat,
    __NR_mlock, __NR_msgctl, __NR_prlimit64, __NR_reboot, __NR_setdomainname,
    __NR_setgroups, __NR_timer_create, __NR_unlinkat, AT_FDCWD, CAP_CHOWN,
    CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_IPC_LOCK, CAP_IPC_OWNER,
    CAP_KILL, CAP_MKNOD, CAP_SETGID, CAP_SETPCAP, CAP_SETUID, CAP_SYS_ADMIN,
    CAP_SYS_BOOT, CAP_SYS_CHROOT, CAP_SYS_NICE, CAP_SYS_PTRACE,
    CAP_SYS_RESOURCE, CAP_SYS_TIME, CAP_WAKE_ALARM, CLOCK_REALTIME_ALARM,
    LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, O_CREAT, O_RDWR, RLIMIT_CORE,
    RLIMIT_MEMLOCK,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, process, schedule, signal};

use super::sets::{PR_CAPBSET_DROP, control};
use crate::tool::NOBODY;

/// Gives a file to a user and the group of the same number.
pub fn give(path: &str, user: u32) -> Result<()> {
    let path = format!("{path}\0");
    let (here, user) = (AT_FDCWD as usize, user as usize);
    let words = [here, path.as_ptr().addr(), user, user, 0, 0];
    arbitrary(__NR_fchownat, words).map(drop)
}

/// What the questions are about.
pub struct Scene {
    /// A file of user `NOBODY` that only that may use.
    pub path: String,
    /// A process of that user.
    pub child: i32,
    /// A queue of messages with a mode that lets nobody read.
    pub queue: usize,
}

/// A call that takes one capability.
pub type Question = fn(&Scene) -> Result<()>;

fn ask(number: u32, words: [usize; 4]) -> Result<()> {
    let [a, b, c, d] = words;
    arbitrary(number, [a, b, c, d, 0, 0]).map(drop)
}

fn limit(kind: u32, limits: [u64; 2]) -> Result<()> {
    let place = core::hint::black_box(&limits).as_ptr().addr();
    ask(__NR_prlimit64, [0, kind as usize, place, 0])
}

fn lock_memory(_: &Scene) -> Result<()> {
    limit(RLIMIT_MEMLOCK, [0, 0])?;
    let word = 0_u64;
    let place = core::hint::black_box(&word) as *const u64;
    ask(__NR_mlock, [place.addr(), 1, 0, 0])
}

fn raise_a_limit(_: &Scene) -> Result<()> {
    limit(RLIMIT_CORE, [0, 0])?;
    limit(RLIMIT_CORE, [1, 1])
}

/// Sets a bit that is taken away from who is not of the file's group.
fn keep_a_set_id_bit(scene: &Scene) -> Result<()> {
    let path = format!("{}-own", scene.path);
    file::close(file::open(&path, O_RDWR | O_CREAT, 0o600)?)?;
    let place = format!("{path}\0");
    let group = NOBODY as usize;
    let words = [AT_FDCWD as usize, place.as_ptr().addr(), 0, group];
    // Without `CAP_CHOWN` the group is still its maker's.
    let is_given = ask(__NR_fchownat, words).is_ok();
    let mode = file::change_mode(&path, 0o2710)
        .and_then(|()| file::status(&path))
        .map(|status| status.st_mode);
    file::remove(&path)?;
    match is_given && mode? & 0o2000 == 0 {
        true => Err(Errno::EPERM),
        false => Ok(()),
    }
}

fn make_a_device(scene: &Scene) -> Result<()> {
    let path = format!("{}-null\0", scene.path);
    let place = path.as_ptr().addr();
    ask(__NR_mknodat, [AT_FDCWD as usize, place, 0o20_600, 0x103])?;
    ask(__NR_unlinkat, [AT_FDCWD as usize, place, 0, 0])
}

/// The length of a tick of the wall clock, as it is anyway.
fn set_the_tick(_: &Scene) -> Result<()> {
    const ADJ_TICK: u64 = 0x4000;
    let mut words = [0_u64; 26];
    (words[0], words[11]) = (ADJ_TICK, 10_000);
    let place = core::hint::black_box(&mut words).as_mut_ptr().addr();
    ask(__NR_adjtimex, [place, 0, 0, 0])
}

fn make_an_alarm(_: &Scene) -> Result<()> {
    let mut id = 0_i32;
    let place = core::hint::black_box(&mut id) as *mut i32;
    let clock = CLOCK_REALTIME_ALARM as usize;
    ask(__NR_timer_create, [clock, 0, place.addr(), 0])
}

fn look_at_a_queue(scene: &Scene) -> Result<()> {
    const IPC_STAT: usize = 2;
    let mut room = [0_u64; 32];
    let place = core::hint::black_box(&mut room).as_mut_ptr().addr();
    ask(__NR_msgctl, [scene.queue, IPC_STAT, place, 0])
}

/// Capabilities, what takes each, and what is told without.
pub const QUESTIONS: &[(u32, Question, Errno)] = &[
    (CAP_CHOWN, |scene| give(&scene.path, NOBODY), Errno::EPERM),
    (
        CAP_DAC_OVERRIDE,
        |scene| file::open(&scene.path, O_RDWR, 0).and_then(file::close),
        Errno::EACCES,
    ),
    (CAP_FOWNER, |scene| file::change_mode(&scene.path, 0o600), Errno::EPERM),
    (CAP_FSETID, keep_a_set_id_bit, Errno::EPERM),
    (CAP_KILL, |scene| signal::send(scene.child, 0), Errno::EPERM),
    (CAP_SETGID, |_| ask(__NR_setgroups, [0; 4]), Errno::EPERM),
    (
        CAP_SETUID,
        |_| process::set_user_id(NOBODY).and_then(|()| is_nobody()),
        Errno::EPERM,
    ),
    (CAP_SETPCAP, |_| control(PR_CAPBSET_DROP, [0; 2]).map(drop), Errno::EPERM),
    (CAP_IPC_LOCK, lock_memory, Errno::EPERM),
    (CAP_IPC_OWNER, look_at_a_queue, Errno::EACCES),
    (
        CAP_SYS_CHROOT,
        |_| ask(__NR_chroot, [c"/".as_ptr().addr(), 0, 0, 0]),
        Errno::EPERM,
    ),
    (
        CAP_SYS_PTRACE,
        |scene| {
            let ids = [process::current_id() as usize, scene.child as usize];
            ask(__NR_kcmp, [ids[0], ids[1], 1, 0])
        },
        Errno::EPERM,
    ),
    (
        CAP_SYS_ADMIN,
        |_| ask(__NR_setdomainname, [c"x".as_ptr().addr(), 1, 0, 0]),
        Errno::EPERM,
    ),
    (
        CAP_SYS_BOOT,
        |_| {
            let magic = [LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2];
            let [one, other] = magic.map(|word| word as usize);
            ask(__NR_reboot, [one, other, 0, 0])
        },
        Errno::EPERM,
    ),
    (CAP_SYS_NICE, |_| schedule::set_nice(0, -5), Errno::EACCES),
    (CAP_SYS_RESOURCE, raise_a_limit, Errno::EPERM),
    (CAP_SYS_TIME, set_the_tick, Errno::EPERM),
    (CAP_MKNOD, make_a_device, Errno::EPERM),
    (CAP_WAKE_ALARM, make_an_alarm, Errno::EPERM),
];

/// `setuid` says nothing where it gives what there was.
fn is_nobody() -> Result<()> {
    match process::user_id() as u32 {
        NOBODY => Ok(()),
        _ => Err(Errno::EPERM),
    }
}
