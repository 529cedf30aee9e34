//! The event ring: what each CPU did last, for panics and for pictures.
//!
//! Each CPU has a ring of fixed-size events that only it writes, with
//! interrupts in whatever state they are: an interrupt between claiming a
//! slot and filling it leaves one event older than its neighbours, no more.
//! Recording costs about a dozen instructions and takes no lock. Readers
//! ([`last`]) see each CPU's events in order; an event that is being written
//! just then may come out mixed, which a trace can live with.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicU64};

use crate::arch::cpu::{self, MAX_CPUS};
use crate::arch::timer;

/// What happened; `a` and `b` are the two details of an [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EventKind {
    /// The CPU switched from task `a` to task `b`.
    Switch = 1,
    /// Task `a` was woken from a sleep.
    Wake,
    /// Task `a` made task `b`.
    Born,
    /// Task `a` has ended.
    Exit,
    /// The freezer begins to ask the awake tasks of phase `a` (0: user tasks,
    /// 1: kernel threads too).
    FreezeBegin,
    /// Task `a` on CPU `b` got the fake signal of the freezer.
    FakeSignal,
    /// The freezer sent an IPI for task `a` to CPU `b`.
    Ipi,
    /// That IPI interrupted task `a`.
    IpiTaken,
    /// Task `a` entered the refrigerator.
    Enter,
    /// Task `a` left the refrigerator.
    Leave,
    /// Phase `a` is over, with outcome `b` (0: all frozen, 1: time-out,
    /// 2: aborted).
    FreezeEnd,
    /// The freezer begins to wake those in the refrigerator.
    ThawBegin,
    /// Task `a`, asleep in the refrigerator, was woken: by a thaw, or to die,
    /// to stop or to be traced.
    Thaw,
    /// It has woken all that it wanted.
    ThawEnd,
}

/// All kinds and their names in a trace, by number.
const KINDS: [(EventKind, &str); 14] = [
    (EventKind::Switch, "switch"),
    (EventKind::Wake, "wake"),
    (EventKind::Born, "born"),
    (EventKind::Exit, "exit"),
    (EventKind::FreezeBegin, "freeze_begin"),
    (EventKind::FakeSignal, "fake_signal"),
    (EventKind::Ipi, "ipi"),
    (EventKind::IpiTaken, "ipi_taken"),
    (EventKind::Enter, "refrigerator_enter"),
    (EventKind::Leave, "refrigerator_leave"),
    (EventKind::FreezeEnd, "freeze_end"),
    (EventKind::ThawBegin, "thaw_begin"),
    (EventKind::Thaw, "thaw"),
    (EventKind::ThawEnd, "thaw_end"),
];

impl EventKind {
    fn from_number(number: u32) -> Option<Self> {
        let index = (number as usize).checked_sub(1)?;
        KINDS.get(index).map(|(kind, _)| *kind)
    }

    /// Its name in a trace.
    pub fn name(self) -> &'static str {
        KINDS[self as usize - 1].1
    }
}

/// One event as a reader gets it.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Nanoseconds since boot.
    pub time_ns: u64,
    /// What happened.
    pub kind: EventKind,
    /// First detail, see [`EventKind`].
    pub a: u32,
    /// Second detail, see [`EventKind`].
    pub b: u32,
}

/// Events that each CPU keeps; a power of two.
pub const EVENTS: usize = 512;

struct Slot {
    ticks: AtomicU64,
    kind: AtomicU32,
    a: AtomicU32,
    b: AtomicU32,
}

#[repr(align(64))]
struct Ring {
    /// Events recorded since boot.
    next: AtomicU32,
    slots: [Slot; EVENTS],
}

static RINGS: [Ring; MAX_CPUS] = [const {
    Ring {
        next: AtomicU32::new(0),
        slots: [const {
            Slot {
                ticks: AtomicU64::new(0),
                kind: AtomicU32::new(0),
                a: AtomicU32::new(0),
                b: AtomicU32::new(0),
            }
        }; EVENTS],
    }
}; MAX_CPUS];

/// Records an event on this CPU.
#[inline]
pub fn record(kind: EventKind, a: u32, b: u32) {
    let ring = &RINGS[cpu::id()];
    let number = ring.next.load(Relaxed);
    ring.next.store(number.wrapping_add(1), Relaxed);
    let slot = &ring.slots[number as usize % EVENTS];
    slot.ticks.store(timer::ticks(), Relaxed);
    slot.kind.store(kind as u32, Relaxed);
    slot.a.store(a, Relaxed);
    slot.b.store(b, Relaxed);
}

/// The last `count` events of a CPU, oldest first.
pub fn last(cpu: usize, count: usize) -> impl Iterator<Item = Event> {
    let ring = &RINGS[cpu];
    let next = ring.next.load(Relaxed);
    let count = count.min(EVENTS).min(next as usize) as u32;
    (next - count..next).filter_map(|number| {
        let slot = &ring.slots[number as usize % EVENTS];
        Some(Event {
            time_ns: timer::to_ns(slot.ticks.load(Relaxed)),
            kind: EventKind::from_number(slot.kind.load(Relaxed))?,
            a: slot.a.load(Relaxed),
            b: slot.b.load(Relaxed),
        })
    })
}
