//! Wakeup events of this machine: a key on the console, the alarm of the
//! real-time clock. The rules are `kernel_core::power::wakeup`'s.
//!
//! Next to read: `power.rs` of the crate `kernel_control`: what a suspend makes
//! of them.

use kernel_abi::Errno;
use kernel_core::freezer::Host;
use kernel_core::power::wakeup::{Source, Wakeups};

use crate::refrigerator::FreezerHost;
use crate::{Deadline, sleep};
use kernel_machine::arch;
use kernel_machine::sync::{IrqSpinLock, Rank};

/// How long an event is in progress: time enough for a program to notice it
/// and to ask for the machine to stay awake, ns.
const EVENT_NS: u64 = 100_000_000;

static WAKEUPS: IrqSpinLock<Wakeups> =
    IrqSpinLock::with_rank(Rank::Freezer, Wakeups::new());

/// An event has happened: it ends a suspend, or prevents one for which
/// detection is armed. Any context may call it.
pub fn event(source: Source) {
    let now = arch::timer::now_ns();
    WAKEUPS.lock().event(source, now, EVENT_NS);
    FreezerHost.quiet();
}

/// The number of events that are over; sleeps while one is in progress.
///
/// # Errors
/// `EINTR` if a signal ends that sleep.
pub fn read_count() -> Result<u32, Errno> {
    loop {
        let now = arch::timer::now_ns();
        let answer = WAKEUPS.lock().read(now);
        match answer {
            Ok(count) => return Ok(count),
            Err(until) => {
                let until = Deadline::Monotonic(until);
                sleep::sleep_until("pm_get_wakeup_count", until)
                    .map_err(|_| Errno::EINTR)?;
            }
        }
    }
}

/// Arms detection: from now on an event aborts a suspend.
///
/// # Errors
/// `EINVAL` if `count` is not the number of events so far, or one is in
/// progress.
pub fn arm(count: u32) -> Result<(), Errno> {
    let now = arch::timer::now_ns();
    WAKEUPS.lock().arm(count, now)
}

/// Whether an event came since detection was armed.
pub fn is_pending() -> bool {
    let now = arch::timer::now_ns();
    WAKEUPS.lock().is_pending(now)
}

/// A suspend begins: what stopped an earlier one is forgotten.
pub(super) fn clear() {
    WAKEUPS.lock().clear();
}

/// A suspend is over, whatever came of it.
pub fn disarm() {
    WAKEUPS.lock().disarm();
}

/// The events reported so far, for [`wait_for_event`].
#[derive(Clone, Copy)]
pub struct Seen(u32);

/// What has happened up to now.
pub fn seen() -> Seen {
    Seen(WAKEUPS.lock().reported())
}

/// Sleeps, as the task that froze the others, until an event comes that is
/// not among those `seen`: one that came during the freeze is not lost.
pub fn wait_for_event(seen: Seen) {
    let has_event = || WAKEUPS.lock().reported() != seen.0;
    FreezerHost.wait_for_quiet(u64::MAX, has_event);
}
