//! What the guest is told of the terminal that a person sits at.
//!
//! A serial port cannot say what is at its other end. So the words go on the
//! kernel's command line, and the first program finds them in its environment:
//! `TERM=xterm LINES=50 COLUMNS=132`. A pipe is told nothing, and the guest's
//! shell leaves a plain transcript on it.
use std::env;
use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};

/// What nearly every terminal understands.
const USUAL: &str = "vt220";

/// `command_line` with the words for the terminal of this process, if it has
/// one and they are not there yet.
pub fn describe(command_line: &str) -> String {
    let (term, size) = match io::stdin().is_terminal() {
        true => (env::var("TERM").ok(), size()),
        false => (None, None),
    };
    with_words(command_line, term.as_deref(), size)
}

/// Adds the kind of the terminal, and its rows and columns.
pub(super) fn with_words(
    command_line: &str,
    term: Option<&str>,
    size: Option<(u16, u16)>,
) -> String {
    let mut words = Vec::new();
    // A guest takes the name of the kernel's own screen for none at all.
    let term = term.map(|term| match term {
        "" | "linux" => USUAL,
        term => term,
    });
    let (rows, columns) = size.unzip();
    for (key, value) in [
        ("TERM", term.map(str::to_owned)),
        ("LINES", rows.map(|rows| rows.to_string())),
        ("COLUMNS", columns.map(|columns| columns.to_string())),
    ] {
        let start = format!("{key}=");
        let mut said = command_line.split_whitespace();
        if let Some(value) = value
            && !value.contains(char::is_whitespace)
            && !said.any(|word| word.starts_with(&start))
        {
            words.push(start + &value);
        }
    }
    // First, since what follows `--` is not for the kernel.
    words.push(command_line.to_owned());
    words.join(" ").trim_end().to_owned()
}

/// Rows and columns, as `stty` knows them.
fn size() -> Option<(u16, u16)> {
    let output = Command::new("stty")
        .arg("size")
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (rows, columns) = text.trim().split_once(' ')?;
    Some((rows.parse().ok()?, columns.parse().ok()?))
}
