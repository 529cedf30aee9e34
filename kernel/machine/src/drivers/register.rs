//! The registers of a small device, for the rules in
//! `kernel_core::device`.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Release};

use kernel_core::device::Registers;
use kernel_core::device_tree::Span;
use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::registers::ReadWrite;

use crate::arch::mmu;

/// Bytes of registers that are used.
const SIZE: usize = 0x100;

/// Bytes to map.
const MAPPED: usize = 0x1000;

/// A device that may be there.
pub struct Place(AtomicUsize);

/// A device that is there.
#[derive(Clone, Copy)]
pub struct Bank(&'static [ReadWrite<u32>; SIZE / 4]);

impl Place {
    /// None so far.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Uses the device that the device tree has at `registers`.
    pub fn attach(&self, registers: Span) {
        if let Some(base) = mmu::map_device(registers.start, MAPPED) {
            self.0.store(base, Release);
        }
    }

    /// The registers, if the device is there.
    pub fn bank(&self) -> Option<Bank> {
        let base = self.0.load(Acquire) as *const [ReadWrite<u32>; SIZE / 4];
        // SAFETY: null, or device registers that `attach` has mapped for ever
        // (arch::mmu).
        unsafe { base.as_ref() }.map(Bank)
    }
}

impl Registers for Bank {
    fn read(&self, offset: usize) -> u32 {
        self.0[offset / 4].get()
    }

    fn write(&self, offset: usize, value: u32) {
        self.0[offset / 4].set(value);
    }
}
