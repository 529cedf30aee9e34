//! CPUs that go off and come back, by `/sys/devices/system/cpu`, and tasks
//! that must not notice.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file, schedule};

use super::freezer::wakeup::suspend_for;
use super::freezer::{freeze, now_ms, wait_for, words};
use super::tool::{
    Failure, Outcome, ensure, ensure_eq, in_some_round, soon, tests,
};
use user_lib::child::Child;

tests! {
    every_cpu_has_its_files
    the_switch_has_its_grammar_and_spares_the_last
    a_cpu_goes_off_and_comes_back
    the_boot_cpu_goes_off_and_comes_back
    a_running_task_moves_when_told
    a_pinned_spinner_goes_on_elsewhere_and_returns
    a_timer_survives_its_cpu
    a_freeze_with_cpus_off_is_a_freeze
    frozen_tasks_are_on_their_cpus_after_a_suspend: ALARM
    a_sleeper_that_wakes_in_a_suspend_is_at_home_after: ALARM
    a_suspend_works_without_the_boot_cpu: ALARM
    freezes_and_cpus_get_along
}

/// Ends a suspend.
const ALARM: &str = "/sys/class/rtc/rtc0/wakealarm";

const PLACE: &str = "/sys/devices/system/cpu";

/// Turns a CPU off or on.
pub fn turn(number: u32, state: &str) -> Result<()> {
    file::overwrite(&format!("{PLACE}/cpu{number}/online"), state.as_bytes())
}

/// Numbers of the CPUs that the machine has.
pub fn cpus() -> core::ops::Range<u32> {
    let is_there =
        |number: &u32| file::is_directory(&format!("{PLACE}/cpu{number}"));
    0..(0..64).take_while(is_there).count() as u32
}

/// Turns every CPU on when it is dropped, however the test ends.
pub struct AllOn;

impl Drop for AllOn {
    fn drop(&mut self) {
        for number in cpus() {
            // What cannot be turned on shows in the next test.
            let _ = turn(number, "1");
        }
    }
}

fn shown(name: &str) -> Result<String> {
    file::text(&format!("{PLACE}/{name}"))
}

fn every_cpu_has_its_files() -> Outcome {
    let count = cpus().len();
    let all = match count {
        1 => String::from("0\n"),
        _ => format!("0-{}\n", count - 1),
    };
    for name in ["online", "possible", "present"] {
        ensure_eq!(shown(name)?, all);
    }
    ensure_eq!(shown("offline")?, "\n");
    let mut fastest = 0;
    for number in cpus() {
        ensure_eq!(shown(&format!("cpu{number}/online"))?, "1\n");
        let text = shown(&format!("cpu{number}/cpu_capacity"))?;
        let capacity: u32 = text.trim().parse().map_err(|_| Failure(text))?;
        fastest = capacity.max(fastest);
    }
    ensure_eq!(fastest, 1024);
    Ok(())
}

fn the_switch_has_its_grammar_and_spares_the_last() -> Outcome {
    let _all_on = AllOn;
    for wrong in ["2", "x", "\n", "-1"] {
        ensure_eq!((wrong, turn(0, wrong)), (wrong, Err(Errno::EINVAL)));
    }
    for same in ["1", "y", "on\n"] {
        ensure_eq!((same, turn(0, same)), (same, Ok(())));
    }
    for number in cpus().skip(1) {
        turn(number, "0")?;
        turn(number, "n")?;
    }
    ensure_eq!(shown("online")?, "0\n");
    ensure_eq!(turn(0, "0"), Err(Errno::EBUSY));
    Ok(())
}

fn a_cpu_goes_off_and_comes_back() -> Outcome {
    let _all_on = AllOn;
    let all = schedule::affinity(0)?;
    for number in cpus().skip(1) {
        turn(number, "0")?;
        ensure_eq!(shown(&format!("cpu{number}/online"))?, "0\n");
        ensure_eq!(shown("offline")?, format!("{number}\n"));
        ensure_eq!(schedule::affinity(0)?, all & !(1 << number));
        let refused = schedule::set_affinity(0, 1 << number);
        ensure_eq!(refused, Err(Errno::EINVAL));
        turn(number, "1")?;
        ensure_eq!(schedule::affinity(0)?, all);
        schedule::set_affinity(0, 1 << number)?;
        ensure_eq!(schedule::current_cpu()?, number as usize);
        schedule::set_affinity(0, all)?;
    }
    Ok(())
}

