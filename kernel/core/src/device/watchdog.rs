//! The DesignWare watchdog: a counter that resets the machine when nobody
//! restarts it. Once started it cannot be stopped, so one that the boot loader
//! left running must be kept from barking.
//!
//! Synopsys DW_apb_wdt Databook.

use super::Registers;

const CONTROL: usize = 0x00;
const TIME_OUT: usize = 0x04;
const RESTART: usize = 0x0c;

/// Control: it counts.
const ENABLED: u32 = 1;
/// What must be written to restart the counter.
const KICK: u32 = 0x76;

/// The most that a kick may be apart, in milliseconds.
const LONGEST_MS: u64 = 1_000;

/// Whether the counter runs.
pub fn is_running(watchdog: &impl Registers) -> bool {
    watchdog.read(CONTROL) & ENABLED != 0
}

/// Restarts the counter.
pub fn kick(watchdog: &impl Registers) {
    watchdog.write(RESTART, KICK);
}

/// How often to kick, in milliseconds: four times before it barks, and once a
/// second at least. The counter starts from 2^16 to 2^31 and is taken to run
/// at `frequency_hz`, or it would need a driver for clocks.
pub fn period_ms(watchdog: &impl Registers, frequency_hz: u64) -> u64 {
    let exponent = 16 + (watchdog.read(TIME_OUT) & 0xf);
    let barks_ms = (1 << exponent) * 1_000 / frequency_hz.max(1);
    (barks_ms / 4).clamp(1, LONGEST_MS)
}
