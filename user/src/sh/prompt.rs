//! The prompt, and the line that a person types after it.
//!
//! There are two ways to read it. On a terminal whose kind is known (`TERM`)
//! the shell edits: it takes over the terminal and reads key by key
//! (`user/prompt`), and gives the terminal back before it runs the line, so
//! that `^C`, `^Z` and a program's own reading work as ever. Elsewhere the
//! kernel edits, and the shell reads whole lines.
//!
//! `TERM=linux` counts as unknown: a kernel says so if it was told nothing,
//! and Firn has no screen of its own that it could mean. So a console that a
//! program drives, such as that of a test or of a pipe into the emulator, stays
//! with the kernel's editing: no sequence for a screen ever gets into a
//! transcript, and what is typed ahead is echoed once, when it arrives. Where
//! a person is, `TERM` comes by the kernel's command line (`cargo xtask qemu`
//! adds it) or is set at the prompt: `TERM=vt100`.

use alloc::format;
use alloc::string::String;

use user_lib::signal::Blocked;
use user_lib::{Errno, directory, file, process, terminal};
use user_prompt::editor::{Editor, Step};

use crate::keyboard::{Keyboard, Signals, screen_size};
use crate::sh::input::{Line, read_line};
use crate::sh::signal;
use crate::sh::state::Shell;

/// Kinds of terminals on which nothing is edited here.
const PLAIN: [&str; 3] = ["", "dumb", "linux"];

/// What the first shell says.
const BANNER: &str = "\
Firn, a kernel that freezes and thaws what it runs, and speaks Linux's ABI.
`help` lists the commands, `poweroff` ends the machine.
`demo` lists short plays about freezing; `demo NAME` plays one.
";

/// Says what this is and what to type, if this is the shell that `init` has
/// started.
pub fn greet() {
    let is_leader = process::session(0) == Ok(process::current_id());
    if is_leader && process::parent_id() == 1 {
        // Without a terminal to write to, the next read ends the shell.
        let _ = file::write_all(2, BANNER.as_bytes());
    }
}

impl Shell {
    /// Reads a line from standard input, with a prompt if a person is there.
    pub fn ask(&mut self, is_first: bool) -> Line {
        if !self.is_interactive {
            return read_line(0);
        }
        // A signal that comes from here on ends the wait for the line.
        let blocked = Blocked::all();
        if signal::has_arrived() {
            return Line::Interrupted;
        }
        self.report_jobs();
        let prompt = self.prompt(is_first);
        let term = self.variable("TERM").unwrap_or_default();
        let keyboard = match PLAIN.contains(&term) {
            true => Err(Errno::ENOTTY),
            false => Keyboard::open(0, Signals::Sent(blocked.before())),
        };
        match keyboard {
            Ok(keyboard) => {
                // The shell is asked for names meanwhile.
                let mut editor = core::mem::take(&mut self.editor);
                let line = self.edit(&mut editor, &prompt, keyboard);
                self.editor = editor;
                line
            }
            Err(_) => {
                show(&prompt);
                let line = read_when_there(&blocked);
                if let Line::Text(text) = &line {
                    self.editor.history.add(text);
                }
                line
            }
        }
    }

    fn prompt(&self, is_first: bool) -> String {
        match (is_first, self.variable("PS1")) {
            (false, _) => String::from("> "),
            (true, Some(text)) => String::from(text),
            (true, None) => {
                let place = directory::current().unwrap_or_default();
                let sign = if process::user_id() == 0 { '#' } else { '$' };
                format!("{place} {sign} ")
            }
        }
    }

    fn edit(
        &self,
        editor: &mut Editor,
        prompt: &str,
        mut keyboard: Keyboard,
    ) -> Line {
        let mut out = String::new();
        editor.start(prompt, screen_size(0).columns, &mut out);
        loop {
            show(&core::mem::take(&mut out));
            let step = match keyboard.key(None) {
                Ok(Some(key)) => editor.key(key, self, &mut out),
                Err(Errno::EINTR) => {
                    editor.leave(&mut out);
                    out += if signal::is_interrupted() { "^C" } else { "" };
                    show(&out);
                    return Line::Interrupted;
                }
                Ok(None) | Err(_) => Step::End,
            };
            match step {
                Step::More => {}
                Step::Line(line) => {
                    // Who sees the end of the line may type for the program.
                    drop(keyboard);
                    show(&out);
                    return Line::Text(line + "\n");
                }
                Step::End => return Line::End,
            }
        }
    }
}

/// Reads a line that the kernel edits.
fn read_when_there(blocked: &Blocked) -> Line {
    match terminal::wait_for_input(0, None, Some(blocked.before())) {
        Ok(_) => read_line(0),
        Err(Errno::EINTR) => Line::Interrupted,
        Err(_) => Line::End,
    }
}

fn show(text: &str) {
    // Without a terminal to write to, the next read ends the shell.
    let _ = file::write_all(2, text.as_bytes());
}
