//! Programs of Debian, unmodified, as Linux would run them.
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::linux::{Image, ensure_lines, run_in_ash, sysroot, wait_for_ash};
use tests::setup::{BOOT, Firn, Setup};

pub mod pair;
pub mod trace;

pub const TESTS: &[Test] = tests::list![
    the_initramfs_of_a_linux_kernel_boots,
    a_login_shell_controls_its_jobs,
    dynamic_programs_of_debian_run,
    the_document_of_the_cgroup_freezer_can_be_typed,
];

/// How long one command may take.
pub const LIMIT: Duration = Duration::from_secs(60);
/// What every initramfs here has.
pub const FOLDERS: [&str; 6] =
    ["/dev", "/proc", "/sys", "/tmp", "/etc", "/root"];

/// What every `/init` here does first.
pub const MOUNTS: &str = "#!/bin/sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t devpts devpts /dev/pts
";

fn the_initramfs_of_a_linux_kernel_boots() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let init = format!(
        "{MOUNTS}/bin/busybox --install -s /bin\n\
        echo \"init is $$\"\nexec /bin/sh\n"
    );
    let image = Image::new(&FOLDERS)?
        .file(&debian, "bin/busybox")?
        .link("/bin/sh", "busybox")?
        .script("/init", &init)?;
    let mut firn = image.start(Setup::new(), "busybox")?;
    wait_for_ash(&mut firn, BOOT)?;
    ensure!(firn.transcript().contains("\ninit is 1\n"), "no /init");
    for (command, lines) in [
        ("uname -sm", &["Linux aarch64"][..]),
        ("mount", &["proc on /proc type proc (rw)"]),
        ("echo a b | cut -d' ' -f2 | sed s/b/c/ | tr c d", &["d"]),
        ("seq 3 | xargs -n1 expr 1 +", &["2", "3", "4"]),
        ("mkdir -p /tmp/a/b; find /tmp/a | sort", &["/tmp/a", "/tmp/a/b"]),
        ("printf 1234 > /tmp/f; stat -c '%s %F' /tmp/f", &["4 regular file"]),
        (
            "gzip -c /bin/busybox | gzip -dc | cmp - /bin/busybox; echo $?",
            &["0"],
        ),
        ("sleep 100 & sleep 1; kill $!; wait $!; echo $?", &["143"]),
        ("ulimit -n; umask", &["1024", "0022"]),
        (
            "cat /proc/1/comm; tr '\\0' ' ' < /proc/1/cmdline; echo",
            &["sh", "/bin/sh "],
        ),
    ] {
        let output = run_in_ash(&mut firn, command, LIMIT)?;
        let lines: Vec<_> = lines.iter().map(|it| it.trim_end()).collect();
        ensure_lines(&output, &lines).context(command)?;
    }
    ensure_kept_out(&mut firn)?;
    let table = run_in_ash(&mut firn, "ps", LIMIT)?;
    ensure!(table.contains("    1 root     /bin/sh\n"), "{table}");
    firn.send("poweroff -f\n")?;
    firn.wait_for_end(LIMIT)
}

