//! The status light of the machine, if the device tree names one on a GPIO
//! controller that the kernel knows. Who lets it blink: `heartbeat.rs`.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Relaxed, Release};

use kernel_core::device::lamp::{Lamp, Light};
use kernel_core::device_tree::StatusLight;

use super::register::Place;

static PLACE: Place = Place::new();
/// Line, and in bit 8 that a low level lights it.
static LINE: AtomicU32 = AtomicU32::new(0);
const ACTIVE_LOW: u32 = 1 << 8;

/// Uses the light that the device tree names.
pub fn attach(light: &StatusLight) {
    let flag = if light.is_active_low { ACTIVE_LOW } else { 0 };
    LINE.store(light.line & 0xff | flag, Release);
    PLACE.attach(light.registers);
}

fn lamp() -> Option<Lamp> {
    let line = LINE.load(Relaxed);
    Lamp::new(line & 0xff, line & ACTIVE_LOW != 0)
}

/// Makes the light ready, dark. False if there is none.
#[must_use]
pub fn prepare() -> bool {
    let (Some(bank), Some(lamp)) = (PLACE.bank(), lamp()) else {
        return false;
    };
    lamp.prepare(&bank)
}

/// Lights it or puts it out. [`prepare`] was called.
pub fn set(light: Light) {
    if let (Some(bank), Some(lamp)) = (PLACE.bank(), lamp()) {
        lamp.set(&bank, light);
    }
}
