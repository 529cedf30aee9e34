//! The grammar of the files in `/sys/power`: words in, words out.
//!
//! As on Linux, a word ends at the first newline or at the end of the write,
//! and must match exactly; no blank is forgiven.
//!
//! Read next: `wakeup.rs`.

use core::fmt::{Display, Formatter, Result as FmtResult};

use kernel_abi::Errno;

/// A set of words of which one is chosen by a write.
pub trait Word: Copy + PartialEq + 'static {
    /// All of them, in the order in which the file shows them.
    const ALL: &'static [Self];
    /// The word for this value.
    fn word(self) -> &'static str;
}

/// A state to enter: `/sys/power/state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SleepState {
    /// Tasks frozen, CPUs idle.
    Freeze,
    /// A state that Arm machines do not have.
    Standby,
    /// What `mem_sleep` says.
    Mem,
    /// Hibernation.
    Disk,
}

/// What `mem` means: `/sys/power/mem_sleep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemSleep {
    /// As `freeze`.
    S2Idle,
    /// A state that Arm machines do not have.
    Shallow,
    /// The firmware's suspend to memory.
    Deep,
}

/// How far a test transition goes: `/sys/power/pm_test`. Each level stops
/// earlier than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestLevel {
    /// All the way.
    None,
    /// Up to the core devices.
    Core,
    /// Up to stopping the other CPUs.
    Processors,
    /// Up to the platform's preparation.
    Platform,
    /// Up to suspending devices.
    Devices,
    /// Freeze, wait, thaw.
    Freezer,
}

impl Word for SleepState {
    const ALL: &'static [Self] =
        &[Self::Freeze, Self::Standby, Self::Mem, Self::Disk];
    fn word(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Standby => "standby",
            Self::Mem => "mem",
            Self::Disk => "disk",
        }
    }
}

impl Word for MemSleep {
    const ALL: &'static [Self] = &[Self::S2Idle, Self::Shallow, Self::Deep];
    fn word(self) -> &'static str {
        match self {
            Self::S2Idle => "s2idle",
            Self::Shallow => "shallow",
            Self::Deep => "deep",
        }
    }
}

impl Word for TestLevel {
    const ALL: &'static [Self] = &[
        Self::None,
        Self::Core,
        Self::Processors,
        Self::Platform,
        Self::Devices,
        Self::Freezer,
    ];
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Core => "core",
            Self::Processors => "processors",
            Self::Platform => "platform",
            Self::Devices => "devices",
            Self::Freezer => "freezer",
        }
    }
}

/// The value that a write names, among those `supported`.
///
/// # Errors
/// `EINVAL` for any other text.
pub fn parse<W: Word>(text: &[u8], supported: &[W]) -> Result<W, Errno> {
    let word = first_line(text);
    supported
        .iter()
        .copied()
        .find(|value| value.word().as_bytes() == word)
        .ok_or(Errno::EINVAL)
}

/// The values of a file as it shows them: one blank apart, the chosen one in
/// brackets, a newline at the end.
pub struct Choice<'a, W: Word> {
    /// What this machine can do.
    pub supported: &'a [W],
    /// The value in effect, if the file has one.
    pub chosen: Option<W>,
}

impl<W: Word> Display for Choice<'_, W> {
    fn fmt(&self, f: &mut Formatter<'_>) -> FmtResult {
        let shown = W::ALL.iter().filter(|w| self.supported.contains(w));
        for (index, &value) in shown.enumerate() {
            let blank = if index == 0 { "" } else { " " };
            match self.chosen == Some(value) {
                true => write!(f, "{blank}[{}]", value.word())?,
                false => write!(f, "{blank}{}", value.word())?,
            }
        }
        f.write_str("\n")
    }
}

/// Milliseconds for `/sys/power/pm_freeze_timeout`: decimal digits, at most
/// one newline after them.
///
/// # Errors
/// `EINVAL` for anything else, and for more than 32 bits.
pub fn parse_timeout_ms(text: &[u8]) -> Result<u32, Errno> {
    decimal(text.strip_suffix(b"\n").unwrap_or(text))
}

/// The number written to `/sys/power/wakeup_count`: leading blanks and
/// whatever follows the digits do not matter.
///
/// # Errors
/// `EINVAL` if there is no number.
pub fn parse_count(text: &[u8]) -> Result<u32, Errno> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    decimal(&text[..end.unwrap_or(text.len())])
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b'\n').next().unwrap_or(text)
}

fn decimal(digits: &[u8]) -> Result<u32, Errno> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Errno::EINVAL);
    }
    core::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .ok_or(Errno::EINVAL)
}
