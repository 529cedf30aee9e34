//! One phase: the sweep, the wait, the report.

use kernel_abi::Errno;

use super::fake::{Fake, KTHREAD, USER};
use crate::freezer::{DEFAULT_FREEZE_TIMEOUT_MS, Flags, Outcome, Phase};
use crate::sync::Ordering::Relaxed;

/// spec: L1
#[test]
fn a_phase_may_take_twenty_seconds() {
    assert_eq!(DEFAULT_FREEZE_TIMEOUT_MS, 20_000);
    let fake = Fake::new(&[USER]);
    assert_eq!(fake.freeze(), Err(Errno::EBUSY));
    assert_eq!(fake.records.borrow()[0].elapsed_ns, 20_000_000_000);
}

/// spec: L1
#[test]
fn both_phases_have_the_whole_time() {
    let fake = Fake::new(&[USER, KTHREAD]);
    fake.meanwhile(|fake| {
        fake.clock_ns.set(19_000_000_000);
        fake.put_in_refrigerator(1);
    });
    fake.freeze().unwrap();
    fake.meanwhile(|fake| {
        fake.clock_ns.set(38_000_000_000);
        fake.put_in_refrigerator(2);
    });
    fake.freeze_kernel().unwrap();
}

/// spec: L2
#[test]
fn workqueues_freeze_first_in_the_kernel_phase_only() {
    let fake = Fake::new(&[]);
    fake.freeze().unwrap();
    let queues = "freeze workqueues".to_string();
    assert!(!fake.take_events().contains(&queues));
    fake.freeze_kernel().unwrap();
    assert_eq!(fake.take_events()[..2], [queues, "sweep".into()]);
}

/// spec: L3 T4 L7
#[test]
fn every_awake_task_is_asked_once_except_the_current() {
    let fake = Fake::new(&[USER, USER, KTHREAD]);
    fake.sleep(2);
    fake.meanwhile(|fake| fake.put_in_refrigerator(1));
    fake.freeze().unwrap();
    let record = fake.records.borrow()[0];
    assert_eq!(record.phase, Phase::User);
    assert_eq!(record.awake, 1);
    assert_eq!((record.signalled, record.kicked, record.woken), (1, 1, 0));
    let asked = |event: &String| event.starts_with("FakeSignal");
    let events = fake.take_events();
    assert_eq!(events.iter().filter(|event| asked(event)).count(), 1);
}

/// spec: L4
#[test]
fn a_sweep_runs_even_without_any_time() {
    let fake = Fake::impatient(&[USER]);
    fake.sleep(1);
    fake.freeze().unwrap();
    assert!(fake.take_events().contains(&"sweep".into()));
}

/// spec: L4 M4
#[test]
fn a_wakeup_event_aborts_the_phase() {
    let fake = Fake::new(&[USER]);
    fake.meanwhile(|fake| fake.is_wakeup_pending.set(true));
    assert_eq!(fake.freeze(), Err(Errno::EBUSY));
    assert_eq!(fake.records.borrow()[0].outcome, Outcome::Aborted);
    let line = "Freezing of tasks aborted after 0.001 seconds \
                (1 tasks refusing to freeze, wq_busy=0):";
    let events = fake.take_events();
    assert!(events.contains(&line.into()), "{events:?}");
    assert!(!events.contains(&"refuses 1".into()), "no list when aborted");
}

/// spec: L5
#[test]
fn a_refusal_is_counted_and_listed() {
    let fake = Fake::new(&[USER, USER, USER]);
    fake.sleep(2);
    fake.put_in_refrigerator(3);
    assert_eq!(fake.freeze(), Err(Errno::EBUSY));
    let line = "Freezing of tasks failed after 20.000 seconds \
                (1 tasks refusing to freeze, wq_busy=0):";
    let events = fake.take_events();
    let at = events.iter().position(|event| event == line).unwrap();
    assert_eq!(events[at + 1], "refuses 1");
    assert!(!events.contains(&"refuses 2".into()));
    assert!(!events.contains(&"refuses 3".into()));
}

/// spec: L5 W2
#[test]
fn busy_workqueues_refuse_apart_from_tasks() {
    let fake = Fake::impatient(&[]);
    fake.freezer.works_activated(2);
    fake.freeze().unwrap();
    assert_eq!(fake.freeze_kernel(), Err(Errno::EBUSY));
    let line = "Freezing of tasks failed after 0.000 seconds \
                (0 tasks refusing to freeze, wq_busy=1):";
    let events = fake.take_events();
    let at = events.iter().position(|event| event == line).unwrap();
    assert_eq!(events[at + 1], "busy workqueues");
}

/// spec: W2
#[test]
fn the_kernel_phase_waits_for_active_works() {
    let fake = Fake::new(&[]);
    fake.freezer.works_activated(1);
    fake.freeze().unwrap();
    fake.take_events();
    fake.meanwhile(|fake| {
        fake.freezer.work_done(fake);
        assert!(fake.take_events().contains(&"quiet".into()));
    });
    fake.freeze_kernel().unwrap();
}

/// spec: L6
#[test]
fn a_success_says_so_in_linux_words() {
    let fake = Fake::new(&[USER, KTHREAD]);
    fake.meanwhile(|fake| fake.put_in_refrigerator(1));
    fake.freeze().unwrap();
    fake.meanwhile(|fake| fake.put_in_refrigerator(2));
    fake.freeze_kernel().unwrap();
    fake.freezer.thaw_kernel_threads(&fake);
    fake.thaw();
    let events = fake.take_events();
    let mut lines = events.iter().filter(|event| event.ends_with('.'));
    for expected in [
        "Freezing user space processes ... (elapsed 0.001 seconds) done.",
        "OOM killer disabled.",
        "Freezing remaining freezable tasks ... \
         (elapsed 0.001 seconds) done.",
        "Restarting kernel threads ... done.",
        "OOM killer enabled.",
        "Restarting tasks ... done.",
    ] {
        assert_eq!(lines.next().unwrap(), expected);
    }
}

/// spec: K6 D8
#[test]
fn a_kernel_thread_without_freeze_point_fails_the_kernel_phase() {
    let fake = Fake::impatient(&[KTHREAD]);
    fake.freeze().unwrap();
    assert_eq!(fake.freeze_kernel(), Err(Errno::EBUSY));
    assert!(fake.take_events().contains(&"refuses 1".into()));
}

/// spec: K4
#[test]
fn a_parked_thread_counts_as_frozen() {
    let fake = Fake::impatient(&[KTHREAD, KTHREAD | Flags::NOFREEZE]);
    for task in &fake.tasks[1..] {
        task.control.request_park().unwrap();
        assert!(task.control.enter_park());
        fake.freezer.freezer_do_not_count(&fake, task);
    }
    fake.freeze().unwrap();
    fake.freeze_kernel().unwrap();
}

/// A thousand sleepers cost nothing: nobody is visited for them.
/// spec: S1 L3
#[test]
fn sleepers_are_not_asked() {
    let fake = Fake::impatient(&[USER; 1000]);
    (1..=1000).for_each(|id| fake.sleep(id));
    assert_eq!(fake.freezer.users.0.load(Relaxed), 1);
    fake.freeze().unwrap();
    assert_eq!(fake.records.borrow()[0].signalled, 0);
}
