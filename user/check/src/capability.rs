//! Capabilities, given up one by one, and what each is for (capabilities(7)).

use alloc::format;
use alloc::string::String;

use user_lib::child::Child;
use user_lib::linux::{
    __NR_adjtimex, __NR_capget, __NR_capset, __NR_chroot, __NR_fchownat,
    __NR_kcmp, __NR_mknodat, __NR_mlock, __NR_msgctl, __NR_msgget, __NR_prctl,
    __NR_prlimit64, __NR_reboot, __NR_setdomainname, __NR_setfsuid,
    __NR_setgroups, __NR_setresuid, __NR_timer_create, __NR_unlinkat, AT_FDCWD,
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_IPC_LOCK,
    CAP_IPC_OWNER, CAP_KILL, CAP_MKNOD, CAP_SETGID, CAP_SETPCAP, CAP_SETUID,
    CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_CHROOT, CAP_SYS_NICE, CAP_SYS_PTRACE,
    CAP_SYS_RESOURCE, CAP_SYS_TIME, CAP_WAKE_ALARM, CLOCK_REALTIME_ALARM,
    LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, O_CREAT, O_RDWR, RLIMIT_CORE,
    RLIMIT_MEMLOCK,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file, process, schedule, signal};

use crate::tool::{
    NOBODY, Outcome, ensure, ensure_eq, fresh_path, in_child, tests,
};

tests! {
    a_capability_that_is_given_up_is_gone
    each_question_is_for_its_own_capability
    files_are_used_by_another_user
    capabilities_outlive_a_change_of_user_where_that_is_said
    an_exec_gives_what_the_sets_say
}

const PR_SET_KEEPCAPS: u32 = 8;
const PR_CAPBSET_READ: u32 = 23;
const PR_CAPBSET_DROP: u32 = 24;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const PR_CAP_AMBIENT: u32 = 47;
const PR_CAP_AMBIENT_IS_SET: usize = 1;
const PR_CAP_AMBIENT_RAISE: usize = 2;

/// Effective, permitted, inheritable.
type Sets = [u64; 3];

fn get() -> Result<Sets> {
    let header = [0x2008_0522_u32, 0];
    let mut words = [0_u32; 6];
    let place = words.as_mut_ptr().addr();
    let head = core::hint::black_box(&header).as_ptr().addr();
    arbitrary(__NR_capget, [head, place, 0, 0, 0, 0])?;
    let words = core::hint::black_box(words);
    let whole =
        |at: usize| u64::from(words[at]) | u64::from(words[at + 3]) << 32;
    Ok([whole(0), whole(1), whole(2)])
}

fn set(sets: Sets) -> Result<()> {
    let header = [0x2008_0522_u32, 0];
    let low = sets.map(|set| set as u32);
    let high = sets.map(|set| (set >> 32) as u32);
    let words = [low, high];
    let place = core::hint::black_box(&words).as_ptr().addr();
    let head = core::hint::black_box(&header).as_ptr().addr();
    arbitrary(__NR_capset, [head, place, 0, 0, 0, 0]).map(drop)
}

/// Gives up rights, for good or to be taken again.
fn give_up(rights: u64, is_for_good: bool) -> Result<()> {
    let [effective, permitted, inheritable] = get()?;
    let left = if is_for_good { permitted & !rights } else { permitted };
    set([effective & !rights, left, inheritable])
}

fn control(option: u32, words: [usize; 2]) -> Result<usize> {
    let [one, other] = words;
    arbitrary(__NR_prctl, [option as usize, one, other, 0, 0, 0])
}

fn ensure_ok(
    work: impl FnOnce() -> core::result::Result<i32, crate::tool::Failure>,
) -> Outcome {
    ensure_eq!(in_child(work)?.exit_code(), Some(0));
    Ok(())
}

fn a_capability_that_is_given_up_is_gone() -> Outcome {
    ensure_ok(|| {
        let all = get()?;
        ensure_eq!(all[0], (1 << 41) - 1);
        give_up(1 << CAP_SYS_ADMIN, false)?;
        let name = c"x".as_ptr().addr();
        let rename = || arbitrary(__NR_setdomainname, [name, 1, 0, 0, 0, 0]);
        ensure_eq!(rename(), Err(Errno::EPERM));
        set(all)?;
        rename()?;
        give_up(1 << CAP_SYS_ADMIN, true)?;
        ensure_eq!(set(all), Err(Errno::EPERM));
        ensure_eq!(rename(), Err(Errno::EPERM));
        let status = file::text("/proc/self/status")?;
        let left = format!("CapPrm:\t{:016x}", all[1] & !(1 << CAP_SYS_ADMIN));
        ensure!(status.contains(&left));
        // A child has what its parent has.
        ensure_ok(|| {
            ensure_eq!(rename(), Err(Errno::EPERM));
            Ok(0)
        })?;
        Ok(0)
    })
}

fn give(path: &str, user: u32) -> Result<()> {
    let path = format!("{path}\0");
    let (here, user) = (AT_FDCWD as usize, user as usize);
    let words = [here, path.as_ptr().addr(), user, user, 0, 0];
    arbitrary(__NR_fchownat, words).map(drop)
}

/// What the questions are about.
struct Scene {
    /// A file of user `NOBODY` that only that may use.
    path: String,
    /// A process of that user.
    child: i32,
    /// A queue of messages with a mode that lets nobody read.
    queue: usize,
}

