//! `stress-ng` of Debian: stressors of the calls that programs make, on four
//! CPUs, frozen and thawed in their midst.
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::linux::sysroot;
use tests::setup::{BOOT, Setup};

use crate::debian::{end_login, login_shell};

pub const TESTS: &[Test] = tests::list![stressors_run_and_freeze];

/// For what runs a few seconds, on a busy host.
const LIMIT: Duration = Duration::from_secs(120);

/// Each of these verifies what it does itself.
const STRESSORS: &str = "--cpu 1 --cpu-method int64 --fork 1 --vfork 1 \
    --pipe 1 --futex 1 --timer 1 --signal 1 --sigfd 1 --memfd 1 --eventfd 1 \
    --poll 1 --switch 1 --pthread 1 --pthread-max 16 --sockpair 1 --tee 1 \
    --dup 1";

// spec: P2 P8
fn stressors_run_and_freeze() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let image = login_shell(&debian)?
        .programs(&debian, &["usr/bin/stress-ng"])?
        .link("/bin/sh", "busybox")?;
    let mut firn = image.start(Setup::new(), "stress-ng")?;
    firn.wait_for_prompt(BOOT)?;
    for command in [
        "PATH=/bin; group=/sys/fs/cgroup/freezer; b=/bin/busybox; cd /tmp",
        "$b mount -t tmpfs cgroup /sys/fs/cgroup; $b mkdir $group",
        "$b mount -t cgroup -ofreezer freezer $group; $b mkdir $group/stress",
        "until_is() { while read s < $group/stress/freezer.state; \
            [ $s != $1 ]; do :; done; }",
    ] {
        let output = firn.run(command)?;
        ensure!(output.is_empty(), "`{command}` printed {output:?}");
    }
    let run = format!(
        "(echo $BASHPID > $group/stress/tasks; \
        exec stress-ng --verify {STRESSORS} -t 4 --timestamp > /tmp/log 2>&1) &"
    );
    firn.run(&run)?;
    // Three freezes while they run: each completes, and ends.
    let freeze = "for i in 1 2 3; do $b sleep 0.6; \
        echo FROZEN > $group/stress/freezer.state; until_is FROZEN; \
        $b sleep 0.2; echo THAWED > $group/stress/freezer.state; done; \
        echo frozen $i";
    let output = firn.run_within(freeze, LIMIT)?;
    ensure!(output.contains("frozen 3\n"), "{output}");
    let output = firn.run_within("wait; $b cat /tmp/log", LIMIT)?;
    ensure!(output.contains("successful run completed"), "{output}");
    end_login(firn)
}
