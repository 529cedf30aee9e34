//! `strace` of Debian, unmodified: a tracer that asks for everything.
use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::linux::sysroot;
use tests::setup::{BOOT, Firn, Setup};

use super::{end_login, login_shell};

pub const TESTS: &[Test] =
    tests::list![strace_shows_what_programs_ask_the_kernel];

/// Fails unless every one of `texts` stands in what `command` prints.
fn ensure_shown(firn: &mut Firn, command: &str, texts: &[&str]) -> Result<()> {
    let output = firn.run(command)?;
    for text in texts {
        ensure!(output.contains(text), "no {text:?} in {output:?}");
    }
    Ok(())
}

// spec: G8
fn strace_shows_what_programs_ask_the_kernel() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let image = login_shell(&debian)?.programs(&debian, &["usr/bin/strace"])?;
    let image = image.link("/bin/sleep", "busybox")?;
    let mut firn = image.start(Setup::new(), "strace")?;
    firn.wait_for_prompt(BOOT)?;
    firn.run("grep() { busybox grep \"$@\"; }; g=/sys/fs/cgroup")?;
    ensure_shown(
        &mut firn,
        "strace -f sh -c 'sleep 0.1; exit 3' 2>&1; echo status $?",
        &[
            "execve(\"/bin/sh\", [\"sh\", \"-c\", \"sleep 0.1; exit 3\"], ",
            ") = 0\n",
            " attached\n",
            "execve(\"/proc/self/exe\", [\"sleep\", \"0.1\"], ",
            "tv_nsec=100000000}",
            "+++ exited with 0 +++\n",
            "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, ",
            "exit_group(3)",
            "+++ exited with 3 +++\nstatus 3\n",
        ],
    )
    .context("following a child")?;
    ensure_shown(
        &mut firn,
        "strace -c sh -c 'kill -0 $$; kill -0 1' 2>&1; echo status $?",
        &[
            "% time     seconds  usecs/call     calls    errors syscall\n",
            " kill\n",
            " execve\n",
            " total\nstatus 0\n",
        ],
    )
    .context("counting")?;
    ensure_shown(
        &mut firn,
        "strace -e trace=kill sh -c 'kill -USR1 $$' 2>&1; echo status $?",
        &[
            "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, ",
            "+++ killed by SIGUSR1 +++\n",
            "status 138\n",
        ],
    )
    .context("a signal")?;
    attach_and_leave(&mut firn)?;
    end_login(firn)
}

/// Attaches to a program that runs, and to one that is frozen.
fn attach_and_leave(firn: &mut Firn) -> Result<()> {
    let watch = "strace -o /tmp/trace -p $p & t=$!; \
        while busybox grep -q 'TracerPid:.0$' /proc/$p/status; do \
        busybox sleep 0.1; done";
    // What it has seen stands there before it ends.
    let see = "for word in wait4 clone; do \
        until busybox grep -q $word /tmp/trace; do busybox sleep 0.1; done; \
        done; kill $t; wait $t";
    firn.run("sh -c 'while :; do busybox sleep 0.05; done' & p=$!")?;
    firn.run(watch)?;
    ensure_shown(firn, "grep TracerPid /proc/$p/status; echo $t", &["\t"])?;
    firn.run(see)?;
    ensure_shown(firn, "grep TracerPid /proc/$p/status", &["\t0\n"])?;
    ensure_shown(firn, "busybox cat /tmp/trace", &["wait4(", "clone("])?;
    for command in [
        "busybox mount -t cgroup -ofreezer freezer $g",
        "busybox mkdir $g/0; echo $p > $g/0/tasks",
        "echo FROZEN > $g/0/freezer.state",
        "until busybox grep -q FROZEN $g/0/freezer.state; do \
         busybox sleep 0.1; done",
        "busybox rm /tmp/trace",
    ] {
        let output = firn.run(command)?;
        ensure!(output.is_empty(), "`{command}` printed {output:?}");
    }
    // It is seized at once, and stops when it can run.
    firn.run(watch)?;
    firn.run("busybox sleep 0.5")?;
    // Who is asked to stop wakes for a moment, and freezes again.
    let is_frozen = "test \"$(busybox cut -d' ' -f3 /proc/$p/stat)\" = D";
    firn.run(&format!("until {is_frozen}; do busybox sleep 0.1; done"))?;
    let frozen = "busybox cut -d' ' -f3 /proc/$p/stat; \
        busybox cat $g/0/freezer.state; busybox cat /tmp/trace";
    let output = firn.run(frozen)?;
    ensure!(output == "D\nFROZEN\n", "frozen: {output:?}");
    firn.run("echo THAWED > $g/0/freezer.state")?;
    firn.run(see)?;
    ensure_shown(firn, "busybox cat /tmp/trace", &["wait4(", "clone("])?;
    let status = "busybox grep TracerPid /proc/$p/status; kill $p; wait";
    ensure_shown(firn, status, &["\t0\n"])
}
