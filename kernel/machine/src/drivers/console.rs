//! The console: one serial port, whichever kind the machine has.
//!
//! Sending polls: a byte takes the time the wire takes, and a console that
//! needs no interrupt works anywhere, in a panic too. A port that takes
//! nothing for long is given up, for a console must not stop the machine.
//! Receiving is driven by interrupts: bytes go to the function that
//! [`RECEIVER`] holds, in interrupt context.
//!
//! Read next: `pl011.rs`, `uart16550.rs`.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicUsize};

use kernel_core::board;
use kernel_core::device_tree::{Console, SerialKind};

use super::pl011::Pl011;
use super::uart16550::Uart16550;
use crate::arch::{cpu, gic, image, mmu};
use crate::sync::Hook;

/// Bytes of registers that are mapped; every port has less.
const SIZE: usize = 0x1000;
/// How often a port is polled before it counts as dead; some tenths of a
/// second.
const MOST_POLLS: usize = 1_000_000;

/// Virtual address of the registers; 0 while there is no console.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// The kind of port at [`BASE`], as [`pack`] writes it.
static KIND: AtomicU32 = AtomicU32::new(0);
/// The function that gets received bytes, in interrupt context.
pub static RECEIVER: Hook<fn(u8)> = Hook::new();

/// What every kind of port can do.
#[derive(Clone, Copy)]
enum Port {
    Pl011(Pl011),
    Uart16550(Uart16550),
}

fn pack(kind: SerialKind) -> u32 {
    match kind {
        SerialKind::Pl011 => 0,
        SerialKind::Uart16550 { shift, is_wide, is_designware } => {
            1 | shift << 8
                | u32::from(is_wide) << 16
                | u32::from(is_designware) << 17
        }
    }
}

fn port() -> Option<Port> {
    let base = BASE.load(Acquire);
    if base == 0 {
        return None;
    }
    let kind = KIND.load(Relaxed);
    let flag = |bit: u32| kind & 1 << bit != 0;
    Some(if flag(0) {
        let shift = kind >> 8 & 0xff;
        // SAFETY: `attach` stored both; the registers stay mapped for ever.
        Port::Uart16550(unsafe {
            Uart16550::new(base, shift, flag(16), flag(17))
        })
    } else {
        // SAFETY: as above.
        Port::Pl011(unsafe { Pl011::new(base) })
    })
}

/// Uses a serial port for output; false if its registers cannot be mapped.
/// The caller answers for a port of that kind being there: by the word of the
/// device tree, or of the board's description.
#[must_use]
pub fn attach(console: &Console) -> bool {
    let Some(base) = mmu::map_device(console.registers.start, SIZE) else {
        return false;
    };
    BASE.store(0, Relaxed);
    KIND.store(pack(console.kind), Release);
    BASE.store(base, Release);
    match port() {
        Some(Port::Pl011(port)) => port.start(),
        Some(Port::Uart16550(port)) => port.start(),
        None => {}
    }
    true
}

/// Takes the console that the board has, if the tree has named none so far
/// and it is clear which board this is: an error must be told.
pub fn ensure() {
    if BASE.load(Acquire) == 0 {
        attach_known();
    }
}

/// As [`ensure`], in place of a console that does not answer.
pub fn replace() {
    detach();
    attach_known();
}

fn attach_known() {
    let load = image::physical().start as u64;
    if let Some(port) = board::by_place(image::boards(), load, cpu::model()) {
        // Without it nobody hears of anything.
        let _ = attach(&port);
    }
}

/// Gives the console up, so that nothing is written to it any more.
fn detach() {
    BASE.store(0, Release);
}

/// Sends bytes as they are; waits while the port is full. Callers that must
/// not mix lines hold a lock of their own.
pub fn write(bytes: &[u8]) {
    let Some(port) = port() else { return };
    for &byte in bytes {
        let sent = match port {
            Port::Pl011(port) => wait(|| port.can_send(), || port.send(byte)),
            Port::Uart16550(port) => {
                wait(|| port.can_send(), || port.send(byte))
            }
        };
        if !sent {
            return detach();
        }
    }
}

/// Waits until the last byte has left.
pub fn flush() {
    match port() {
        Some(Port::Pl011(port)) => wait(|| port.is_idle(), || {}),
        Some(Port::Uart16550(port)) => wait(|| port.is_idle(), || {}),
        None => true,
    };
}

/// Calls `action` once `is_ready`; false if that takes too long.
fn wait(is_ready: impl Fn() -> bool, action: impl FnOnce()) -> bool {
    for _ in 0..MOST_POLLS {
        if is_ready() {
            action();
            return true;
        }
        cpu::relax();
    }
    false
}

/// Lets received bytes in.
pub fn start_receiving() {
    match port() {
        Some(Port::Pl011(port)) => port.start_receiving(),
        Some(Port::Uart16550(port)) => port.start_receiving(),
        None => {}
    }
}

/// Connects the port's interrupt. Bytes come after [`start_receiving`].
pub fn connect(interrupt: u32) {
    gic::register(interrupt, on_interrupt);
    gic::enable(interrupt, 0);
}

fn on_interrupt(_interrupt: u32) {
    match port() {
        Some(Port::Pl011(port)) => port.take(receive),
        Some(Port::Uart16550(port)) => port.take(receive),
        None => {}
    }
}

fn receive(byte: u8) {
    if let Some(receive) = RECEIVER.get() {
        receive(byte);
    }
}
