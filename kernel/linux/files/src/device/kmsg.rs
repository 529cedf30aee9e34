//! `/dev/kmsg`: the kernel's log (Linux's *The format of /dev/kmsg*).
//!
//! Each read gives one record, `level,number,microseconds,-;text`. A program
//! may write a record, with an optional `<level>` before the text.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::Errno;

use crate::buffer::{Input, Output};
use crate::file::{Blocking, File};
use kernel_machine::log;
use kernel_machine::sync::SpinLock;

/// Longest record a program can write.
const RECORD_MAX: usize = 976;
/// Level of a record that names none.
const LEVEL_DEFAULT: u8 = 4;

/// The records at the time of opening, and how many were read.
struct Kmsg {
    records: Vec<String>,
    next: SpinLock<usize>,
}

/// Opens the log.
pub(super) fn open() -> Arc<dyn File> {
    let text = String::from_utf8_lossy(&log::read_all()).into_owned();
    let records = text.lines().enumerate().filter_map(record).collect();
    Arc::new(Kmsg { records, next: SpinLock::new(0) })
}

/// Turns `<6>[    1.000002] text` into `6,0,1000002,-;text`.
fn record((number, line): (usize, &str)) -> Option<String> {
    let (level, rest) = line.strip_prefix('<')?.split_once(">[")?;
    let (time, text) = rest.split_once("] ")?;
    let (seconds, fraction) = time.trim_start().split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    let fraction: u64 = fraction.parse().ok()?;
    let micros = seconds * 1_000_000 + fraction;
    Some(format!("{level},{number},{micros},-;{text}\n"))
}

impl File for Kmsg {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        let next = *self.next.lock();
        let record = self.records.get(next).ok_or(Errno::EAGAIN)?;
        if record.len() > output.remaining() {
            return Err(Errno::EINVAL);
        }
        output.put(record.as_bytes())?;
        *self.next.lock() = next + 1;
        Ok(record.len())
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        if input.remaining() > RECORD_MAX {
            return Err(Errno::EINVAL);
        }
        let mut bytes = vec![0; input.remaining()];
        input.take(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let (level, text) = split_level(text.trim_end_matches('\n'));
        log::append(level, format_args!("{text}"));
        Ok(bytes.len())
    }
}

fn split_level(text: &str) -> (u8, &str) {
    let prefix = text.strip_prefix('<').and_then(|it| it.split_once('>'));
    match prefix.map(|(level, rest)| (level.parse::<u8>(), rest)) {
        Some((Ok(level), rest)) => (level & 7, rest),
        _ => (LEVEL_DEFAULT, text),
    }
}
