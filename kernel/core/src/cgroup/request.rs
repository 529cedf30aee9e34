//! What programs write to the files of a group.

use kernel_abi::Errno;

use crate::number;

/// What was written to `freezer.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRequest {
    /// `THAWED`
    Thaw,
    /// `FROZEN`
    Freeze,
    /// `FROZEN` and a number of milliseconds: all stand still by then, or
    /// nothing has happened.
    FreezeWithin(u64),
}

/// Blanks around do not count; the words do, exactly (SPECIFICATION.md V3).
///
/// # Errors
/// `EINVAL` for anything else, `ERANGE` for too large a number.
pub fn parse_state(text: &[u8]) -> Result<StateRequest, Errno> {
    match number::trim(text) {
        b"THAWED" => Ok(StateRequest::Thaw),
        b"FROZEN" => Ok(StateRequest::Freeze),
        text => {
            let rest = text.strip_prefix(b"FROZEN").ok_or(Errno::EINVAL)?;
            let time = rest.trim_ascii_start();
            if time.len() == rest.len() {
                return Err(Errno::EINVAL);
            }
            let time = time.strip_suffix(b"ms").unwrap_or(time);
            number::parse_decimal(time).map(StateRequest::FreezeWithin)
        }
    }
}

/// Whom a write to `tasks` or `cgroup.procs` means: a number, or `None` for
/// the writer (0). One that begins with 0 is octal, one that begins with `0x`
/// hexadecimal (SPECIFICATION.md Y4).
///
/// # Errors
/// `EINVAL` for anything but a number that a task can have
/// (SPECIFICATION.md V9); `ERANGE` for one that fits nowhere.
pub fn parse_task(text: &[u8]) -> Result<Option<u32>, Errno> {
    let number = number::parse_signed(number::trim(text));
    match i32::try_from(number?) {
        Ok(0) => Ok(None),
        Ok(id @ 1..) => Ok(Some(id as u32)),
        Ok(_) => Err(Errno::EINVAL),
        Err(_) => Err(Errno::EINVAL),
    }
}

/// A switch as cgroup v2 has them: 0 or 1 (SPECIFICATION.md B1).
///
/// # Errors
/// `EINVAL` for no number, `ERANGE` for any other.
pub fn parse_switch(text: &[u8]) -> Result<bool, Errno> {
    match number::parse_signed(number::trim(text))? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Errno::ERANGE),
    }
}

/// A switch as cgroup v1 has them: any number, 0 for off.
///
/// # Errors
/// `EINVAL` for no number, `ERANGE` for one that is too large.
pub fn parse_flag(text: &[u8]) -> Result<bool, Errno> {
    Ok(number::parse_decimal(number::trim(text))? != 0)
}
