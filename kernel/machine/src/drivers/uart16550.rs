//! 16550: the serial port of nearly every board, and Synopsys DesignWare's,
//! which differs.
//!
//! The boot loader has set speed and format, and they stay. A DesignWare port
//! ignores writes to its line control register while it is busy, sending or
//! with a byte not read yet, and raises an interrupt over it that only reading
//! its status register ends. It may also raise a time-out with nothing
//! received, which ends when the empty register is read.
//!
//! National Semiconductor PC16550D; Synopsys DW_apb_uart Databook.
//! `console.rs` uses it.

use core::ptr::with_exposed_provenance_mut;

/// Registers by number. Received bytes, and those to send.
const DATA: usize = 0;
const INTERRUPT_ENABLE: usize = 1;
/// Reading: which interrupt. Writing: control of the FIFOs.
const INTERRUPT_ID: usize = 2;
const FIFO_CONTROL: usize = 2;
const LINE_CONTROL: usize = 3;
const LINE_STATUS: usize = 5;
const MODEM_STATUS: usize = 6;
/// DesignWare only.
const UART_STATUS: usize = 31;

/// Interrupt enable: received bytes; nothing left to send.
const RECEIVED: u32 = 1;
const EMPTY: u32 = 2;
/// Reading which interrupt: the FIFOs work. Each of them holds so many bytes at
/// least; a port without has room for one.
const HAS_FIFOS: u32 = 0xc0;
const FIFO_SIZE: usize = 16;
/// Interrupt identities.
const MODEM: u32 = 0x0;
const NONE: u32 = 0x1;
const SENT: u32 = 0x2;
const DATA_HERE: u32 = 0x4;
const LINE: u32 = 0x6;
const BUSY: u32 = 0x7;
const TIME_OUT: u32 = 0xc;
/// FIFO control: on.
const FIFOS_ON: u32 = 1;
/// Line control: eight bits, one stop bit, no parity, divisor hidden.
const EIGHT_BITS: u32 = 3;
/// Line status: a byte is there; errors of that byte; the FIFO is empty; the
/// wire too.
const HAS_BYTE: u32 = 1;
const ERRORS: u32 = 0x1c;
const CAN_SEND: u32 = 1 << 5;
const IS_IDLE: u32 = 1 << 6;

/// Rounds of one interrupt, and tries to change a busy port.
const ROUNDS: usize = 64;
/// How often a port is asked before it counts as dead.
const PATIENCE: usize = 1_000_000;

/// A port.
#[derive(Clone, Copy)]
pub struct Uart16550 {
    base: usize,
    shift: u32,
    is_wide: bool,
    is_designware: bool,
}

impl Uart16550 {
    /// The port whose registers are mapped at `base`, `1 << shift` bytes
    /// apart.
    ///
    /// # Safety
    /// `base` must be the registers of a 16550, mapped for ever; a page of
    /// them if it is DesignWare's.
    pub unsafe fn new(
        base: usize,
        shift: u32,
        is_wide: bool,
        is_designware: bool,
    ) -> Self {
        Self { base, shift, is_wide, is_designware }
    }

    fn read(self, register: usize) -> u32 {
        let address = self.base + (register << self.shift);
        if self.is_wide {
            let pointer = with_exposed_provenance_mut::<u32>(address);
            // SAFETY: a mapped register (`new`).
            unsafe { pointer.read_volatile() }
        } else {
            let pointer = with_exposed_provenance_mut::<u8>(address);
            // SAFETY: as above.
            u32::from(unsafe { pointer.read_volatile() })
        }
    }

    fn write(self, register: usize, value: u32) {
        let address = self.base + (register << self.shift);
        if self.is_wide {
            let pointer = with_exposed_provenance_mut::<u32>(address);
            // SAFETY: a mapped register (`new`).
            unsafe { pointer.write_volatile(value) };
        } else {
            let pointer = with_exposed_provenance_mut::<u8>(address);
            // SAFETY: as above.
            unsafe { pointer.write_volatile(value as u8) };
        }
    }

