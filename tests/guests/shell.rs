//! What a person types at the prompt, and what comes back.
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

const LIMIT: Duration = Duration::from_secs(60);

pub const TESTS: &[Test] = tests::list![
    shell_runs_what_is_typed,
    lines_of_the_log_stay_whole_beside_other_output,
    first_shell_says_what_to_type,
    unknown_command_suggests_the_nearest,
    plain_terminal_gets_no_sequences,
    line_is_edited_where_a_terminal_is,
    tab_completes_commands_and_files,
    programs_have_the_terminal_as_ever,
    pager_shows_text_by_the_screen,
    top_shows_shares_and_frozen_tasks,
];

fn shell_runs_what_is_typed() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    for (command, expected) in [
        ("echo hello world", "hello world\n"),
        ("echo 'a  b' | cat", "a  b\n"),
        ("x=5; echo \"x is $x\"", "x is 5\n"),
        ("false; echo $?", "1\n"),
        ("seq 3 | tail -n 1", "3\n"),
        ("echo text > /tmp/f; cat < /tmp/f; rm /tmp/f", "text\n"),
        ("if true; then echo yes; else echo no; fi", "yes\n"),
        ("for i in a b; do echo $i; done", "a\nb\n"),
    ] {
        let output = firn.run(command)?;
        ensure!(output == expected, "`{command}` printed {output:?}");
    }
    firn.power_off()
}

fn lines_of_the_log_stay_whole_beside_other_output() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let start = firn.transcript().len();
    let logger =
        "for i in $(seq 100 299); do echo a whole line $i > /dev/kmsg; done";
    let talker = "for i in $(seq 1000); do echo another line; done";
    firn.run(&format!("({logger}) & {talker}; wait"))?;
    let said = firn.transcript()[start..].to_owned();
    for number in 100..300 {
        let line = format!("] a whole line {number}\n");
        ensure!(said.contains(&line), "line {number} is torn");
    }
    firn.power_off()
}

fn first_shell_says_what_to_type() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let start = firn.transcript().find("Firn, a kernel that");
    let banner = start.map_or("", |at| &firn.transcript()[at..]);
    let lines: Vec<&str> = banner.lines().take(4).collect();
    ensure!(lines.len() == 4, "no banner of three lines: {banner:?}");
    ensure!(lines[1].starts_with("`help` "), "{banner}");
    ensure!(lines[2].starts_with("`demo` "), "{banner}");
    ensure!(lines[3].ends_with("# "), "more than three lines: {banner}");
    let second = firn.run("sh -i -c : ; sh -c 'echo second'")?;
    ensure!(second == "second\n", "another shell says {second:?}");
    let help = firn.run("help")?;
    for name in ["cd", "exec", "history", "less", "ls", "top", "[", "demo"] {
        let start = format!("  {name} ");
        let line = help.lines().find(|line| line.starts_with(&start));
        let text = line.map_or("", |line| line[start.len()..].trim());
        ensure!(!text.is_empty(), "no help about {name}:\n{help}");
    }
    let list = firn.run("cd /bin; echo *; cd /")?;
    // Two files of a name of their own, not of commands; see `--profile`.
    let is_command = |name: &&str| !["firn-user", "check"].contains(name);
    for name in list.split_whitespace().filter(is_command) {
        let is_there =
            help.lines().any(|line| line.split(' ').nth(2) == Some(name));
        ensure!(is_there, "{name} is not in help:\n{help}");
    }
    firn.power_off()
}

fn unknown_command_suggests_the_nearest() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    for (command, expected) in [
        ("sl", "sh: sl: not found\nsh: did you mean ls?\n"),
        ("exprot a", "sh: exprot: not found\nsh: did you mean export?\n"),
        ("xyzzy", "sh: xyzzy: not found\n"),
        ("sl 2>/dev/null; echo $?", "127\n"),
        ("sh -c sl", "sh: sl: not found\n"),
    ] {
        let output = firn.run(command)?;
        ensure!(output == expected, "`{command}` printed {output:?}");
    }
    firn.power_off()
}

/// A guest that knows what its terminal is.
fn with_terminal() -> Result<Firn> {
    Setup::new().append("TERM=vt100 LINES=24 COLUMNS=80").boot()
}

