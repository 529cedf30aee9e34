//! Reads what the guest prints: is there a prompt, was there a panic?
use std::time::{Duration, Instant};

/// What the shell prints when it wants a command, after its folder.
const PROMPT: &[u8] = b"# ";

/// What U-Boot prints when it wants a command.
const LOADER_PROMPT: &[u8] = b"=> ";

/// U-Boot's last words.
const HANDOVER: &[u8] = b"Starting kernel";

/// Why there will be no kernel, when U-Boot is at its prompt.
pub const LOADER_STOPPED: &str = "the boot loader did not start the kernel";

/// How long nothing may follow a prompt, before it is one. A line of output
/// may begin like a prompt; its rest follows at once.
const SETTLE: Duration = Duration::from_millis(30);

/// What is known of the output so far.
#[derive(Debug)]
pub struct Screen {
    line: Vec<u8>,
    is_prompted: bool,
    /// Whether what is printed still comes from a boot loader.
    is_in_loader: bool,
    changed: Instant,
    panic: Option<String>,
}

impl Screen {
    /// A screen without any output, at time `now`.
    pub fn new(now: Instant) -> Screen {
        Screen {
            line: Vec::new(),
            is_prompted: false,
            is_in_loader: false,
            changed: now,
            panic: None,
        }
    }

    /// As [`Screen::new`], of a machine whose boot loader prints first.
    pub fn with_loader(now: Instant) -> Screen {
        Screen { is_in_loader: true, ..Screen::new(now) }
    }

    /// Takes in `output`, printed at `now`.
    pub fn print(&mut self, output: &[u8], now: Instant) {
        self.changed = now;
        for byte in output {
            match byte {
                b'\n' => self.end_line(),
                b'\r' => {}
                _ => self.line.push(*byte),
            }
        }
    }

    fn end_line(&mut self) {
        // The kernel may print over a prompt that nobody has answered.
        let log = self.line.iter().position(|byte| *byte == b'[');
        if log.is_some_and(|at| is_prompt(&self.line[..at])) {
            self.is_prompted = true;
        }
        if self.line.starts_with(HANDOVER) {
            self.is_in_loader = false;
        }
        let line = String::from_utf8_lossy(&self.line);
        if self.panic.is_none() && is_panic(&line) {
            self.panic = Some(line.into_owned());
        }
        self.line.clear();
    }

    /// Whether the shell waits for a command at `now`.
    pub fn has_prompt(&self, now: Instant) -> bool {
        let is_fresh = is_prompt(&self.line);
        self.is_prompted || (is_fresh && self.quiet(now) >= SETTLE)
    }

    /// Whether the boot loader still runs. It would take any input for a
    /// person's who wants to stop it.
    pub fn is_in_loader(&self) -> bool {
        self.is_in_loader
    }

    /// Whether the boot loader has given up at `now` and asks what to do.
    pub fn has_loader_prompt(&self, now: Instant) -> bool {
        self.is_in_loader
            && self.line == LOADER_PROMPT
            && self.quiet(now) >= SETTLE
    }

    /// The prompt has been answered at `now`.
    pub fn answer(&mut self, now: Instant) {
        self.is_prompted = false;
        self.line.clear();
        self.changed = now;
    }

    /// How long nothing has been printed or answered.
    pub fn quiet(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.changed)
    }

    /// The line that announced a kernel panic.
    pub fn panic(&self) -> Option<&str> {
        self.panic.as_deref()
    }
}

/// Whether `line`, which has not ended, ends with a prompt: alone, or with
/// the folder and a blank before it.
fn is_prompt(line: &[u8]) -> bool {
    line.strip_suffix(PROMPT)
        .is_some_and(|before| before.is_empty() || before.ends_with(b" "))
}

/// What a line says when the kernel cannot go on: a bug found in itself, or
/// a machine it cannot boot on.
const LAST_WORDS: [&str; 2] = ["kernel panic", "firn cannot boot"];

/// Whether `line` announces a kernel panic, or that there is no way to boot.
/// The time stamp of the log may stand before it.
pub fn is_panic(line: &str) -> bool {
    let text = match line.split_once("] ") {
        Some((stamp, rest)) if stamp.starts_with('[') => rest,
        _ => line,
    };
    LAST_WORDS.iter().any(|words| {
        text.get(..words.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(words))
    })
}
