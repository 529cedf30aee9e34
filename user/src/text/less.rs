//! `less` and `more`: show text a screen at a time.
//!
//! The text is read as far as it is needed. `pager.rs` knows which rows are
//! shown; here are the keys. Where the output is no terminal, the text is
//! printed as `cat` does. `more` ends after the last row.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{O_CLOEXEC, O_RDONLY, O_RDWR};
use user_lib::{Message, eprintln, file, output, print, terminal};
use user_prompt::key::Key;

use crate::keyboard::{Keyboard, Signals, screen_size};
use crate::text::cat;
use crate::text::pager::Pager;
use crate::text::pattern::Pattern;
use crate::text::reader::Lines;
use user_lib::option::{Options, fail};

/// What the bottom row says on request.
const HELP: &str = "space b: page  d u: half  j k: row  g G: ends  \
                    /: search  n N: again  q: quit";

/// Runs `less` or `more`, as it is called.
pub fn main(arguments: &[String]) -> i32 {
    let options = match Options::parse(arguments, "FRSXeimn") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let name = arguments.first().map_or("less", String::as_str);
    let paths = &options.operands;
    if paths.is_empty() && terminal::is_terminal(0) {
        eprintln!("{name}: which file?");
        return 1;
    }
    if !terminal::is_terminal(1) {
        return cat::main(arguments);
    }
    let mut status = 0;
    let inputs = open_all(name, paths, &mut status);
    let keys = if terminal::is_terminal(0) {
        0
    } else {
        match file::open("/dev/tty", O_RDWR | O_CLOEXEC, 0) {
            Ok(keys) => keys,
            Err(error) => return fail(name, "/dev/tty", error),
        }
    };
    if inputs.is_empty() {
        return status;
    }
    match show(inputs, keys, name == "more") {
        Ok(()) => status,
        Err(error) => {
            eprintln!("{name}: {}", error.message());
            1
        }
    }
}

/// Opens the files, or standard input if there are none.
fn open_all(name: &str, paths: &[String], status: &mut i32) -> Vec<Lines> {
    if paths.is_empty() {
        return Vec::from([Lines::new(0)]);
    }
    let mut inputs = Vec::new();
    for path in paths {
        match file::open(path, O_RDONLY | O_CLOEXEC, 0) {
            Ok(descriptor) => inputs.push(Lines::new(descriptor)),
            Err(error) => *status = fail(name, path, error),
        }
    }
    inputs
}

fn show(
    mut inputs: Vec<Lines>,
    keys: i32,
    ends_at_end: bool,
) -> user_lib::Result<()> {
    let keyboard = Keyboard::open(keys, Signals::Keys)?;
    let size = screen_size(keys);
    inputs.reverse();
    let mut next_line = || {
        loop {
            // A file that cannot be read on ends there.
            let line = inputs.last_mut()?.next().ok().flatten();
            if let Some(line) = line {
                return Some(line.to_vec());
            }
            inputs.pop();
        }
    };
    let pager = Pager::new(&mut next_line, size.rows - 1, size.columns);
    let (page, pattern, note) = (size.rows - 1, None, String::new());
    Viewer { pager, keyboard, page, pattern, note }.run(ends_at_end)
}

/// A pager at a terminal.
struct Viewer<'a> {
    pager: Pager<'a>,
    keyboard: Keyboard,
    /// Rows of the screen but the last.
    page: usize,
    pattern: Option<Pattern>,
    /// What the bottom row says once.
    note: String,
}

impl Viewer<'_> {
    fn run(mut self, ends_at_end: bool) -> user_lib::Result<()> {
        loop {
            self.draw()?;
            let Some(key) = self.keyboard.key(None)? else { break };
            let is_end = ends_at_end && self.pager.is_at_end();
            let is_onwards = matches!(key, Key::Char(' ') | Key::Enter);
            if is_end && is_onwards || !self.act(key)? {
                break;
            }
        }
        // The shell's prompt takes the place of the bottom row.
        print!("\r\x1b[K");
        output::flush()
    }

    /// Does what a key says; `false` ends it.
    fn act(&mut self, key: Key) -> user_lib::Result<bool> {
        let pager = &mut self.pager;
        let (page, half) = (self.page, self.page.div_ceil(2));
        match key {
            Key::Char('q' | 'Q') | Key::Control('c') => return Ok(false),
            Key::Char(' ' | 'f') | Key::PageDown => pager.down(page),
            Key::Char('b') | Key::PageUp => pager.up(page),
            Key::Char('d') | Key::Control('d') => pager.down(half),
            Key::Char('u') | Key::Control('u') => pager.up(half),
            Key::Char('j') | Key::Enter | Key::Down => pager.down(1),
            Key::Char('k') | Key::Up => pager.up(1),
            Key::Char('g' | '<') | Key::Home => pager.go_to_start(),
            Key::Char('G' | '>') | Key::End => pager.go_to_end(),
            Key::Char('/') => self.ask_pattern()?,
            Key::Char('n') => self.search(true),
            Key::Char('N') => self.search(false),
            Key::Char('h') => self.note = HELP.into(),
            _ => {}
        }
        Ok(true)
    }

    fn draw(&mut self) -> user_lib::Result<()> {
        print!("\x1b[H");
        for row in self.pager.page() {
            // Before it: a full row leaves the cursor on its last letter.
            print!("\x1b[K{row}\n");
        }
        print!("\x1b[J");
        let note = core::mem::take(&mut self.note);
        let note = if note.is_empty() { self.status() } else { note };
        print!("\x1b[7m{note}\x1b[m");
        output::flush()
    }

    fn status(&mut self) -> String {
        let (first, last, total) = self.pager.place();
        match total {
            Some(total) if last >= total => {
                format!("rows {first}-{last}/{total} (END)")
            }
            Some(total) => {
                let percent = last * 100 / total.max(1);
                format!("rows {first}-{last}/{total} {percent}%")
            }
            None => format!("rows {first}-{last}  h: help"),
        }
    }

    fn search(&mut self, is_down: bool) {
        let Some(pattern) = &self.pattern else {
            self.note = "nothing was searched".into();
            return;
        };
        let is_found = match is_down {
            true => self.pager.find_down(pattern),
            false => self.pager.find_up(pattern),
        };
        if !is_found {
            self.note = "not found".into();
        }
    }

    /// Reads a pattern in the bottom row; an empty one is the last again.
    fn ask_pattern(&mut self) -> user_lib::Result<()> {
        let mut text = String::new();
        loop {
            print!("\r\x1b[K/{text}");
            output::flush()?;
            match self.keyboard.key(None)? {
                Some(Key::Char(letter)) => text.push(letter),
                Some(Key::Backspace) if text.pop().is_some() => {}
                Some(Key::Enter) => break,
                _ => return Ok(()),
            }
        }
        if !text.is_empty() {
            self.pattern = Some(Pattern::parse(&text, false));
        }
        self.search(true);
        Ok(())
    }
}
