//! Wakeup events: an alarm or a key calls a suspend off, or ends it, and is
//! never lost.

use alloc::format;

use user_lib::linux::{O_RDONLY, SIGUSR1};
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, process, signal};

use super::{
    FAILED, LEVEL, STATE, ensure_refused, freeze, look_at, now_ms, number,
};
use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_some_round, tests};
use user_lib::child::signal_again_and_again;

tests! {
    a_stale_wakeup_count_is_refused
    a_wakeup_event_aborts_the_freeze: ALARM
    a_reader_waits_until_an_event_is_over: ALARM
    a_signal_ends_the_wait_for_an_event: ALARM
    an_alarm_has_its_grammar: ALARM
    an_alarm_ends_a_suspend: ALARM
}

const WAKEUPS: &str = "/sys/power/wakeup_count";
const ALARM: &str = "/sys/class/rtc/rtc0/wakealarm";
const CLOCK: &str = "/sys/class/rtc/rtc0/since_epoch";

/// How long an event is in progress.
const EVENT_MS: u32 = 100;

// spec: M4
fn a_stale_wakeup_count_is_refused() -> Outcome {
    let count = number(WAKEUPS)?;
    let stale = [count.wrapping_sub(1), count + 1].map(|it| format!("{it}"));
    ensure_refused(WAKEUPS, &[&stale[0], &stale[1], "x", "-1"])?;
    file::overwrite(WAKEUPS, format!("{count}\n").as_bytes())?;
    // No event: the freeze goes through, and detection is off again.
    freeze(0)?;
    ensure_eq!(number(WAKEUPS)?, count);
    Ok(())
}

/// Sets the alarm to go off in some seconds.
fn set_alarm(seconds: u32) -> Result<()> {
    file::overwrite(ALARM, b"0")?;
    file::overwrite(ALARM, format!("+{seconds}").as_bytes())
}

/// Sets the alarm and waits until it goes off.
fn wait_for_alarm() -> Result<()> {
    set_alarm(1)?;
    while !file::text(ALARM)?.is_empty() {
        time::sleep(Time::from_millis(1));
    }
    Ok(())
}

// spec: M4 L4 L5 O7
fn a_wakeup_event_aborts_the_freeze() -> Outcome {
    let (count, failed) = (number(WAKEUPS)?, number(FAILED)?);
    file::overwrite(WAKEUPS, format!("{count}").as_bytes())?;
    set_alarm(1)?;
    while number(WAKEUPS)? == count {
        time::sleep(Time::from_millis(10));
    }
    ensure_eq!(freeze(0), Err(Errno::EBUSY));
    ensure!(file::text(super::FIGURES)?.contains("outcome aborted\n"));
    ensure_eq!(number(FAILED)?, failed + 1);
    ensure!(look_at(1)?.0 != 'D');
    // The event stops one transition only.
    freeze(0)?;
    ensure_eq!(number(FAILED)?, failed + 1);
    Ok(())
}

// spec: M4
fn a_reader_waits_until_an_event_is_over() -> Outcome {
    in_some_round(|| {
        let count = number(WAKEUPS)?;
        let [old, new] = [count, count + 1].map(|it| format!("{it}"));
        wait_for_alarm()?;
        let start = now_ms();
        // Nobody can arm meanwhile, with the old count or with the new.
        ensure_refused(WAKEUPS, &[&old])?;
        let armed = file::overwrite(WAKEUPS, new.as_bytes());
        ensure_eq!(number(WAKEUPS)?, count + 1);
        let taken = now_ms() - start;
        ensure_eq!(file::overwrite(WAKEUPS, new.as_bytes()), Ok(()));
        freeze(0)?;
        // Else the event was over when this came to look.
        Ok(armed == Err(Errno::EINVAL) && taken >= EVENT_MS / 2)
    })
}

extern "C" fn ignore(_: i32) {}

// spec: M4
fn a_signal_ends_the_wait_for_an_event() -> Outcome {
    signal::handle(SIGUSR1, ignore)?;
    in_some_round(|| {
        let count = number(WAKEUPS)?;
        let reader = file::open(WAKEUPS, O_RDONLY, 0)?;
        wait_for_alarm()?;
        let sender = signal_again_and_again(process::current_id())?;
        let result = file::read(reader, &mut [0; 16]);
        drop(sender);
        file::close(reader)?;
        ensure_eq!(number(WAKEUPS)?, count + 1);
        // Else the event was over when this came to read.
        Ok(result == Err(Errno::EINTR))
    })
}

// spec: M4
fn an_alarm_has_its_grammar() -> Outcome {
    let set = |text: &str| file::overwrite(ALARM, text.as_bytes());
    let shown = || file::text(ALARM);
    set("0")?;
    ensure_eq!(shown()?, "");
    ensure_refused(ALARM, &["x", "+", "+-1", "-5", "1x", "+1 2"])?;
    let now = number(CLOCK)?;
    set(&format!("{}\n", now + 1000))?;
    ensure_eq!(shown()?, format!("{}\n", now + 1000));
    ensure_eq!(set("+5"), Err(Errno::EBUSY));
    ensure_eq!(set(&format!("{}", now + 2000)), Err(Errno::EBUSY));
    set("0")?;
    ensure_eq!(shown()?, "");
    set("+1000")?;
    ensure!((now + 1000..now + 1020).contains(&number(ALARM)?));
    // A time that is past takes the alarm back.
    set(&format!("{}", now - 1))?;
    ensure_eq!(shown()?, "");
    Ok(())
}

/// Suspends to idle until the alarm; gives how long it took from setting the
/// alarm, in milliseconds. With detection armed an alarm that comes too early,
/// as it may on a busy host, is an error and not an endless sleep: then the
/// next is set a second later.
pub fn suspend_for(seconds: u32) -> core::result::Result<u32, Failure> {
    file::overwrite(LEVEL, b"none")?;
    for seconds in seconds..seconds + 5 {
        let count = number(WAKEUPS)?;
        let start = now_ms();
        set_alarm(seconds)?;
        let armed = file::overwrite(WAKEUPS, format!("{count}").as_bytes());
        let done = armed.and_then(|()| file::overwrite(STATE, b"freeze"));
        let taken = now_ms() - start;
        // The alarm is the one event, whether it came early or not.
        match (done, number(WAKEUPS)? - count) {
            (Ok(()), 1) => return Ok(taken),
            (Err(Errno::EBUSY | Errno::EINVAL), 1) => {}
            other => return Err(Failure(format!("suspended: {other:?}"))),
        }
    }
    Err(Failure("no suspend began before its alarm".into()))
}

// spec: M1 M4
fn an_alarm_ends_a_suspend() -> Outcome {
    // The clock counts whole seconds: the first one may be short.
    ensure!(suspend_for(3)? >= 1000);
    ensure_eq!(file::text(ALARM)?, "");
    Ok(())
}
