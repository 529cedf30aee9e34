//! The flags of `struct timex`.

use bitflags::bitflags;

bitflags! {
    /// `ADJ_*`: what is to be changed.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) struct Modes: u32 {
        const OFFSET = 0x0001;
        const FREQUENCY = 0x0002;
        const MAX_ERROR = 0x0004;
        const ESTIMATED_ERROR = 0x0008;
        const STATUS = 0x0010;
        const CONSTANT = 0x0020;
        const TAI = 0x0080;
        const SET_OFFSET = 0x0100;
        const MICRO = 0x1000;
        const NANO = 0x2000;
        const TICK = 0x4000;
        /// As `adjtime(3)`; with it others mean something else.
        const ADJTIME = 0x8000;
        /// What is left of an `adjtime` is told and not changed.
        const READ_ONLY = 0x2000;
    }
}

bitflags! {
    /// `STA_*`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) struct Status: u32 {
        /// `STA_PLL`: offsets are worked off.
        const LOOP = 0x0001;
        const PULSE_FREQUENCY = 0x0002;
        const PULSE_TIME = 0x0004;
        const INSERT = 0x0010;
        const DELETE = 0x0020;
        const UNSYNCHRONIZED = 0x0040;
        /// A pulse a second is there; it never is.
        const PULSE = 0x0100;
        const NANO = 0x2000;
        /// What programs cannot change.
        const READ_ONLY = 0xff00;
    }
}

impl Status {
    /// Whether the time is not to be relied on: a clock that shall go by
    /// pulses, and has none, is not.
    pub(super) fn is_error(self) -> bool {
        let wants_pulse = Self::PULSE_FREQUENCY | Self::PULSE_TIME;
        let lacks_pulse =
            self.intersects(wants_pulse) && !self.contains(Self::PULSE);
        self.contains(Self::UNSYNCHRONIZED) || lacks_pulse
    }
}
