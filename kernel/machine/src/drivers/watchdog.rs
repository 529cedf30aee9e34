//! The watchdog of the machine, if the device tree names one that the kernel
//! knows. Who keeps it quiet: `heartbeat.rs`.

use kernel_core::device::watchdog;
use kernel_core::device_tree::Span;

use super::register::Place;
use crate::arch;

static PLACE: Place = Place::new();

/// Uses the watchdog that the device tree has at `registers`. One that runs
/// gets its first kick here: booting takes time.
pub fn attach(registers: Span) {
    PLACE.attach(registers);
    kick();
}

/// How often the watchdog wants a kick, in milliseconds; `None` if there is
/// none, or it does not run. Its clock is the crystal that the system counter
/// runs from.
pub fn period_ms() -> Option<u64> {
    let bank = PLACE.bank().filter(watchdog::is_running)?;
    Some(watchdog::period_ms(&bank, arch::timer::frequency()))
}

/// Keeps a running watchdog quiet.
pub fn kick() {
    if let Some(bank) = PLACE.bank().filter(watchdog::is_running) {
        watchdog::kick(&bank);
    }
}