/// Timers, tasks and interrupts of CPU 0 have another home meanwhile.
fn the_boot_cpu_goes_off_and_comes_back() -> Outcome {
    if cpus().len() == 1 {
        return Ok(());
    }
    let _all_on = AllOn;
    schedule::set_affinity(0, 1)?;
    turn(0, "0")?;
    ensure!(schedule::current_cpu()? != 0);
    in_some_round(|| {
        let start = now_ms();
        time::sleep(Time::from_millis(50));
        let slept = now_ms() - start;
        ensure!(slept >= 50);
        Ok(slept < 2000)
    })?;
    turn(0, "1")?;
    time::sleep(Time::from_millis(1));
    ensure_eq!(schedule::current_cpu()?, 0);
    Ok(())
}

/// A child that notes on which CPU it is, over and over.
struct Nomad {
    child: Child,
    rounds: &'static AtomicU32,
    place: &'static AtomicU32,
    /// CPUs where it has been, bit n for CPU n.
    visited: &'static AtomicU32,
}

impl Nomad {
    /// Starts one that may run on the CPUs of `mask`; between two looks it
    /// sleeps so many milliseconds.
    fn start(mask: u64, sleep_ms: i64) -> Result<Self> {
        let [rounds, place, visited] = words()?;
        let child = Child::start(|| {
            if schedule::set_affinity(0, mask).is_err() {
                return 1;
            }
            loop {
                let Ok(number) = schedule::current_cpu() else { return 1 };
                place.store(number as u32, Ordering::Relaxed);
                visited.fetch_or(1 << number, Ordering::Relaxed);
                rounds.fetch_add(1, Ordering::Release);
                if sleep_ms != 0 {
                    time::sleep(Time::from_millis(sleep_ms));
                }
            }
        })?;
        wait_for(rounds, 1);
        Ok(Self { child, rounds, place, visited })
    }

    fn goes_on(&self) -> bool {
        let target = self.rounds.load(Ordering::Acquire).wrapping_add(2);
        soon(|| self.rounds.load(Ordering::Acquire) >= target)
    }

    fn is_on(&self, number: u32) -> bool {
        soon(|| self.place.load(Ordering::Relaxed) == number)
    }
}

fn a_running_task_moves_when_told() -> Outcome {
    let nomad = Nomad::start(1, 0)?;
    for number in cpus().chain([0]) {
        schedule::set_affinity(nomad.child.id(), 1 << number)?;
        ensure!(nomad.is_on(number));
        ensure!(nomad.goes_on());
        ensure!(nomad.is_on(number));
    }
    Ok(())
}

fn a_pinned_spinner_goes_on_elsewhere_and_returns() -> Outcome {
    let _all_on = AllOn;
    for number in cpus().skip(1) {
        let nomads =
            [Nomad::start(1 << number, 0)?, Nomad::start(1 << number, 1)?];
        turn(number, "0")?;
        for nomad in &nomads {
            ensure!(nomad.goes_on());
            ensure!(nomad.place.load(Ordering::Relaxed) != number);
            ensure!(schedule::affinity(nomad.child.id())? != 0);
        }
        turn(number, "1")?;
        for nomad in &nomads {
            ensure!(nomad.is_on(number));
            ensure!(nomad.goes_on());
            ensure!(nomad.is_on(number));
            let own = schedule::affinity(nomad.child.id())?;
            ensure_eq!(own, 1 << number);
        }
    }
    Ok(())
}

fn a_timer_survives_its_cpu() -> Outcome {
    let _all_on = AllOn;
    for number in cpus().skip(1) {
        in_some_round(|| Ok(sleep_while_off(number)? < 3000))?;
    }
    Ok(())
}

