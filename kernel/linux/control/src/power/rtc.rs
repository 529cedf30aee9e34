//! `/sys/class/rtc/rtc0`: the real-time clock and its alarm, which ends a
//! suspend (Linux's *Real Time Clock Drivers*).

use alloc::string::{String, ToString};

use kernel_abi::Errno;

use kernel_files::sys::{Attribute, register};
use kernel_machine::drivers::pl031;

/// Makes the files, if the machine has such a clock.
///
/// # Errors
/// `ENOMEM`.
pub fn register_all() -> Result<(), Errno> {
    if pl031::read_seconds().is_none() {
        return Ok(());
    }
    let since = Attribute::read_only(show_since_epoch);
    register("/sys/class/rtc/rtc0/since_epoch", since)?;
    let name = Attribute::read_only(|| Ok("rtc-pl031\n".to_string()));
    register("/sys/class/rtc/rtc0/name", name)?;
    let alarm = Attribute::new(show_alarm, store_alarm);
    register("/sys/class/rtc/rtc0/wakealarm", alarm)
}

fn show_since_epoch() -> Result<String, Errno> {
    let seconds = pl031::read_seconds().ok_or(Errno::ENODEV)?;
    Ok(seconds.to_string() + "\n")
}

/// The time of the alarm in seconds, nothing while none is set.
fn show_alarm() -> Result<String, Errno> {
    Ok(pl031::alarm().map_or(String::new(), |at| at.to_string() + "\n"))
}

/// `SECONDS` since 1970 or `+SECONDS` from now; a time that is past, like 0,
/// cancels the alarm.
///
/// # Errors
/// `EINVAL` for other text; `EBUSY` if an alarm is set already.
fn store_alarm(text: &[u8]) -> Result<(), Errno> {
    let now = pl031::read_seconds().ok_or(Errno::ENODEV)?;
    let text = core::str::from_utf8(text).map_err(|_| Errno::EINVAL)?.trim();
    let at = match text.strip_prefix('+') {
        Some(seconds) => now.checked_add(parse_seconds(seconds)?),
        None => Some(parse_seconds(text)?),
    };
    let at = at.ok_or(Errno::EINVAL)?;
    if at <= now {
        pl031::cancel_alarm();
        return Ok(());
    }
    if pl031::alarm().is_some() {
        return Err(Errno::EBUSY);
    }
    pl031::set_alarm(at).then_some(()).ok_or(Errno::EINVAL)
}

fn parse_seconds(text: &str) -> Result<u64, Errno> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Errno::EINVAL);
    }
    text.parse().map_err(|_| Errno::EINVAL)
}