fn plain_terminal_gets_no_sequences() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    firn.run("echo one; ls /; dmesg | head -n 3")?;
    ensure!(!firn.transcript().contains('\x1b'), "an escape was printed");
    firn.power_off()?;
    // The same where keys are edited, as long as no key edits.
    let mut firn = with_terminal()?;
    let start = firn.transcript().len();
    firn.run("for i in 1 2; do echo $i; done")?;
    firn.run("cat <<E\nline\nE")?;
    let said = &firn.transcript()[start..];
    let expected = "for i in 1 2; do echo $i; done\n1\n2\n/ # \
                    cat <<E\n> line\n> E\nline\n/ # ";
    ensure!(said == expected, "it is {said:?}");
    firn.power_off()
}

fn line_is_edited_where_a_terminal_is() -> Result<()> {
    let mut firn = with_terminal()?;
    for (typed, expected) in [
        ("echo $TERM", "vt100\n"),
        ("cho edited\x01e", "edited\n"),
        ("\x1b[A", "edited\n"),
        ("echo one two\x17three", "one three\n"),
        ("x\x15echo ab\x1b[D-", "a-b\n"),
        ("\x12edit", "edited\n"),
        ("\x10\x10\x10 more", "one three more\n"),
        (
            "history | tail -n 2",
            "    6  echo one three more\n    7  \
                                history | tail -n 2\n",
        ),
    ] {
        let output = firn.run(typed)?;
        ensure!(output == expected, "{typed:?} printed {output:?}");
    }
    // A line of more than one row.
    let long = format!("echo {}", "0123456789".repeat(20));
    let output = firn.run(&format!("{long}\x01\x05"))?;
    ensure!(output == format!("{}\n", &long[5..]), "it printed {output:?}");
    // `^C` leaves the line, wherever the shell just is.
    for turn in 0..10 {
        let start = firn.transcript().len();
        firn.send("garbage")?;
        firn.wait_for("garbage", start, LIMIT)?;
        firn.send("\x03")?;
        firn.wait_for("garbage^C\n/ # ", start, LIMIT)?;
        let status = firn.run("echo $?")?;
        ensure!(status == "130\n", "turn {turn}: the status is {status:?}");
    }
    firn.power_off()
}

fn tab_completes_commands_and_files() -> Result<()> {
    let mut firn = with_terminal()?;
    firn.run("mkdir -p /tmp/some/where; echo text > '/tmp/some/a file'")?;
    for (typed, expected) in [
        ("unam\t-s", "Linux\n"),
        ("cat /tmp/so\ta\t", "text\n"),
        ("ls /tmp/some/wh\t; echo $?", "0\n"),
        ("hist\t-c; hist\t", ""),
    ] {
        let output = firn.run(typed)?;
        ensure!(output == expected, "{typed:?} printed {output:?}");
    }
    let start = firn.transcript().len();
    firn.send("mo\t\t")?;
    firn.wait_for("more   mount\n", start, LIMIT)?;
    let output = firn.run("\x15echo on")?;
    ensure!(output == "on\n", "after the list: {output:?}");
    firn.power_off()
}

fn programs_have_the_terminal_as_ever() -> Result<()> {
    let mut firn = with_terminal()?;
    let start = firn.transcript().len();
    firn.send("cat\n")?;
    firn.wait_for("cat\n", start, LIMIT)?;
    // The kernel edits and echoes: the wrong letter never gets to `cat`.
    firn.send("tyxped")?;
    firn.send("\x7f\x7f\x7f\x7fped\n")?;
    firn.wait_for("\ntyped\n", start, LIMIT)?;
    firn.send("\x04")?;
    firn.wait_for_prompt(LIMIT)?;
    // The job itself says that it is in front.
    firn.send("sh -c 'echo going; exec spin'\n")?;
    firn.wait_for("\ngoing\n", start, LIMIT)?;
    firn.send("\x03")?;
    firn.wait_for_prompt(LIMIT)?;
    ensure!(firn.run("echo $?")? == "130\n", "^C did not end it");
    // A program that leaves the terminal raw when it is killed.
    let start = firn.transcript().len();
    firn.send(
        "(sleep 2; set -- $(ps | grep '[l]ess /'); kill -9 $1) & \
         less /proc/mounts\n",
    )?;
    firn.wait_for("(END)", start, LIMIT)?;
    firn.wait_for_prompt(LIMIT)?;
    firn.send("cat\n")?;
    firn.wait_for("cat\n", start, LIMIT)?;
    let start = firn.transcript().len();
    firn.send("echoed once\n")?;
    firn.wait_for("echoed once\nechoed once\n", start, LIMIT)?;
    firn.send("\x04")?;
    firn.wait_for_prompt(LIMIT)?;
    firn.power_off()
}

