//! The example of Linux's document *Cgroup Freezer*, with Debian's shells: one
//! shell runs in another, and a second, unrelated shell stops the inner one
//! with signals, or freezes it. A stop the outer shell notices; of a freeze
//! nobody says anything.
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::linux::{Image, sysroot};
use tests::setup::{BOOT, Firn, Setup};

pub const TESTS: &[Test] = tests::list![
    bash_notices_a_stop_of_its_inner_shell_and_no_freeze,
    busybox_notices_a_stop_of_its_inner_shell_and_no_freeze,
];

const LIMIT: Duration = Duration::from_secs(60);

/// The second shell: it runs what is written to `/tmp/step`, a while after
/// it was written.
const SECOND: &str = "#!/bin/sh
while sleep 0.1; do
    [ -f /tmp/step ] && mv /tmp/step /tmp/now && sleep 0.5 && sh /tmp/now
done
";

/// How long the group is frozen, in seconds.
const FROZEN: &str = "1";

/// Two shells, one in the other, and the word by which one is started.
struct Shells {
    firn: Firn,
    inner: &'static str,
    /// What is typed, so far.
    steps: u32,
}

impl Shells {
    /// Types a line; gives what is printed until `echo` has printed a mark
    /// after it. A prompt may look like anything.
    fn run(&mut self, line: &str) -> Result<String> {
        self.steps += 1;
        let mark = format!("done-{}", self.steps);
        let start = self.firn.transcript().len();
        // The echo of the line does not have the mark.
        let steps = self.steps;
        self.firn.send(&format!("{line}; echo done''-{steps}\n"))?;
        self.firn
            .wait_for(&format!("{mark}\n"), start, LIMIT)
            .with_context(|| format!("typed `{line}`"))?;
        Ok(self.firn.transcript()[start..].to_owned())
    }

    /// The number of the shell that reads what is typed.
    fn who(&mut self) -> Result<u32> {
        let text = self.run("echo pid''-$$-")?;
        let (_, rest) = text.split_once("pid-").context("no number")?;
        let digits = rest.split('-').next().unwrap_or("");
        digits.parse().with_context(|| text.clone())
    }

    /// Lets the second shell run these lines.
    fn second(&mut self, lines: &str) -> Result<()> {
        let line = format!("echo '{lines}' > /tmp/new; mv /tmp/new /tmp/step");
        self.run(&line).map(drop)
    }

    fn wait_for(&mut self, text: &str, start: usize) -> Result<()> {
        self.firn.wait_for(text, start, LIMIT)
    }

    /// Starts the inner shell; its number.
    fn enter(&mut self) -> Result<u32> {
        let outer = self.who()?;
        self.firn.send(&format!("{}\n", self.inner))?;
        let inner = self.who()?;
        ensure!(inner != outer, "there is no inner shell");
        Ok(inner)
    }
}

/// The outer shell prints what happened and is there again.
fn stop_and_continue(shells: &mut Shells) -> Result<()> {
    let outer = shells.who()?;
    let inner = shells.enter()?;
    let start = shells.firn.transcript().len();
    shells.second(&format!("kill -STOP {inner}"))?;
    shells.wait_for("Stopped", start)?;
    ensure!(shells.who()? == outer, "the outer shell is not there");
    shells.firn.send("fg\n")?;
    ensure!(shells.who()? == inner, "the inner shell does not go on");
    shells.firn.send("exit 3\n")?;
    ensure!(shells.who()? == outer, "the outer shell is gone");
    Ok(())
}

/// What is typed waits; nobody prints anything.
fn freeze_and_thaw(shells: &mut Shells) -> Result<()> {
    let outer = shells.who()?;
    let inner = shells.enter()?;
    let start = shells.firn.transcript().len();
    shells.second(&format!(
        "cd /sys/fs/cgroup/freezer/0; echo {inner} > tasks
echo FROZEN > freezer.state
until grep -q FROZEN freezer.state; do sleep 0.01; done
echo second: $(cat freezer.state) $(cut -d\" \" -f3 /proc/{inner}/stat)
sleep {FROZEN}; echo second: thaws; echo THAWED > freezer.state
echo second: $(cat freezer.state)"
    ))?;
    shells.wait_for("second: FROZEN D\n", start)?;
    let text = shells.run("echo still $$ here")?;
    let (frozen, thawed) =
        text.split_once("second: thaws\n").context("typed too late")?;
    let answer = format!("still {inner} here\n");
    ensure!(!frozen.contains(&answer), "it ran while frozen: {text}");
    ensure!(thawed.contains(&answer), "it did not run: {text}");
    shells.wait_for("second: THAWED\n", start)?;
    ensure!(!shells.firn.transcript()[start..].contains("Stopped"));
    ensure!(shells.who()? == inner, "the inner shell is gone");
    shells.firn.send("exit 3\n")?;
    ensure!(shells.run("echo status $?")?.contains("status 3\n"));
    ensure!(shells.who()? == outer, "the outer shell is gone");
    Ok(())
}

/// Plays both parts with `outer` as the shell on the console.
fn play(name: &str, outer: &str, inner: &'static str) -> Result<()> {
    let Some(debian) = sysroot()? else { return Ok(()) };
    let init = format!(
        "#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs cgroup /sys/fs/cgroup
mkdir /sys/fs/cgroup/freezer
mount -t cgroup -ofreezer freezer /sys/fs/cgroup/freezer
mkdir /sys/fs/cgroup/freezer/0
export PATH=/bin TERM=dumb HOME=/root PS1='# '
/bin/second &
setsid -c {outer}
exec poweroff -f
"
    );
    let folders = ["/dev", "/proc", "/sys", "/tmp", "/etc", "/root"];
    let firn = Image::new(&folders)?
        .file(&debian, "bin/busybox")?
        .file(&debian, "bin/bash-static")?
        .link("/bin/sh", "busybox")?
        .script("/bin/second", SECOND)?
        .script("/init", &init)?
        .start(Setup::new(), name)?;
    let mut shells = Shells { firn, inner, steps: 0 };
    shells.firn.wait_for("# ", 0, BOOT)?;
    stop_and_continue(&mut shells)?;
    freeze_and_thaw(&mut shells)?;
    shells.firn.send("exit\n")?;
    shells.firn.wait_for_end(LIMIT)
}

// spec: G7 V4 X10
fn bash_notices_a_stop_of_its_inner_shell_and_no_freeze() -> Result<()> {
    let bash = "bash-static --norc --noediting";
    play("nested-bash", bash, bash)
}

// spec: G7 V4 X10
fn busybox_notices_a_stop_of_its_inner_shell_and_no_freeze() -> Result<()> {
    play("nested-busybox", "sh", "sh")
}
