//! The refrigerator's loop.

use super::fake::{Fake, KTHREAD, USER};
use crate::freezer::{Hierarchy, KthreadStop, Phase, SELF_FREEZING};
use crate::sync::Ordering::Relaxed;

/// spec: R1 R4
#[test]
fn a_frozen_task_does_not_count_and_a_thawed_one_does() {
    let fake = Fake::new(&[USER]);
    fake.freezer.raise();
    fake.meanwhile(|fake| {
        assert_eq!(fake.freezer.count_awake(Phase::User), 1);
        fake.freezer.lower();
    });
    assert!(fake.try_to_freeze(1));
    assert_eq!(fake.freezer.count_awake(Phase::User), 2);
}

/// spec: R1
#[test]
fn who_need_not_freeze_does_not_enter() {
    let fake = Fake::new(&[USER]);
    let (host, task) = (&fake, &fake.tasks[1]);
    assert!(!fake.freezer.refrigerator(host, task, KthreadStop::Ignore));
    assert!(fake.take_events().is_empty());
}

/// spec: R2
#[test]
fn a_stray_wake_does_not_thaw() {
    let fake = Fake::new(&[USER]);
    fake.freezer.raise();
    for _ in 0..3 {
        fake.meanwhile(|fake| assert!(fake.task(1).frozen()));
    }
    fake.meanwhile(|fake| fake.freezer.lower());
    assert!(fake.try_to_freeze(1));
}

/// spec: R3 V6
#[test]
fn a_task_stays_until_all_conditions_are_gone() {
    let fake = Fake::new(&[USER]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    fake.meanwhile(|fake| fake.freeze().unwrap());
    fake.meanwhile(|fake| {
        fake.thaw();
        assert!(!fake.take_events().contains(&"wake 1".into()));
    });
    fake.meanwhile(|fake| {
        assert!(fake.task(1).frozen());
        fake.freezer.thaw_group(fake, 1, SELF_FREEZING);
    });
    assert!(fake.try_to_freeze(1));
    assert!(fake.acts.borrow().is_empty());
}

/// spec: K2 K3
#[test]
fn kthread_stop_gets_a_heeding_thread_out() {
    let fake = Fake::new(&[KTHREAD]);
    fake.freezer.raise();
    fake.freezer.pm_nosig_freezing.store(true, Relaxed);
    fake.meanwhile(|fake| fake.tasks[1].control.request_stop());
    let answer =
        fake.freezer.kthread_freezable_should_stop(&fake, &fake.tasks[1]);
    assert_eq!(answer, (true, true));
    assert!(fake.freezing(1), "freezing holds all the same");
}

/// spec: K3
#[test]
fn kthread_stop_waits_for_the_thaw_of_any_other_thread() {
    let fake = Fake::new(&[KTHREAD]);
    fake.freezer.raise();
    fake.freezer.pm_nosig_freezing.store(true, Relaxed);
    fake.meanwhile(|fake| fake.tasks[1].control.request_stop());
    fake.meanwhile(|fake| {
        assert!(fake.task(1).frozen(), "still there");
        fake.freezer.lower();
    });
    assert!(fake.try_to_freeze(1));
}

/// spec: K2
#[test]
fn kthread_freezable_should_stop_reports_both() {
    let fake = Fake::new(&[KTHREAD]);
    let ask = || {
        let (host, task) = (&fake, &fake.tasks[1]);
        fake.freezer.kthread_freezable_should_stop(host, task)
    };
    assert_eq!(ask(), (false, false));
    fake.freezer.raise();
    fake.freezer.pm_nosig_freezing.store(true, Relaxed);
    fake.meanwhile(|fake| fake.freezer.lower());
    assert_eq!(ask(), (true, false));
    fake.tasks[1].control.request_stop();
    assert_eq!(ask(), (false, true));
}
