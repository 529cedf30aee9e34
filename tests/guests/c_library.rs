//! C programs of ours (`tests/programs`), by two C libraries: glibc and musl.
use anyhow::{Context, Result, bail, ensure};

use tests::catalog::Test;
use tests::linux::{compile, compile_with_musl, sysroot};
use tests::setup::{BOOT, Firn, Setup};

use crate::debian::{end_login, login_shell};

pub const TESTS: &[Test] = tests::list![
    threads_of_two_c_libraries_run,
    a_freeze_leaves_no_trace_in_any_wait,
];

fn threads_of_two_c_libraries_run() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let (Some(fixed), Some(dynamic), Some(musl)) = (
        compile("threads", &["-static"])?,
        compile("threads", &[])?,
        compile_with_musl(&debian, "threads")?,
    ) else {
        return Ok(());
    };
    let image = login_shell(&debian)?
        .host_program(&debian, &fixed, "/bin/static")?
        .host_program(&debian, &dynamic, "/bin/dynamic")?
        .host_program(&debian, &musl, "/bin/musl")?
        .library(&debian, "libgcc_s.so.1")?;
    let mut firn = image.start(Setup::new(), "threads")?;
    firn.wait_for_prompt(BOOT)?;
    for program in ["static", "dynamic", "musl"] {
        let output = firn.run(program)?;
        ensure!(output.lines().next_back() == Some("0 failures"), "{output}");
    }
    end_login(firn)
}

/// What a wait in `waits.c` gives, and its `errno`, freeze or not; the table
/// of Linux's results, in the column that tells what is right.
const WAITS: [(&str, i64, i32, i32); 18] = [
    ("nanosleep", 0, 0, 0),
    ("clock_nanosleep", 0, 0, 0),
    ("clock_nanosleep_abs", 0, 0, 0),
    ("futex", -1, ETIMEDOUT, 0),
    ("futex_bitset", -1, ETIMEDOUT, 0),
    ("ppoll", 0, 0, 0),
    ("pselect6", 0, 0, 0),
    ("epoll_pwait", 0, 0, 0),
    ("rt_sigtimedwait", -1, EAGAIN, 0),
    ("wait4", 7, 0, 0),
    ("pipe", 'x' as i64, 0, 0),
    ("socket", 'y' as i64, 0, 0),
    ("signalfd", 12, 0, 0),
    ("terminal", 0, 0, 0),
    ("vfork", 9, 0, 0),
    // A handler of its own runs once: that of the alarm.
    ("itimer", -1, EINTR, 1),
    ("timerfd", 1, 0, 0),
    ("eventfd", 5, 0, 0),
];

const EINTR: i32 = 4;
const EAGAIN: i32 = 11;
const ETIMEDOUT: i32 = 110;

/// How late a wait may end on a busy host, ms. One that the freeze had
/// stretched would be as late as the freeze was long.
const SLACK_MS: i64 = 600;

/// When a wait has to end.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// So many ms after its start.
    AfterStart(i64),
    /// At the thaw, not a moment before.
    AtThaw,
}

/// How often the waits are played until all end in time: a busy host makes
/// some late in some rounds, a kernel that stretches them in all.
const ROUNDS: u32 = 5;

/// Plays the waits with this command.
fn ensure_waits(firn: &mut Firn, command: &str, due: Due) -> Result<()> {
    for _ in 0..ROUNDS {
        let output = firn.run(command)?;
        match late_wait(&output, due)? {
            None => return Ok(()),
            Some(line) => println!("{line:?}, due {due:?}"),
        }
    }
    bail!("none of {ROUNDS} rounds of `{command}` was in time")
}

/// Checks what `waits` printed: each wait gives what it must. Gives a line
/// about one that did not end when it was due.
fn late_wait(output: &str, due: Due) -> Result<Option<&str>> {
    let mut late = None;
    let mut lines = output.lines();
    for (name, result, error, handlers) in WAITS {
        let line = lines.next().with_context(|| format!("no {name}"))?;
        let (start, rest) = line.split_once(' ').unwrap_or_default();
        ensure!(start == name, "{line:?} is not about {name}");
        let figures: Vec<i64> = rest
            .split(' ')
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        let [given, errno, took, ran, changed, after] = figures[..] else {
            bail!("{line:?}")
        };
        let gave = (given, errno, ran, changed);
        let expected = (result, error.into(), handlers.into(), 0);
        ensure!(gave == expected, "{line:?}, not {expected:?}");
        let is_in_time = match due {
            Due::AfterStart(ms) => {
                ensure!(took >= ms - 20, "{line:?} is too early");
                took <= ms + SLACK_MS
            }
            // Before the thaw, if the host was late with the freeze.
            Due::AtThaw => (0..=SLACK_MS).contains(&after),
        };
        if !is_in_time {
            late = Some(line);
        }
    }
    Ok(late)
}

// spec: X1 X2 X3 X4 X5 X6 X7 X8 X10
fn a_freeze_leaves_no_trace_in_any_wait() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let (Some(waits), Some(musl)) =
        (compile("waits", &["-static"])?, compile_with_musl(&debian, "waits")?)
    else {
        return Ok(());
    };
    let image = login_shell(&debian)?
        .host_program(&debian, &waits, "/bin/waits")?
        .host_program(&debian, &musl, "/bin/waits-musl")?;
    let mut firn = image.start(Setup::new(), "waits")?;
    firn.wait_for_prompt(BOOT)?;
    for command in [
        "mkdir() { /bin/busybox mkdir $1; }; group=/sys/fs/cgroup/freezer",
        "/bin/busybox mount -t tmpfs cgroup /sys/fs/cgroup; mkdir $group",
        "/bin/busybox mount -t cgroup -ofreezer freezer $group",
        "mkdir $group/probe",
    ] {
        let output = firn.run(command)?;
        ensure!(output.is_empty(), "`{command}` printed {output:?}");
    }
    // In the middle of a wait of 2 s, frozen for 0.8 s.
    let command = "waits $group/probe 2000 600 800";
    ensure_waits(&mut firn, command, Due::AfterStart(2000))?;
    // The time is over while frozen: they end with the thaw.
    let command = "waits-musl $group/probe 800 400 1200";
    ensure_waits(&mut firn, command, Due::AtThaw)?;
    end_login(firn)
}
