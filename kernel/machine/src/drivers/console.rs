//! The console: one serial port, whichever kind the machine has.
//!
//! A byte takes the time the wire takes. What the port has no room for is kept,
//! and the port's interrupt sends it, so that nobody waits for the wire: neither
//! who writes a line of the log nor, behind him, a freeze. Where there is no
//! interrupt (yet), or no room to keep more, sending polls; so it does in a
//! panic. A port that takes nothing for long is given up, for a console must not
//! stop the machine. Received bytes go to the function that [`RECEIVER`] holds,
//! in interrupt context.
//!
//! Read next: `pl011.rs`, `uart16550.rs`.

use alloc::collections::VecDeque;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

use kernel_core::board;
use kernel_core::device_tree::{Console, SerialKind};

use super::pl011::Pl011;
use super::uart16550::Uart16550;
use crate::arch::{cpu, gic, image, mmu};
use crate::sync::{Hook, IrqSpinLock, Rank};

/// Bytes of registers that are mapped; every port has less.
const SIZE: usize = 0x1000;
/// How often a port is polled before it counts as dead; some tenths of a
/// second.
const MOST_POLLS: usize = 1_000_000;

/// Bytes that are kept until the port takes them. A terminal keeps to half of
/// it, so that the log's lines find room, too.
const ROOM: usize = 8192;
const TERMINAL_ROOM: usize = ROOM / 2;

/// Virtual address of the registers; 0 while there is no console.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// The kind of port at [`BASE`], as [`pack`] writes it.
static KIND: AtomicU32 = AtomicU32::new(0);
/// The port's interrupt has a handler.
static IS_CONNECTED: AtomicBool = AtomicBool::new(false);
/// Bytes that wait for the port, the oldest first. It has no room before the
/// interrupt sends them.
static OUTGOING: IrqSpinLock<VecDeque<u8>> =
    IrqSpinLock::with_rank(Rank::Console, VecDeque::new());
/// The function that is called, in interrupt context, whenever half of the
/// terminal's room is free again and when nothing waits for the port any more.
pub static SENT: Hook<fn()> = Hook::new();
/// The function that gets received bytes, in interrupt context.
pub static RECEIVER: Hook<fn(u8)> = Hook::new();

/// What every kind of port can do.
#[derive(Clone, Copy)]
enum Port {
    Pl011(Pl011),
    Uart16550(Uart16550),
}

impl Port {
    fn can_send(&self) -> bool {
        match self {
            Port::Pl011(port) => port.can_send(),
            Port::Uart16550(port) => port.can_send(),
        }
    }

    fn send(&self, byte: u8) {
        match self {
            Port::Pl011(port) => port.send(byte),
            Port::Uart16550(port) => port.send(byte),
        }
    }

    /// Sends what `next` gives, as much as the port has room for.
    fn fill(&self, next: impl FnMut() -> Option<u8>) {
        match self {
            Port::Pl011(port) => port.fill(next),
            Port::Uart16550(port) => port.fill(next),
        }
    }

    fn is_idle(&self) -> bool {
        match self {
            Port::Pl011(port) => port.is_idle(),
            Port::Uart16550(port) => port.is_idle(),
        }
    }

    fn start(&self) {
        match self {
            Port::Pl011(port) => port.start(),
            Port::Uart16550(port) => port.start(),
        }
    }

    fn start_receiving(&self) {
        match self {
            Port::Pl011(port) => port.start_receiving(),
            Port::Uart16550(port) => port.start_receiving(),
        }
    }

    /// Whether there is an interrupt when the port has room again, besides
    /// that for received bytes.
    fn interrupt_when_empty(&self, is_on: bool) {
        match self {
            Port::Pl011(port) => port.interrupt_when_empty(is_on),
            Port::Uart16550(port) => port.interrupt_when_empty(is_on),
        }
    }