/// Another user than root may do what the mode bits say, and no more.
fn ensure_kept_out(firn: &mut Firn) -> Result<()> {
    for command in [
        "printf 'root:x:0:0::/:/bin/sh\\nu:x:7:8::/:/bin/sh\\n' >/etc/passwd",
        "chmod 1777 /tmp; chmod 700 /root; echo secret > /root/s",
        "echo text > /tmp/mine; chmod 644 /tmp/mine",
    ] {
        run_in_ash(firn, command, LIMIT)?;
    }
    for (command, expected) in [
        ("id -u; id -g; umask 027; echo a > /tmp/m; mkdir /tmp/n", "7\n8\n"),
        (
            "stat -c '%U %a' /tmp/m; stat -c '%u %g %a' /tmp/n",
            "u 640\n7 8 750\n",
        ),
        ("cat /root/s 2>&1", "cat: can't open '/root/s': Permission denied\n"),
        ("cat /tmp/mine", "text\n"),
        (
            "echo b 2>&1 > /tmp/mine",
            "sh: can't create /tmp/mine: Permission denied\n",
        ),
        (
            "rm -f /tmp/mine 2>&1",
            "rm: can't remove '/tmp/mine': Operation not permitted\n",
        ),
        (
            "mkdir /b 2>&1",
            "mkdir: can't create directory '/b': \
            Permission denied\n",
        ),
        (
            "kill -9 1 2>&1; ls /proc/self/fd >/dev/null && echo own",
            "sh: can't kill pid 1: Operation not permitted\nown\n",
        ),
        ("rm /tmp/m; rmdir /tmp/n; test -w /etc/passwd; echo $?", "1\n"),
    ] {
        let line = format!("su u -c \"{}\"", command.replace('$', "\\$"));
        let output = run_in_ash(firn, &line, LIMIT)?;
        ensure!(output == expected, "`{command}` printed {output:?}");
    }
    Ok(())
}

/// An `/init` that runs bash as a login shell on the console, and powers the
/// machine off when it ends.
pub fn login_shell(debian: &xtask::debian::Sysroot) -> Result<Image> {
    let init = format!(
        "{MOUNTS}echo root:x:0:0:root:/root:/bin/bash > /etc/passwd\n\
        echo root:x:0: > /etc/group\n\
        export PATH=/bin TERM=linux HOME=/root PS1='# '\n\
        cd /root\n\
        /bin/busybox setsid -c /bin/bash-static --login --noediting\n\
        exec /bin/busybox poweroff -f\n"
    );
    Image::new(&FOLDERS)?
        .file(debian, "bin/busybox")?
        .file(debian, "bin/bash-static")?
        .link("/bin/sh", "busybox")?
        .script("/init", &init)
}

/// Ends a login shell, and the machine with it.
pub fn end_login(mut firn: Firn) -> Result<()> {
    firn.send("exit\n")?;
    firn.wait_for_end(LIMIT)
}

/// Waits for `text` after the last prompt, then goes on.
fn expect(firn: &mut Firn, typed: &str, text: &str) -> Result<()> {
    let start = firn.transcript().len();
    firn.send(typed)?;
    firn.wait_for(text, start, LIMIT)
        .with_context(|| format!("typed {typed:?}"))
}

/// Waits until bash has heard that its job is stopped.
const WAIT_FOR_STOP: &str = "wait_for_stop() { \
    until jobs > /tmp/jobs; [[ $(</tmp/jobs) == *Stopped* ]]; do \
    sleep 0.1; done; }";

fn a_login_shell_controls_its_jobs() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let image = login_shell(&debian)?.link("/bin/sleep", "busybox")?;
    let image = image.link("/bin/cat", "busybox")?;
    let mut firn = image.start(Setup::new(), "bash")?;
    firn.wait_for_prompt(BOOT)?;
    let output = firn.run("shopt -q login_shell && echo login; jobs")?;
    ensure!(output == "login\n", "{output:?}");
    // `cat` answers once it runs: a key before that is the shell's.
    expect(&mut firn, "cat\none\n", "one\none\n")?;
    expect(&mut firn, "\u{1a}", "Stopped                 cat")?;
    firn.wait_for_prompt(LIMIT)?;
    expect(&mut firn, "fg\n", "cat\n")?;
    expect(&mut firn, "two\n", "two\ntwo\n")?;
    expect(&mut firn, "\u{3}", "# ")?;
    firn.wait_for_prompt(LIMIT)?;
    ensure!(firn.run("echo $?")? == "130\n", "^C ends the job");
    firn.run(WAIT_FOR_STOP)?;
    let output =
        firn.run("sleep 1000 & kill -STOP $!; wait_for_stop; bg; jobs")?;
    ensure_lines(
        &output,
        &["[1]+ sleep 1000 &", "[1]+  Running                 sleep 1000 &"],
    )?;
    firn.run("kill $!; wait")?;
    // A job in the background that reads is stopped until it may.
    firn.run("cat &")?;
    let output = firn.run("wait_for_stop; jobs")?;
    ensure!(output.contains("Stopped"), "{output:?}");
    expect(&mut firn, "fg\n", "cat\n")?;
    expect(&mut firn, "typed\n", "typed\ntyped\n")?;
    expect(&mut firn, "\u{4}", "# ")?;
    firn.wait_for_prompt(LIMIT)?;
    expect(&mut firn, "cat\nthree\n", "three\nthree\n")?;
    expect(&mut firn, "\u{1c}", "# ")?;
    firn.wait_for_prompt(LIMIT)?;
    ensure!(firn.run("echo $?")? == "131\n", "^\\ ends the job");
    let output = firn.run("trap 'echo caught' USR1; kill -USR1 $$; echo on")?;
    ensure!(output == "caught\non\n", "{output:?}");
    end_login(firn)
}

