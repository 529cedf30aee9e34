//! Debian's busybox and bash as the user land, as `cargo xtask qemu --user
//! debian` boots it.
use std::fs;

use anyhow::{Result, ensure};
use xtask::debian::user_land;
use xtask::initramfs::pack;
use xtask::layout::{Profile, boot_dir};

use tests::catalog::Test;
use tests::linux::sysroot;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![debian_is_the_user_land];

/// What is typed, and what comes back.
const COMMANDS: [(&str, &str); 13] = [
    ("echo ${BASH_VERSION%%.*} $0", "5 -/bin/bash\n"),
    ("cat /proc/1/comm; ls -l /init | cut -d'>' -f2", "init\n bin/busybox\n"),
    ("type -P ls awk poweroff", "/bin/ls\n/usr/bin/awk\n/sbin/poweroff\n"),
    ("pwd; whoami", "/root\nroot\n"),
    ("mount | grep -c -E '^(proc|sysfs|dev|freezer) on /'", "4\n"),
    ("seq 5 | awk '{ n += $1 } END { print n }'", "15\n"),
    ("for i in {1..3}; do echo -n $((i * i)); done; echo", "149\n"),
    ("(sleep 1000 & echo $! > /tmp/p); p=$(cat /tmp/p)", ""),
    ("cat /proc/$p/comm; cut -d' ' -f3 /proc/$p/stat", "sleep\nS\n"),
    ("g=/sys/fs/cgroup/freezer/box; mkdir $g; echo $p > $g/tasks", ""),
    ("echo FROZEN > $g/freezer.state; cat $g/freezer.state", "FROZEN\n"),
    ("kill $p; cut -d' ' -f3 /proc/$p/stat", "D\n"),
    ("echo THAWED > $g/freezer.state; while [ -d /proc/$p ]; do :; done", ""),
];

fn debian_is_the_user_land() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let path = boot_dir(Profile::Checked).join("user-land.cpio.gz");
    fs::write(&path, pack(&user_land(&debian)?)?)?;
    let mut firn = Setup::new().initrd(&path).boot()?;
    for (command, expected) in COMMANDS {
        let output = firn.run(command)?;
        ensure!(output == expected, "`{command}` printed {output:?}");
    }
    // The shell comes back when it ends, as `/etc/inittab` says.
    firn.run("exit")?;
    let output = firn.run("pwd")?;
    ensure!(output == "/root\n", "after `exit`: {output:?}");
    firn.power_off()
}