/// A call that takes one capability.
type Question = fn(&Scene) -> Result<()>;

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
const QUESTIONS: &[(u32, Question, Errno)] = &[
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

fn each_question_is_for_its_own_capability() -> Outcome {
    let path = fresh_path("capability");
    file::close(file::open(&path, O_RDWR | O_CREAT, 0o600)?)?;
    give(&path, NOBODY)?;
    let child = Child::start(|| {
        let _ = process::set_user_id(NOBODY);
        user_lib::time::sleep(user_lib::time::Time::from_millis(1 << 40));
        0
    })?;
    // Until it is somebody else's.
    let status = format!("/proc/{}/status", child.id());
    while file::text(&status)?.contains("Uid:\t0") {
        user_lib::time::sleep(user_lib::time::Time::from_millis(1));
    }
    let queue = arbitrary(__NR_msgget, [0; 6])?;
    let scene = Scene { path, child: child.id(), queue };
    for (capability, ask, error) in QUESTIONS {
        let own = 1 << capability;
        let end = in_child(|| {
            // It has all others.
            give_up(own, true)?;
            ensure_eq!((capability, ask(&scene)), (capability, Err(*error)));
            Ok(0)
        })?;
        ensure_eq!((capability, end.exit_code()), (capability, Some(0)));
        let end = in_child(|| {
            let most = get()?[1];
            give_up(most & !own, true)?;
            ensure_eq!((capability, ask(&scene)), (capability, Ok(())));
            Ok(0)
        })?;
        ensure_eq!((capability, end.exit_code()), (capability, Some(0)));
    }
    arbitrary(__NR_msgctl, [queue, 0, 0, 0, 0, 0])?;
    file::remove(&scene.path)?;
    Ok(())
}

fn files_are_used_by_another_user() -> Outcome {
    let path = format!("/tmp/other-{}", process::current_id());
    file::close(file::open(&path, O_RDWR | O_CREAT, 0o600)?)?;
    let open = || file::open(&path, O_RDWR, 0).and_then(file::close);
    let be =
        |user: u32| arbitrary(__NR_setfsuid, [user as usize, 0, 0, 0, 0, 0]);
    ensure_ok(|| {
        ensure_eq!(be(NOBODY)?, 0);
        ensure_eq!(open(), Err(Errno::EACCES));
        ensure_eq!(be(u32::MAX)?, NOBODY as usize);
        let mine = format!("{path}-mine");
        file::close(file::open(&mine, O_RDWR | O_CREAT, 0o600)?)?;
        ensure_eq!(file::status(&mine)?.st_uid, NOBODY);
        file::remove(&mine)?;
        ensure_eq!(be(0)?, NOBODY as usize);
        open()?;
        Ok(0)
    })?;
    file::remove(&path)?;
    Ok(())
}

fn capabilities_outlive_a_change_of_user_where_that_is_said() -> Outcome {
    let become_nobody = || {
        let id = NOBODY as usize;
        arbitrary(__NR_setresuid, [id, id, id, 0, 0, 0])
    };
    ensure_ok(|| {
        become_nobody()?;
        ensure_eq!(get()?, [0; 3]);
        Ok(0)
    })?;
    ensure_ok(|| {
        let all = get()?[1];
        control(PR_SET_KEEPCAPS, [1, 0])?;
        become_nobody()?;
        ensure_eq!(get()?, [0, all, 0]);
        set([1 << CAP_KILL, 1 << CAP_KILL, 0])?;
        signal::send(1, 0)?;
        Ok(0)
    })
}

/// The permitted set that a program finds, as a child's shell tells.
fn of_program() -> core::result::Result<u64, crate::tool::Failure> {
    let words = ["grep", "CapPrm", "/proc/self/status"];
    let (text, _) = crate::tool::output_of("/bin/grep", &words)?;
    let digits = text.trim_end().rsplit('\t').next().unwrap_or("");
    u64::from_str_radix(digits, 16)
        .map_err(|_| crate::tool::Failure(text.clone()))
}

fn an_exec_gives_what_the_sets_say() -> Outcome {
    let kill = 1_u64 << CAP_KILL;
    let number = CAP_KILL as usize;
    ensure_ok(|| {
        let all = get()?[1];
        ensure_eq!(of_program()?, all);
        control(PR_CAPBSET_DROP, [CAP_SYS_ADMIN as usize, 0])?;
        ensure_eq!(control(PR_CAPBSET_READ, [CAP_SYS_ADMIN as usize, 0])?, 0);
        ensure_eq!(of_program()?, all & !(1 << CAP_SYS_ADMIN));
        let unknown = control(PR_CAPBSET_READ, [41, 0]);
        ensure_eq!(unknown, Err(Errno::EINVAL));
        // Who gave something up has it back, unless it wants nothing new.
        give_up(kill, true)?;
        ensure!(of_program()? & kill != 0);
        control(PR_SET_NO_NEW_PRIVS, [1, 0])?;
        ensure!(of_program()? & kill == 0);
        Ok(0)
    })?;
    ensure_ok(|| {
        let raise = PR_CAP_AMBIENT_RAISE;
        let raised = control(PR_CAP_AMBIENT, [raise, number]);
        ensure_eq!(raised, Err(Errno::EPERM));
        let [effective, permitted, _] = get()?;
        set([effective, permitted, kill])?;
        control(PR_SET_KEEPCAPS, [1, 0])?;
        process::set_user_id(NOBODY)?;
        control(PR_CAP_AMBIENT, [raise, number])?;
        let asked = [PR_CAP_AMBIENT_IS_SET, number];
        ensure_eq!(control(PR_CAP_AMBIENT, asked)?, 1);
        ensure_eq!(of_program()?, kill);
        Ok(0)
    })
}
