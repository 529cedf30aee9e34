//! PL011: the serial port that is QEMU's console.
//!
//! Sending polls: a byte takes the time the wire takes, and a console that
//! needs no interrupt works anywhere, in a panic too. Receiving is driven by
//! interrupts: bytes go to the handler that [`set_receiver`] names, in
//! interrupt context.
//!
//! Arm DDI 0183 (PrimeCell UART PL011).

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Release};

use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::registers::{ReadOnly, ReadWrite, WriteOnly};
use tock_registers::{register_bitfields, register_structs};

use crate::arch::{cpu, gic};

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
        (0x48 => _reserved4),
        (0xfe0 => peripheral_id: [ReadOnly<u32>; 4]),
        (0xff0 => @END),
    }
}

/// Bytes of registers to map.
pub const SIZE: usize = 0x1000;

/// Virtual address of the registers; 0 while there is no console.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// The handler of received bytes, as an address; 0 while there is none.
static RECEIVER: AtomicUsize = AtomicUsize::new(0);

fn registers() -> Option<&'static Registers> {
    let base = BASE.load(Acquire) as *const Registers;
    // SAFETY: `attach` stores only addresses of mapped PL011 registers,
    // which stay mapped for ever (arch::mmu).
    unsafe { base.as_ref() }
}

/// Uses the PL011 whose registers are mapped at `base` for output.
///
/// # Safety
/// `base` must be the registers of a PL011, mapped for ever.
pub unsafe fn attach(base: usize) {
    BASE.store(base, Release);
    let Some(uart) = registers() else { return };
    uart.interrupt_mask.set(0);
    uart.line_control.write(LineControl::FEN::SET + LineControl::WLEN::Bits8);
    let on = Control::UARTEN::SET + Control::TXE::SET + Control::RXE::SET;
    uart.control.write(on);
}

/// Whether there is a console.
pub fn is_attached() -> bool {
    BASE.load(Acquire) != 0
}

/// Whether there really is a PL011 at the address given to [`attach`].
pub fn is_present() -> bool {
    registers().is_some_and(|uart| {
        let id = &uart.peripheral_id;
        (id[0].get() & 0xff, id[1].get() & 0xff) == (0x11, 0x10)
    })
}

/// Gives the console up, so that nothing is written to it any more.
pub fn detach() {
    BASE.store(0, Release);
}

/// Sends bytes as they are; waits while the port is full. Callers that must
/// not mix lines hold a lock of their own.
pub fn write(bytes: &[u8]) {
    let Some(uart) = registers() else { return };
    for &byte in bytes {
        while uart.flag.is_set(Flag::TXFF) {
            cpu::relax();
        }
        uart.data.set(u32::from(byte));
    }
}

/// Waits until the last byte has left.
pub fn flush() {
    let Some(uart) = registers() else { return };
    while uart.flag.is_set(Flag::BUSY) {
        cpu::relax();
    }
}

/// Names the function that gets received bytes, in interrupt context, and
/// lets them in.
pub fn set_receiver(receiver: fn(u8)) {
    RECEIVER.store(receiver as usize, Release);
    if let Some(uart) = registers() {
        uart.interrupt_mask.write(Interrupt::RX::SET + Interrupt::RT::SET);
    }
}

/// Connects the port's interrupt. Bytes come once there is a receiver.
pub fn connect(interrupt: u32) {
    gic::register(interrupt, on_interrupt);
    gic::enable(interrupt, 0);
}

fn on_interrupt(_interrupt: u32) {
    let Some(uart) = registers() else { return };
    uart.interrupt_clear.write(Interrupt::RX::SET + Interrupt::RT::SET);
    while !uart.flag.is_set(Flag::RXFE) {
        let data = uart.data.extract();
        if data.read(Data::ERROR) == 0 {
            receive(data.read(Data::BYTE) as u8);
        }
    }
}

fn receive(byte: u8) {
    let receiver = RECEIVER.load(Acquire) as *const ();
    if receiver.is_null() {
        return;
    }
    // SAFETY: `set_receiver` stores nothing but functions of this type.
    let receiver: fn(u8) = unsafe { core::mem::transmute(receiver) };
    receiver(byte);
}
