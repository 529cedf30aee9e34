//! PL011: Arm's serial port.
//!
//! Arm DDI 0183 (PrimeCell UART PL011). `console.rs` uses it.

use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::registers::{ReadOnly, ReadWrite, WriteOnly};
use tock_registers::{register_bitfields, register_structs};

register_bitfields! { u32,
    Data [
        BYTE OFFSET(0) NUMBITS(8) [],
        ERROR OFFSET(8) NUMBITS(4) []
    ],
    Flag [
        BUSY OFFSET(3) NUMBITS(1) [],
        RXFE OFFSET(4) NUMBITS(1) [],
        TXFF OFFSET(5) NUMBITS(1) []
    ],
    LineControl [
        FEN OFFSET(4) NUMBITS(1) [],
        WLEN OFFSET(5) NUMBITS(2) [ Bits8 = 3 ]
    ],
    Control [
        UARTEN OFFSET(0) NUMBITS(1) [],
        TXE OFFSET(8) NUMBITS(1) [],
        RXE OFFSET(9) NUMBITS(1) []
    ],
    Interrupt [
        RX OFFSET(4) NUMBITS(1) [],
        TX OFFSET(5) NUMBITS(1) [],
        RT OFFSET(6) NUMBITS(1) []
    ]
}

register_structs! {
    Registers {
        (0x00 => data: ReadWrite<u32, Data::Register>),
        (0x04 => _reserved0),
        (0x18 => flag: ReadOnly<u32, Flag::Register>),
        (0x1c => _reserved1),
        (0x2c => line_control: ReadWrite<u32, LineControl::Register>),
        (0x30 => control: ReadWrite<u32, Control::Register>),
        (0x34 => _reserved2),
        (0x38 => interrupt_mask: ReadWrite<u32, Interrupt::Register>),
        (0x3c => _reserved3),
        (0x44 => interrupt_clear: WriteOnly<u32, Interrupt::Register>),
        (0x48 => @END),
    }
}

/// A port.
#[derive(Clone, Copy)]
pub struct Pl011(&'static Registers);

impl Pl011 {
    /// The port whose registers are mapped at `base`.
    ///
    /// # Safety
    /// `base` must be the registers of a PL011, mapped for ever.
    pub unsafe fn new(base: usize) -> Self {
        // SAFETY: the caller says so.
        Self(unsafe { &*(base as *const Registers) })
    }

    /// Eight bits, both directions, no interrupt.
    pub fn start(self) {
        let uart = self.0;
        uart.interrupt_mask.set(0);
        let line = LineControl::FEN::SET + LineControl::WLEN::Bits8;
        uart.line_control.write(line);
        let on = Control::UARTEN::SET + Control::TXE::SET + Control::RXE::SET;
        uart.control.write(on);
    }

    /// Whether [`Pl011::send`] may be called.
    pub fn can_send(self) -> bool {
        !self.0.flag.is_set(Flag::TXFF)
    }

    /// Sends a byte.
    pub fn send(self, byte: u8) {
        self.0.data.set(u32::from(byte));
    }

    /// Sends what `next` gives, until the FIFO is full.
    pub fn fill(self, mut next: impl FnMut() -> Option<u8>) {
        while self.can_send()
            && let Some(byte) = next()
        {
            self.send(byte);
        }
    }

    /// Whether the last byte has left.
    pub fn is_idle(self) -> bool {
        !self.0.flag.is_set(Flag::BUSY)
    }

    /// Interrupts for received bytes from now on.
    pub fn start_receiving(self) {
        let received = Interrupt::RX::SET + Interrupt::RT::SET;
        self.0.interrupt_mask.write(received);
    }

    /// Whether there is an interrupt, too, when the full FIFO has become half
    /// empty.
    pub fn interrupt_when_empty(self, is_on: bool) {
        let received = Interrupt::RX::SET + Interrupt::RT::SET;
        let empty = Interrupt::TX.val(u32::from(is_on));
        self.0.interrupt_mask.write(received + empty);
    }

    /// Ends the interrupt and hands what came without error to `receive`.
    pub fn take(self, receive: fn(u8)) {
        let received = Interrupt::RX::SET + Interrupt::RT::SET;
        self.0.interrupt_clear.write(received + Interrupt::TX::SET);
        while !self.0.flag.is_set(Flag::RXFE) {
            let data = self.0.data.extract();
            if data.read(Data::ERROR) == 0 {
                receive(data.read(Data::BYTE) as u8);
            }
        }
    }
}
