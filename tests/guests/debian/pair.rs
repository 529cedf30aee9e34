//! `script` of Debian, unmodified: a program that runs another at a pseudo
//! terminal of its own.

use anyhow::{Context, Result, ensure};

use super::{end_login, login_shell};
use tests::catalog::Test;
use tests::linux::sysroot;
use tests::setup::{BOOT, Firn, Setup};

pub const TESTS: &[Test] =
    tests::list![a_script_of_a_session_has_what_was_shown];

fn a_script_of_a_session_has_what_was_shown() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let image = login_shell(&debian)?
        .programs(&debian, &["usr/bin/script"])?
        .link("/bin/stty", "busybox")?
        .link("/bin/tty", "busybox")?;
    let mut firn = image.start(Setup::new(), "script")?;
    firn.wait_for_prompt(BOOT)?;
    firn.run("export SHELL=/bin/sh; g=/sys/fs/cgroup")?;
    for (command, expected) in [
        ("script -qc 'tty; stty size' /tmp/o", "/dev/pts/0\n24 80\n"),
        ("busybox tr -d '\\r' < /tmp/o | busybox grep -c pts/0", "1\n"),
        // What is typed goes to who runs at the other terminal.
        (
            "echo typed | script -qec 'read a; echo got $a; exit 3' /tmp/o; \
             echo $?",
            "typed\ngot typed\n3\n",
        ),
        // A key of the outer terminal means the inner one.
        (
            "(busybox sleep 2; printf '\\003') | script -qec 'trap \"echo int; exit\" INT; \
             while :; do :; done' /tmp/o",
            "^Cint\n",
        ),
        // More than a pair takes at once, all of it and in order.
        (
            "script -qc 'busybox seq 20000' /tmp/o >/dev/null; \
             busybox tr -d '\\r' < /tmp/o | busybox grep ^[0-9] | \
             busybox sha1sum; busybox seq 20000 | busybox sha1sum",
            "",
        ),
    ] {
        let output = firn.run(command)?.replace('\r', "");
        if command.contains("sha1sum") {
            let sums: Vec<_> = output.lines().collect();
            ensure!(sums.len() == 2 && sums[0] == sums[1], "{output:?}");
            continue;
        }
        ensure!(output == expected, "`{command}` printed {output:?}");
    }
    freeze_a_session(&mut firn).context("a frozen session")?;
    end_login(firn)
}

/// The programs at both ends stand still, and go on as if nothing had been.
fn freeze_a_session(firn: &mut Firn) -> Result<()> {
    for command in [
        "busybox mount -t cgroup -ofreezer freezer $g; busybox mkdir $g/s",
        "(echo $BASHPID > $g/s/tasks; exec script -qc 'i=0; \
         until test -e /tmp/end; do i=$((i+1)); echo line $i; done; \
         echo lines $i' /tmp/o >/dev/null </dev/null) & p=$!",
        // Both ends run: the shell and the one who copies what it says.
        "until busybox grep -q '^line 100' /tmp/o; do busybox sleep 0.05; done",
        "busybox wc -l < $g/s/tasks",
    ] {
        firn.run(command)?;
    }
    for _ in 0..8 {
        let output = firn.run(
            "echo FROZEN > $g/s/freezer.state; \
             until busybox grep -q FROZEN $g/s/freezer.state; do :; done; \
             busybox wc -l < $g/s/tasks; busybox wc -c < /tmp/o > /tmp/a; \
             busybox sleep 0.1; busybox wc -c < /tmp/o | busybox cmp - /tmp/a \
             && echo still; echo THAWED > $g/s/freezer.state",
        )?;
        let mut lines = output.lines();
        let tasks: u32 = lines.next().unwrap_or_default().trim().parse()?;
        ensure!(tasks >= 2, "only {tasks} tasks were frozen");
        ensure!(lines.next() == Some("still"), "{output:?}");
    }
    // Each line is there, once.
    let output = firn.run(
        "> /tmp/end; wait $p; echo $?; busybox tr -d '\\r' < /tmp/o | \
         busybox grep -c '^line '; busybox tr -d '\\r' < /tmp/o | \
         busybox sed -n 's/^lines //p'",
    )?;
    // Before them the shell says that the job is done.
    let mut lines = output.lines().rev();
    let [told, seen, status] = [lines.next(), lines.next(), lines.next()];
    ensure!(status == Some("0") && told == seen, "{output:?}");
    Ok(())
}
