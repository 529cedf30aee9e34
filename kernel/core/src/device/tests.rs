//! The promises about lamps and watchdogs, kept on registers that only
//! remember.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::lamp::{BEAT_MS, Lamp, Light};
use super::{Registers, watchdog};

/// Registers that remember. With `masks`, the upper half of a write says
/// which bits of the lower half count.
#[derive(Default)]
struct Bank {
    values: RefCell<BTreeMap<usize, u32>>,
    writes: RefCell<Vec<(usize, u32)>>,
    masks: bool,
}

impl Bank {
    fn gpio() -> Self {
        let bank = Bank { masks: true, ..Bank::default() };
        bank.values.borrow_mut().insert(0x78, 0x0100_0c2b);
        bank
    }

    fn value(&self, offset: usize) -> u32 {
        self.values.borrow().get(&offset).copied().unwrap_or(0)
    }
}

impl Registers for Bank {
    fn read(&self, offset: usize) -> u32 {
        self.value(offset)
    }

    fn write(&self, offset: usize, value: u32) {
        self.writes.borrow_mut().push((offset, value));
        let old = self.value(offset);
        let mask = if self.masks { value >> 16 } else { u32::MAX };
        let new = old & !mask | value & mask;
        self.values.borrow_mut().insert(offset, new);
    }
}

/// The writes are those that the status LED of an RK3588S board needs, line 2.
#[test]
fn a_lamp_touches_no_other_line() {
    let bank = Bank::gpio();
    bank.values.borrow_mut().extend([(0x0, 0xa5a1), (0x8, 0x1111)]);
    let lamp = Lamp::new(2, false).unwrap();
    assert!(lamp.prepare(&bank));
    lamp.set(&bank, Light::On);
    assert_eq!((bank.value(0x0), bank.value(0x8)), (0xa5a5, 0x1115));
    lamp.set(&bank, Light::Off);
    assert_eq!(bank.value(0x0), 0xa5a1);
    let writes = bank.writes.into_inner();
    let expected = [
        (0x0, 0x0004_0000),
        (0x8, 0x0004_0004),
        (0x0, 0x0004_0004),
        (0x0, 0x0004_0000),
    ];
    assert_eq!(writes, expected);
}

#[test]
fn a_lamp_in_the_upper_half_may_be_active_low() {
    let bank = Bank::gpio();
    let lamp = Lamp::new(31, true).unwrap();
    assert!(lamp.prepare(&bank));
    assert_eq!((bank.value(0x4), bank.value(0xc)), (0x8000, 0x8000));
    lamp.set(&bank, Light::On);
    assert_eq!(bank.value(0x4), 0);
    assert!(bank.writes.borrow().iter().all(|(at, _)| *at == 4 || *at == 12));
}

#[test]
fn what_is_no_bank_of_this_kind_is_left_alone() {
    let bank = Bank::default();
    assert!(!Lamp::new(2, false).unwrap().prepare(&bank));
    assert!(bank.writes.borrow().is_empty());
    assert_eq!(Lamp::new(32, false), None);
}

#[test]
fn a_heart_beats_twice_and_rests_dark() {
    let lights = BEAT_MS.map(|(light, _)| light);
    assert_eq!(lights, [Light::On, Light::Off, Light::On, Light::Off]);
    let last = BEAT_MS[3].1;
    assert!(BEAT_MS[..3].iter().all(|(_, ms)| (50..last / 2).contains(ms)));
}

#[test]
fn a_running_watchdog_is_kicked_in_time() {
    let dog = Bank::default();
    assert!(!watchdog::is_running(&dog));
    dog.values.borrow_mut().insert(0, 0b11);
    assert!(watchdog::is_running(&dog));
    watchdog::kick(&dog);
    assert_eq!(*dog.writes.borrow(), [(0xc, 0x76)]);
    for exponent in 0..16 {
        dog.values.borrow_mut().insert(4, exponent | exponent << 4);
        let period = watchdog::period_ms(&dog, 24_000_000);
        let barks = (1_u64 << (16 + exponent)) / 24_000;
        assert!((1..=1_000).contains(&period), "{exponent}: {period}");
        assert!(period * 2 <= barks, "{exponent}: {period} of {barks}");
    }
    assert_eq!(watchdog::period_ms(&dog, 0), 1_000);
}
