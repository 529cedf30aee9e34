//! Programs of Debian, unmodified, as Linux would run them.
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::linux::{
    Image, compile, ensure_lines, run_in_ash, sysroot, wait_for_ash,
};
use tests::setup::{BOOT, Firn, Setup};

pub const TESTS: &[Test] = tests::list![
    the_initramfs_of_a_linux_kernel_boots,
    a_login_shell_controls_its_jobs,
    dynamic_programs_of_debian_run,
    threads_of_the_c_library_run,
];

const LIMIT: Duration = Duration::from_secs(60);
const FOLDERS: [&str; 6] = ["/dev", "/proc", "/sys", "/tmp", "/etc", "/root"];

/// What every `/init` here does first.
const MOUNTS: &str = "#!/bin/sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
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
        ("sleep 100 & kill $!; wait $!; echo $?", &["143"]),
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
    let table = run_in_ash(&mut firn, "ps", LIMIT)?;
    ensure!(table.contains("    1 0        /bin/sh\n"), "{table}");
    firn.send("poweroff -f\n")?;
    firn.wait_for_end(LIMIT)
}

/// An `/init` that runs bash as a login shell on the console, and powers the
/// machine off when it ends.
fn login_shell(debian: &xtask::debian::Sysroot) -> Result<Image> {
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

fn end_login(mut firn: Firn) -> Result<()> {
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

fn a_login_shell_controls_its_jobs() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let image = login_shell(&debian)?.link("/bin/sleep", "busybox")?;
    let image = image.link("/bin/cat", "busybox")?;
    let mut firn = image.start(Setup::new(), "bash")?;
    firn.wait_for_prompt(BOOT)?;
    let output = firn.run("shopt -q login_shell && echo login; jobs")?;
    ensure!(output == "login\n", "{output:?}");
    // The job says when it runs: a key before that is the shell's.
    let job = "sh -c 'echo ru\"\"ns; exec sleep 1000'";
    expect(&mut firn, &format!("{job}\n"), "runs\n")?;
    expect(&mut firn, "\u{1a}", "Stopped                 sh -c")?;
    firn.wait_for_prompt(LIMIT)?;
    let output = firn.run("bg; jobs")?;
    ensure!(output.contains("[1]+ sh -c"), "{output:?}");
    ensure!(output.contains("[1]+  Running "), "{output:?}");
    expect(&mut firn, "fg\n", "exec sleep 1000'\n")?;
    thread::sleep(Duration::from_millis(300));
    expect(&mut firn, "\u{3}", "# ")?;
    firn.wait_for_prompt(LIMIT)?;
    ensure!(firn.run("echo $?")? == "130\n", "^C ends the job");
    // A job in the background that reads is stopped until it may.
    firn.run("cat &")?;
    let output = firn.run("sleep 0.3; jobs")?;
    ensure!(output.contains("Stopped"), "{output:?}");
    expect(&mut firn, "fg\n", "cat\n")?;
    expect(&mut firn, "typed\n", "typed\ntyped\n")?;
    expect(&mut firn, "\u{4}", "# ")?;
    firn.wait_for_prompt(LIMIT)?;
    expect(&mut firn, &format!("{job}\n"), "runs\n")?;
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
    let mut firn = image.start(Setup::new(), "coreutils")?;
    firn.wait_for_prompt(BOOT)?;
    for (command, lines) in [
        ("seq 20000 | sort -rn | tail -n 2", &["2", "1"][..]),
        ("cp /bin/ls /tmp/x && mv /tmp/x /tmp/y && /tmp/y /tmp", &["y"]),
        ("chmod 4711 /tmp/y; stat -c '%a %s %U' /tmp/y", &["4711 200440 root"]),
        ("ls -l /tmp/nothing; echo $?", &["2"]),
        ("sha256sum /bin/ls > /tmp/s; sha256sum -c /tmp/s", &["/bin/ls: OK"]),
        ("id; nproc", &["uid=0(root) gid=0(root) groups=0(root)", "4"]),
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
    let top = firn.run("top -b -n1")?;
    ensure!(top.starts_with("top - "), "{top:?}");
    ensure!(top.contains(" stopped,   0 zombie\n%Cpu(s): "), "{top:?}");
    ensure!(top.contains(" root      20   0 "), "{top:?}");
    let memory = firn.run("free -k")?;
    ensure!(memory.contains("\nMem:         1"), "{memory:?}");
    for command in ["vmstat", "uptime", "w", "pmap $$", "ps aux --forest"] {
        let output = firn.run(&format!("{command}; echo status $?"))?;
        ensure!(output.ends_with("status 0\n"), "{command}: {output:?}");
    }
    end_login(firn)
}

fn threads_of_the_c_library_run() -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let (Some(fixed), Some(dynamic)) =
        (compile("threads", &["-static"])?, compile("threads", &[])?)
    else {
        return Ok(());
    };
    let image = login_shell(&debian)?
        .host_program(&debian, &fixed, "/bin/static")?
        .host_program(&debian, &dynamic, "/bin/dynamic")?
        .library(&debian, "libgcc_s.so.1")?;
    let mut firn = image.start(Setup::new(), "threads")?;
    firn.wait_for_prompt(BOOT)?;
    for program in ["static", "dynamic"] {
        let output = firn.run(program)?;
        ensure!(output.ends_with("\n0 failures\n"), "{output}");
    }
    end_login(firn)
}