const COREUTILS: [&str; 19] = [
    "bin/cat",
    "bin/chmod",
    "bin/cp",
    "bin/date",
    "bin/df",
    "bin/ls",
    "bin/mv",
    "bin/rm",
    "bin/sleep",
    "bin/stty",
    "usr/bin/id",
    "usr/bin/nproc",
    "usr/bin/sha256sum",
    "usr/bin/sort",
    "usr/bin/stat",
    "usr/bin/seq",
    "usr/bin/tail",
    "usr/bin/timeout",
    "usr/bin/tee",
];

const PROCPS: [&str; 9] = [
    "bin/ps",
    "usr/bin/free",
    "usr/bin/pgrep",
    "usr/bin/pkill",
    "usr/bin/pmap",
    "usr/bin/top",
    "usr/bin/uptime",
    "usr/bin/vmstat",
    "usr/bin/w",
];

fn dynamic_programs_of_debian_run() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let image = login_shell(&debian)?
        .programs(&debian, &COREUTILS)?
        .programs(&debian, &PROCPS)?
        .file(&debian, "lib/terminfo/d/dumb")?
        .file(&debian, "lib/terminfo/l/linux")?;
    let setup = Setup::new();
    let cpus = setup.count_cpus().to_string();
    let most = setup.memory_kib();
    let mut firn = image.start(setup, "coreutils")?;
    firn.wait_for_prompt(BOOT)?;
    for (command, lines) in [
        ("seq 20000 | sort -rn | tail -n 2", &["2", "1"][..]),
        ("cp /bin/ls /tmp/x && mv /tmp/x /tmp/y && /tmp/y /tmp", &["y"]),
        ("chmod 4711 /tmp/y; stat -c '%a %s %U' /tmp/y", &["4711 200440 root"]),
        ("ls -l /tmp/nothing; echo $?", &["2"]),
        ("sha256sum /bin/ls > /tmp/s; sha256sum -c /tmp/s", &["/bin/ls: OK"]),
        ("id; nproc", &["uid=0(root) gid=0(root) groups=0(root)", &cpus]),
        ("timeout 0.2 sleep 5; echo $?", &["124"]),
        ("date -u -d @0 +%F", &["1970-01-01"]),
        ("df /tmp >/dev/null; echo $?; echo a | tee /tmp/t", &["0", "a"]),
        (
            "sleep 1000 & pgrep -x sleep | tail -n1 | sort -c; echo $?; pkill sleep; wait; echo $?",
            &["0", "0"],
        ),
        ("ps -o stat=,comm= -p $$", &["Ss   bash-static"]),
        ("ps -o comm= -p 1", &["init"]),
    ] {
        let output = firn.run(command)?;
        ensure_lines(&output, lines).context(command)?;
    }
    // Where no clock keeps the date, it begins at 0, and this `top` looks at
    // memory only when the last look, at 0, is three seconds ago: or dies.
    firn.run("while [ $(date +%s) -lt 3 ]; do sleep 0.1; done")?;
    let top = firn.run("top -b -n1")?;
    ensure!(top.starts_with("top - "), "{top:?}");
    ensure!(top.contains(" stopped,   0 zombie\n%Cpu(s): "), "{top:?}");
    ensure!(top.contains(" root      20   0 "), "{top:?}");
    let memory = firn.run("free -k")?;
    let total = memory.split_whitespace().nth(7).unwrap_or_default();
    let total: u64 = total.parse().with_context(|| memory.clone())?;
    ensure!((most / 10 * 9..most).contains(&total), "{memory:?}");
    for command in ["vmstat", "uptime", "w", "pmap $$", "ps aux --forest"] {
        let output = firn.run(&format!("{command}; echo status $?"))?;
        ensure!(output.ends_with("status 0\n"), "{command}: {output:?}");
    }
    end_login(firn)
}

