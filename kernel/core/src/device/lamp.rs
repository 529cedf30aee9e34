//! A light on a line of a Rockchip GPIO bank, and how a heart beats.
//!
//! Registers of this bank change bit by bit: the upper half of what is written
//! says which bits of the lower half count. So nobody else's line can be hit.
//!
//! RK3588 Technical Reference Manual, chapter GPIO.

use super::Registers;

/// Levels of lines 0 to 15; those of 16 to 31 follow.
const LEVEL: usize = 0x00;
/// Directions of lines 0 to 15, 1 for output; those of 16 to 31 follow.
const DIRECTION: usize = 0x08;
/// Which version of the bank this is.
const VERSION: usize = 0x78;

/// Lines of a bank.
const LINES: u32 = 32;

/// Two beats and a pause, like a heart's: milliseconds on and off in turn
/// (Linux's `heartbeat` trigger on a machine with little to do).
pub const BEAT_MS: [(Light, u64); 4] =
    [(Light::On, 70), (Light::Off, 190), (Light::On, 70), (Light::Off, 930)];

/// What a lamp does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// It is lit.
    On,
    /// It is dark.
    Off,
}

/// A lamp on one line of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lamp {
    line: u32,
    is_active_low: bool,
}

impl Lamp {
    /// The lamp on `line`; `is_active_low` says that a low level lights it.
    /// `None` if a bank has no such line.
    pub fn new(line: u32, is_active_low: bool) -> Option<Self> {
        (line < LINES).then_some(Self { line, is_active_low })
    }

    /// Makes the lamp's line an output, dark at first. False if the registers
    /// are not those of a bank of this kind; nothing was written then.
    #[must_use]
    pub fn prepare(self, bank: &impl Registers) -> bool {
        let version = bank.read(VERSION);
        if version >> 24 != 1 {
            return false;
        }
        self.set(bank, Light::Off);
        self.write(bank, DIRECTION, true);
        true
    }

    /// Lights the lamp or puts it out.
    pub fn set(self, bank: &impl Registers, light: Light) {
        let is_high = (light == Light::On) != self.is_active_low;
        self.write(bank, LEVEL, is_high);
    }

    fn write(self, bank: &impl Registers, register: usize, bit: bool) {
        let (half, line) = (self.line / 16, self.line % 16);
        let value = u32::from(bit) << line;
        bank.write(register + half as usize * 4, 1 << (16 + line) | value);
    }
}