    /// Eight bits, FIFOs, no interrupt; the speed as it was.
    pub fn start(self) {
        if self.read(LINE_CONTROL) != EIGHT_BITS {
            self.set_line_control();
        }
        self.write(INTERRUPT_ENABLE, 0);
        self.write(FIFO_CONTROL, FIFOS_ON);
    }

    /// Writes the line control register until it takes: a busy port does
    /// not. What has been received meanwhile is lost.
    fn set_line_control(self) {
        for _ in 0..ROUNDS {
            let _ = (0..PATIENCE).find(|_| self.is_idle());
            self.drop_received();
            self.write(LINE_CONTROL, EIGHT_BITS);
            if self.read(LINE_CONTROL) == EIGHT_BITS {
                return;
            }
            self.end_busy();
        }
    }

    fn drop_received(self) {
        for _ in 0..ROUNDS {
            if self.read(LINE_STATUS) & HAS_BYTE == 0 {
                return;
            }
            self.read(DATA);
        }
    }

    /// Ends the interrupt over a write that a busy port ignored.
    fn end_busy(self) {
        if self.is_designware {
            self.read(UART_STATUS);
        }
    }

    /// Whether [`Uart16550::send`] may be called. All of the FIFO must be
    /// empty, so that two CPUs that see it so do not overrun it.
    pub fn can_send(self) -> bool {
        self.read(LINE_STATUS) & CAN_SEND != 0
    }

    /// Sends a byte.
    pub fn send(self, byte: u8) {
        self.write(DATA, u32::from(byte));
    }

    /// Sends what `next` gives, a FIFO full of it if there is none in it. Ends
    /// the interrupt for that; the next one comes with what was sent.
    pub fn fill(self, next: impl FnMut() -> Option<u8>) {
        if !self.can_send() {
            return;
        }
        let has_fifos = self.read(INTERRUPT_ID) & HAS_FIFOS == HAS_FIFOS;
        let room = if has_fifos { FIFO_SIZE } else { 1 };
        core::iter::from_fn(next).take(room).for_each(|byte| self.send(byte));
    }

    /// Whether the last byte has left.
    pub fn is_idle(self) -> bool {
        self.read(LINE_STATUS) & IS_IDLE != 0
    }

    /// Interrupts for received bytes from now on.
    pub fn start_receiving(self) {
        self.write(INTERRUPT_ENABLE, RECEIVED);
    }

    /// Whether there is an interrupt, too, while nothing is left to send.
    pub fn interrupt_when_empty(self, is_on: bool) {
        let empty = if is_on { EMPTY } else { 0 };
        self.write(INTERRUPT_ENABLE, RECEIVED | empty);
    }

    /// Ends the interrupt and hands what came without error to `receive`.
    pub fn take(self, receive: fn(u8)) {
        for _ in 0..ROUNDS {
            match self.read(INTERRUPT_ID) & 0xf {
                NONE => return,
                DATA_HERE => self.take_bytes(receive),
                TIME_OUT => {
                    if self.read(LINE_STATUS) & HAS_BYTE == 0 {
                        // This is DesignWare's time-out with nothing received.
                        self.read(DATA);
                    }
                    self.take_bytes(receive);
                }
                BUSY => self.end_busy(),
                LINE => _ = self.read(LINE_STATUS),
                MODEM => _ = self.read(MODEM_STATUS),
                // Reading has ended it; `fill` comes next.
                SENT => {}
                _ => return,
            }
        }
    }

    fn take_bytes(self, receive: fn(u8)) {
        for _ in 0..ROUNDS {
            let status = self.read(LINE_STATUS);
            if status & HAS_BYTE == 0 {
                return;
            }
            let byte = self.read(DATA) as u8;
            if status & ERRORS == 0 {
                receive(byte);
            }
        }
    }
}
