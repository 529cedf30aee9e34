//! What a person types at the prompt, and what comes back.
use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    shell_runs_what_is_typed,
    lines_of_the_log_stay_whole_beside_other_output,
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