/// Turns a CPU off under a child that sleeps on it for 100 ms; how long it
/// has slept, in milliseconds.
fn sleep_while_off(number: u32) -> core::result::Result<u32, Failure> {
    let [asleep, woke] = words()?;
    let child = Child::start(|| {
        let moved = schedule::set_affinity(0, 1 << number);
        asleep.store(now_ms(), Ordering::Release);
        time::sleep(Time::from_millis(100));
        woke.store(now_ms(), Ordering::Release);
        i32::from(moved.is_err())
    })?;
    wait_for(asleep, 1);
    turn(number, "0")?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    let slept = woke.load(Ordering::Acquire) - asleep.load(Ordering::Acquire);
    ensure!(slept >= 100);
    turn(number, "1")?;
    Ok(slept)
}

fn pinned(sleep_ms: i64) -> Result<Vec<Nomad>> {
    cpus().map(|number| Nomad::start(1 << number, sleep_ms)).collect()
}

// spec: O1 O7
fn a_freeze_with_cpus_off_is_a_freeze() -> Outcome {
    let _all_on = AllOn;
    let nomads = [pinned(0)?, pinned(1)?];
    for number in cpus().skip(1) {
        turn(number, "0")?;
        freeze(0)?;
    }
    for number in cpus().skip(1) {
        freeze(0)?;
        turn(number, "1")?;
    }
    freeze(0)?;
    for (number, nomad) in nomads.iter().flat_map(|all| cpus().zip(all)) {
        ensure!(nomad.is_on(number));
        ensure!(nomad.goes_on());
    }
    Ok(())
}

/// The other CPUs are off while everything is frozen, and back before
/// anything thaws: nobody ever runs anywhere else.
// spec: M5 O4
fn frozen_tasks_are_on_their_cpus_after_a_suspend() -> Outcome {
    let nomads = pinned(0)?;
    suspend_for(2)?;
    for (number, nomad) in cpus().zip(&nomads) {
        ensure!(nomad.goes_on());
        ensure_eq!(nomad.visited.load(Ordering::Relaxed), 1 << number);
    }
    ensure_eq!(shown("offline")?, "\n");
    Ok(())
}

/// Its timer goes off on the boot CPU, which wakes it: but in the kernel
/// only, and there it freezes.
// spec: M5 N2
fn a_sleeper_that_wakes_in_a_suspend_is_at_home_after() -> Outcome {
    let nomads = pinned(20)?;
    suspend_for(2)?;
    for (number, nomad) in cpus().zip(&nomads) {
        ensure!(nomad.goes_on());
        ensure_eq!(nomad.visited.load(Ordering::Relaxed), 1 << number);
    }
    Ok(())
}

/// The alarm's interrupt has moved with the rest.
// spec: M5
fn a_suspend_works_without_the_boot_cpu() -> Outcome {
    if cpus().len() == 1 {
        return Ok(());
    }
    let _all_on = AllOn;
    turn(0, "0")?;
    suspend_for(2)?;
    ensure_eq!(shown("offline")?, "0\n");
    turn(0, "1")?;
    suspend_for(2)?;
    ensure_eq!(shown("offline")?, "\n");
    Ok(())
}

/// Who turns CPUs off and on is a task like others: a freeze waits until it
/// is done, and it goes on after the thaw.
// spec: O4 L1
fn freezes_and_cpus_get_along() -> Outcome {
    let _all_on = AllOn;
    let [turns, stop] = words()?;
    let nomads = [pinned(0)?, pinned(1)?];
    let turner = Child::start(|| {
        let mut number = 0;
        while stop.load(Ordering::Acquire) == 0 {
            number = (number + 1) % cpus().len() as u32;
            for state in ["0", "1"] {
                match turn(number, state) {
                    Ok(()) => turns.fetch_add(1, Ordering::Release),
                    Err(Errno::EBUSY) if cpus().len() == 1 => 0,
                    Err(_) => return 1,
                };
            }
        }
        0
    })?;
    let are_turned = || cpus().len() == 1 || turns.load(Ordering::Acquire) >= 4;
    let mut rounds = 0;
    while rounds < 20 || !are_turned() {
        freeze(0)?;
        rounds += 1;
    }
    stop.store(1, Ordering::Release);
    ensure_eq!(turner.wait()?.exit_code(), Some(0));
    for (number, nomad) in nomads.iter().flat_map(|all| cpus().zip(all)) {
        ensure!(nomad.is_on(number));
        ensure!(nomad.goes_on());
    }
    Ok(())
}