/// Types the example of Linux's document on the cgroup freezer.
fn the_document_of_the_cgroup_freezer_can_be_typed() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let init =
        format!("{MOUNTS}/bin/busybox --install -s /bin\nexec /bin/sh\n");
    let image = Image::new(&FOLDERS)?
        .file(&debian, "bin/busybox")?
        .link("/bin/sh", "busybox")?
        .script("/init", &init)?;
    let mut firn = image.start(Setup::new(), "document")?;
    wait_for_ash(&mut firn, BOOT)?;
    for (command, expected) in [
        // Where the document begins, the system has done this.
        ("mount -t tmpfs cgroup /sys/fs/cgroup", ""),
        ("mkdir /sys/fs/cgroup/freezer", ""),
        ("mount -t cgroup -ofreezer freezer /sys/fs/cgroup/freezer", ""),
        ("mkdir /sys/fs/cgroup/freezer/0", ""),
        ("sleep 1000 & some_pid=$!", ""),
        ("echo $some_pid > /sys/fs/cgroup/freezer/0/tasks", ""),
        ("cat /sys/fs/cgroup/freezer/0/freezer.state", "THAWED\n"),
        ("echo FROZEN > /sys/fs/cgroup/freezer/0/freezer.state", ""),
        // It may be FREEZING first.
        (
            "until grep FROZEN /sys/fs/cgroup/freezer/0/freezer.state; do \
             sleep 0.1; done",
            "FROZEN\n",
        ),
        ("cat /sys/fs/cgroup/freezer/0/freezer.self_freezing", "1\n"),
        ("cat /sys/fs/cgroup/freezer/0/freezer.parent_freezing", "0\n"),
        ("cut -d' ' -f3 /proc/$some_pid/stat", "D\n"),
        ("kill $some_pid; jobs | grep -c Terminated", "0\n"),
        ("echo THAWED > /sys/fs/cgroup/freezer/0/freezer.state", ""),
        ("cat /sys/fs/cgroup/freezer/0/freezer.state", "THAWED\n"),
        ("wait $some_pid; echo $?", "143\n"),
        ("cat /sys/fs/cgroup/freezer/0/tasks | wc -l", "0\n"),
        ("rmdir /sys/fs/cgroup/freezer/0; echo $?", "0\n"),
        (
            "cat /sys/fs/cgroup/freezer/0/freezer.state; echo $?",
            concat!(
                "cat: can't open '/sys/fs/cgroup/freezer/0/freezer.state': ",
                "No such file or directory\n1\n",
            ),
        ),
    ] {
        let output = run_in_ash(&mut firn, command, LIMIT)?;
        ensure!(output == expected, "`{command}` printed {output:?}");
    }
    firn.send("poweroff -f\n")?;
    firn.wait_for_end(LIMIT)
}