fn pager_shows_text_by_the_screen() -> Result<()> {
    let mut firn = with_terminal()?;
    firn.run("seq 100 > /tmp/lines")?;
    let piped = firn.run("less /tmp/lines | tail -n 1")?;
    ensure!(piped == "100\n", "without a terminal: {piped:?}");
    for program in ["less /tmp/lines", "cat /tmp/lines | less"] {
        firn.send(&format!("{program}\n"))?;
        for (key, expected) in [
            ("", "rows 1-23"),
            (" ", "rows 24-46"),
            ("b", "rows 1-23"),
            ("j", "rows 2-24"),
            ("G", "rows 78-100/100 (END)"),
            ("g", "rows 1-23/100"),
            ("/5$\n", "rows 5-27/100"),
            ("n", "rows 15-37/100"),
            ("N", "rows 5-27/100"),
            ("/nothing\n", "not found"),
        ] {
            let start = firn.transcript().len();
            firn.send(key)?;
            if key.is_empty() {
                firn.wait_for(expected, 0, LIMIT)?;
            } else {
                firn.wait_for(expected, start, LIMIT)?;
            }
        }
        let start = firn.transcript().len();
        firn.send("q")?;
        firn.wait_for("/ # ", start, LIMIT)?;
    }
    ensure!(firn.run("echo on")? == "on\n", "the terminal is not as before");
    firn.power_off()
}

fn top_shows_shares_and_frozen_tasks() -> Result<()> {
    let mut firn = with_terminal()?;
    firn.run(
        "mount -t cgroup -o freezer freezer /sys/fs/cgroup; \
         mkdir /sys/fs/cgroup/box; spin & spin & \
         while [ $(cat /proc/$!/comm) != spin ]; do sleep 0.01; done; \
         echo $! > /sys/fs/cgroup/box/cgroup.procs; \
         echo FROZEN > /sys/fs/cgroup/box/freezer.state",
    )?;
    let text = firn.run("top -b -n 2 -d 0.5")?;
    let pictures: Vec<&str> = text.split("\n\n").collect();
    ensure!(text.matches("top: up ").count() == 2, "{text}");
    ensure!(text.contains(" 1 frozen,"), "{text}");
    let rows: Vec<Vec<&str>> = pictures[pictures.len() - 1]
        .lines()
        .filter(|line| line.ends_with(" spin"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let is_busy = |row: &Vec<&str>| {
        row[2] == "R" && row[3].parse().is_ok_and(|share: f64| share > 20.0)
    };
    let is_frozen = |row: &Vec<&str>| row[2..5] == ["D", "frozen", "0.0"];
    ensure!(rows.len() == 2, "no two spinners:\n{text}");
    ensure!(rows.iter().any(is_busy), "none is busy:\n{text}");
    ensure!(rows.iter().any(is_frozen), "none is frozen:\n{text}");
    let start = firn.transcript().len();
    firn.send("top\n")?;
    firn.wait_for("Tasks: ", start, LIMIT)?;
    firn.send("q")?;
    firn.wait_for_prompt(LIMIT)?;
    let room = firn.run("df / | tail -n 1")?;
    let words: Vec<&str> = room.split_whitespace().collect();
    let is_number = |word: &&str| word.parse::<u64>().is_ok();
    ensure!(words.len() == 6 && words[1..4].iter().all(is_number), "{room}");
    ensure!(words[5] == "/", "{room}");
    firn.run("kill %1; echo THAWED > /sys/fs/cgroup/box/freezer.state")?;
    firn.power_off()
}