    /// Ends the interrupt and takes what was received.
    fn take(&self) {
        match self {
            Port::Pl011(port) => port.take(receive),
            Port::Uart16550(port) => port.take(receive),
        }
    }
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
    if let Some(port) = port() {
        port.start();
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

/// Sends bytes as they are, after all that were sent before; keeps what the port
/// has no room for. Waits only while there is no room to keep it either.
/// Callers that must not mix lines hold a lock of their own.
pub fn send(bytes: &[u8]) {
    let Some(port) = port() else { return };
    let mut outgoing = OUTGOING.lock();
    if outgoing.capacity() == 0 {
        drop(outgoing);
        return write(bytes);
    }
    let mut bytes = bytes.iter().copied();
    if outgoing.is_empty() {
        port.fill(|| bytes.next());
    }
    for byte in bytes {
        if outgoing.len() >= ROOM && !send_oldest(&mut outgoing) {
            return;
        }
        outgoing.push_back(byte);
    }
    if !outgoing.is_empty() {
        port.interrupt_when_empty(true);
    }
}

/// Bytes that the terminal can send without a wait.
pub fn terminal_room() -> usize {
    TERMINAL_ROOM.saturating_sub(waiting())
}

/// Bytes that wait for the port.
pub fn waiting() -> usize {
    OUTGOING.lock().len()
}

/// Sends the oldest byte that waits, and polls until the port takes it. False
/// if the port has been given up; nothing waits for it then.
fn send_oldest(outgoing: &mut VecDeque<u8>) -> bool {
    let Some(byte) = outgoing.pop_front() else { return true };
    write(&[byte]);
    let is_there = BASE.load(Relaxed) != 0;
    if !is_there {
        outgoing.clear();
    }
    is_there
}

/// Sends what waits, unless its holder was stopped amid sending.
pub fn send_waiting() {
    if let Some(mut outgoing) = OUTGOING.try_lock() {
        while !outgoing.is_empty() && send_oldest(&mut outgoing) {}
    }
}

/// Sends bytes as they are, before those that wait, and polls while the port is
/// full. It takes no lock.
pub fn write(bytes: &[u8]) {
    let Some(port) = port() else { return };
    for &byte in bytes {
        if !wait(|| port.can_send()) {
            return detach();
        }
        port.send(byte);
    }
}

/// Waits until the last byte has left.
pub fn flush() {
    send_waiting();
    if let Some(port) = port() {
        wait(|| port.is_idle());
    }
}

/// Waits until `is_ready`; false if that takes too long.
fn wait(is_ready: impl Fn() -> bool) -> bool {
    (0..MOST_POLLS).any(|_| {
        let ready = is_ready();
        if !ready {
            cpu::relax();
        }
        ready
    })
}

/// Lets received bytes in, and keeps bytes to send from now on, if the port's
/// interrupt is connected.
pub fn start() {
    let Some(port) = port() else { return };
    port.start_receiving();
    let mut room = VecDeque::new();
    // Without room for them sending polls.
    if IS_CONNECTED.load(Relaxed) && room.try_reserve_exact(ROOM).is_ok() {
        *OUTGOING.lock() = room;
    }
}

/// Connects the port's interrupt. Bytes come after [`start`].
pub fn connect(interrupt: u32) {
    gic::register(interrupt, on_interrupt);
    gic::enable(interrupt, 0);
    IS_CONNECTED.store(true, Relaxed);
}

fn on_interrupt(_interrupt: u32) {
    let Some(port) = port() else { return };
    port.take();
    let mut outgoing = OUTGOING.lock();
    if outgoing.is_empty() {
        return;
    }
    port.fill(|| outgoing.pop_front());
    let left = outgoing.len();
    if left == 0 {
        port.interrupt_when_empty(false);
    }
    drop(outgoing);
    if left <= TERMINAL_ROOM / 2
        && let Some(sent) = SENT.get()
    {
        sent();
    }
}

fn receive(byte: u8) {
    if let Some(receive) = RECEIVER.get() {
        receive(byte);
    }
}
