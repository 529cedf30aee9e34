//! Groups: conditions, counts, joins.

use super::fake::{Fake, KTHREAD, USER};
use crate::freezer::{
    Hierarchy, PARENT_FREEZING, Phase, Request, SELF_FREEZING,
};

/// spec: C4
#[test]
fn a_group_is_one_condition_however_many_bits_it_has() {
    let fake = Fake::new(&[]);
    let freezer = &fake.freezer;
    freezer.freeze_group(&fake, 1, PARENT_FREEZING);
    freezer.freeze_group(&fake, 1, SELF_FREEZING);
    freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert_eq!(fake.conditions(), 1);
    freezer.thaw_group(&fake, 1, SELF_FREEZING);
    assert_eq!(fake.conditions(), 1);
    freezer.thaw_group(&fake, 1, PARENT_FREEZING);
    freezer.thaw_group(&fake, 1, PARENT_FREEZING);
    assert_eq!(fake.conditions(), 0);
}

/// spec: C1 C4
#[test]
fn conditions_add_up() {
    let fake = Fake::new(&[]);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    fake.freezer.freeze_group(&fake, 2, SELF_FREEZING);
    fake.freeze().unwrap();
    assert_eq!(fake.conditions(), 3);
    fake.thaw();
    assert_eq!(fake.conditions(), 2);
}

/// spec: V4 D5
#[test]
fn a_group_is_frozen_once_nobody_is_awake() {
    let fake = Fake::new(&[USER, KTHREAD]);
    for task in &fake.tasks[1..] {
        let _ = fake.freezer.attach(&fake, task, Hierarchy::V1, 1);
    }
    assert!(!fake.freezer.group_frozen(1));
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert!(!fake.freezer.group_frozen(1), "FREEZING");
    let events = fake.take_events();
    assert!(events.contains(&"FakeSignal 1".into()));
    assert!(events.contains(&"WakeKthread 2".into()));
    fake.put_in_refrigerator(1);
    fake.put_in_refrigerator(2);
    assert_eq!(fake.take_events(), ["group 1 quiet"]);
    assert!(fake.freezer.group_frozen(1));
}

/// spec: V4 P5
#[test]
fn an_empty_group_is_frozen_at_once_and_nobody_is_visited() {
    let fake = Fake::new(&[USER]);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert!(fake.freezer.group_frozen(1));
    assert!(fake.take_events().is_empty());
}

/// spec: O6
#[test]
fn a_task_that_freezes_its_own_group_goes_on_until_its_way_to_user_mode() {
    let fake = Fake::new(&[USER]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    // The write of task 1, which returns ...
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    assert!(fake.take_events().contains(&"FakeSignal 1".into()));
    assert!(!fake.freezer.group_frozen(1), "its writer is still awake");
    // ... and here task 1 goes to user mode.
    fake.meanwhile(|fake| {
        assert!(fake.freezer.group_frozen(1));
        fake.freezer.thaw_group(fake, 1, SELF_FREEZING);
    });
    assert!(fake.try_to_freeze(1));
}

/// spec: V8 P1
#[test]
fn who_joins_a_freezing_group_is_asked() {
    let fake = Fake::new(&[USER]);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    let request = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    assert_eq!(request, Request::FakeSignal);
    assert!(!fake.freezer.group_frozen(1));
    assert_eq!(fake.freezer.count_awake(Phase::User), 2, "counted once");
}

/// spec: V8 G1
#[test]
fn who_leaves_a_freezing_group_thaws() {
    let fake = Fake::new(&[USER]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    fake.meanwhile(|fake| {
        let request =
            fake.freezer.attach(fake, &fake.tasks[1], Hierarchy::V1, 0);
        assert_eq!(request, Request::NotRequested);
        assert!(fake.freezer.group_frozen(1), "the source stays frozen");
    });
    assert!(fake.try_to_freeze(1));
    assert_eq!(fake.task(1).flags(), USER);
}

/// spec: P1
#[test]
fn a_child_is_born_into_its_parents_group() {
    let fake = Fake::new(&[USER]);
    let _ = fake.freezer.attach(&fake, &fake.tasks[1], Hierarchy::V1, 1);
    let child = crate::freezer::TaskFreezer::new();
    fake.freezer.born(&fake, &child, fake.task(1));
    assert_eq!(child.groups().of(Hierarchy::V1), 1);
    fake.freezer.freeze_group(&fake, 1, SELF_FREEZING);
    fake.sleep(1);
    assert!(!fake.freezer.group_frozen(1), "the child is awake");
}
